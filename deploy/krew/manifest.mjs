// Prints the krew manifest for an archive: node deploy/krew/manifest.mjs ARCHIVE BASE_URL HOMEPAGE, where BASE_URL is
// where the archive can be downloaded.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const [archive = '', baseUrl = '', homepage = ''] = process.argv.slice(2);
const [, version] = /^leastwise-(v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\.tar\.gz$/.exec(basename(archive)) ?? [];
const areUrls = [baseUrl, homepage].every((url) => URL.canParse(url) && new URL(url).protocol === 'https:');
if (version === undefined || !areUrls) {
  process.stderr.write('usage: node deploy/krew/manifest.mjs leastwise-vX.Y.Z.tar.gz https://… https://…\n');
  process.exit(2);
}
const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
const filled = {
  VERSION: version,
  SHA256: sha256,
  BASE_URL: baseUrl.replace(/\/+$/, ''),
  HOMEPAGE: homepage,
};
const template = readFileSync(new URL('leastwise.yaml', import.meta.url), 'utf8');
const manifest = template.replace(/^#.*\n/gm, '');
process.stdout.write(manifest.replace(/\b(?:VERSION|SHA256|BASE_URL|HOMEPAGE)\b/g, (name) => filled[name]));
