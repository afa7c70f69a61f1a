// The documents as a site: `npx vitepress build docs`. A link that leads nowhere breaks the build.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { plainBraces, siteLinks } from './markdown.mjs';
import { NAVIGATION } from './navigation.mjs';

/** Where the files of the repository can be read. GitHub Actions says whose it is. */
const REPOSITORY = `https://github.com/${process.env.GITHUB_REPOSITORY ?? 'your-organisation/leastwise'}`;
const SOURCE = `${REPOSITORY}/blob/main`;

const isThere = ([path]) => existsSync(fileURLToPath(new URL(`../${path}.md`, import.meta.url)));
const sidebar = NAVIGATION.map(({ text, pages }) => ({
  text,
  collapsed: false,
  items: pages
    .filter(isThere)
    .map(([path, title]) => ({ text: title, link: `/${path.replace(/README$/, '')}` })),
}));

export default {
  title: 'Leastwise',
  description: 'Kubernetes audit logs in, least-privilege RBAC that a team can merge out.',
  lang: 'en-GB',
  base: process.env.LEASTWISE_SITE_BASE ?? '/',
  head: [['style', {}, readFileSync(new URL('site.css', import.meta.url), 'utf8')]],
  cleanUrls: true,
  // Those of a compose file that somebody has started.
  ignoreDeadLinks: 'localhostLinks',
  rewrites: { 'adr/README.md': 'adr/index.md' },
  markdown: {
    // Commands with what they print.
    languageAlias: { console: 'shellsession' },
    config: (markdown) => {
      siteLinks(markdown, SOURCE);
      plainBraces(markdown);
    },
  },
  themeConfig: {
    nav: [
      { text: 'Tutorial', link: '/guide-from-audit-log-to-merged-role' },
      { text: 'Commands', link: '/commands/generate' },
      { text: 'Comparison', link: '/comparison' },
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar,
    search: { provider: 'local' },
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    footer: { message: 'Apache-2.0' },
  },
};
