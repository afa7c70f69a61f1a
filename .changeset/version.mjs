// Gives all packages and the chart their next version and moves the sentences of the changesets into CHANGELOG.md.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const HERE = new URL('./', import.meta.url);
const CHANGELOG = new URL('../CHANGELOG.md', HERE);

/** The sentences, in the order of the files' names, each without its front matter. */
const sentences = readdirSync(HERE)
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .sort()
  .map((name) => /^---\n[\s\S]*?\n---\n+([\s\S]+?)\s*$/.exec(readFileSync(new URL(name, HERE), 'utf8'))?.[1])
  .filter((text) => text !== undefined);
if (sentences.length === 0) throw new Error('there is nothing to release: no changeset has a sentence');

const root = new URL('../', HERE);
execFileSync('npx', ['--no-install', 'changeset', 'version'], { cwd: root, stdio: 'inherit' });
const { version } = JSON.parse(readFileSync(new URL('packages/cli/package.json', root), 'utf8'));
const [title, ...rest] = readFileSync(CHANGELOG, 'utf8').split(/^(?=## )/m);
const section = `## ${version}\n\n${sentences.map((text) => `- ${text.replaceAll('\n', '\n  ')}\n`).join('')}\n`;
writeFileSync(CHANGELOG, `${title}${section}${rest.join('')}`);

const chart = new URL('deploy/helm/leastwise/Chart.yaml', root);
const text = readFileSync(chart, 'utf8').replace(/^(version|appVersion): .*$/gm, `$1: ${version}`);
writeFileSync(chart, text);
