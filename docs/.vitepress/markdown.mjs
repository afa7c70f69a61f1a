import { posix } from 'node:path';

/**
 * Where a link of a document leads on the site: one that leaves the documents leads to the file in the repository, for
 * only documents are on the site.
 * @param {string} href as it is written
 * @param {string} page the document, below docs
 * @param {string} source the address of a file of the repository, without its path
 */
export function siteLink(href, page, source) {
  if (/^(?:[a-z][a-z+.-]*:|#|\/)/i.test(href)) return href;
  const target = posix.join('docs', posix.dirname(page), href);
  return target.startsWith('docs/') ? href : `${source.replace(/\/+$/, '')}/${target}`;
}

/** Changes the links of a Markdown document as {@link siteLink} does. */
export function siteLinks(markdown, source) {
  markdown.core.ruler.push('site-links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null;
        if (href !== null) token.attrSet('href', siteLink(href, env.relativePath ?? '', source));
      }
    }
  });
}

/** Keeps a pair of braces from being code: the documents are no templates of the site. */
export function plainBraces({ renderer: { rules } }) {
  for (const name of ['text', 'code_inline']) {
    const usual = rules[name];
    rules[name] = (...args) => usual(...args).replaceAll('{{', '&#123;&#123;');
  }
}
