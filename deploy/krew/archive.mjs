// Builds the archive of the kubectl plugin: the command with all that it needs to run but Node, as it is installed and
// built here. `node deploy/krew/archive.mjs FOLDER` writes FOLDER/leastwise-VERSION.tar.gz and prints its path. The same
// tree gives the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
/** The command, and the services that `config` and `doctor` ask about their configurations. */
const TOP = ['@leastwise/cli', '@leastwise/aggregator', '@leastwise/auditor', '@leastwise/publisher'];
/** What of a workspace package runs: neither sources nor tests. */
const RUNS = new Set(['package.json', 'README.md', 'bin', 'dist', 'lua']);
const NOT_NEEDED = /\.(?:map|tsbuildinfo|d\.[cm]?ts)$/;

/** Where a package finds a dependency, as Node looks for it. */
function find(name, from) {
  for (let folder = from; folder.startsWith(ROOT.slice(0, -1)); folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
  }
  return undefined;
}

/** Every package that some packages need to run, by where it is installed. */
function closure(names) {
  const places = new Set();
  const waiting = names.map((name) => ({ name, from: ROOT, isOptional: false }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const place = find(next.name, next.from);
    if (place === undefined) {
      if (next.isOptional) continue;
      throw new Error(`${next.name} is not installed, which ${next.from} needs: run npm ci`);
    }
    if (places.has(place)) continue;
    places.add(place);
    const real = realpathSync(place);
    const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(real, 'package.json'), 'utf8'),
    );
    const optional = { ...peerDependencies, ...optionalDependencies };
    const needed = Object.keys(dependencies ?? {}).filter((name) => !(name in optional));
    waiting.push(...needed.map((name) => ({ name, from: real, isOptional: false })));
    waiting.push(...Object.keys(optional).map((name) => ({ name, from: real, isOptional: true })));
  }
  return [...places].sort();
}

/** Copies a package to where it is below `node_modules`, without the packages within it, which are copied by themselves. */
function copy(place, modules) {
  const real = realpathSync(place);
  const isOurs = !real.startsWith(MODULES + sep);
  if (isOurs && !existsSync(join(real, 'dist'))) throw new Error(`${real} is not built: run npm run build`);
  // A dependency of one workspace package alone is installed within it, and that is found by its name.
  const [, owner = '', within] =
    /^(?:packages|services)\/([^/]+)\/node_modules\/(.+)$/.exec(relative(ROOT, place)) ?? [];
  const target =
    within === undefined ? relative(MODULES, place) : join('@leastwise', owner, 'node_modules', within);
  const isNeeded = (path) => {
    const [first = ''] = path.split(sep);
    if (first === 'node_modules' || NOT_NEEDED.test(path)) return false;
    return !isOurs || (RUNS.has(first) && !path.endsWith('.test.js'));
  };
  for (const entry of readdirSync(real, { recursive: true, withFileTypes: true })) {
    const path = relative(real, join(entry.parentPath, entry.name));
    if (!entry.isFile() || !isNeeded(path)) continue;
    mkdirSync(dirname(join(modules, target, path)), { recursive: true });
    copyFileSync(join(real, path), join(modules, target, path));
  }
}

function pack(stage, file) {
  const tar = execFileSync(
    'tar',
    [
      ...[
        '--create',
        '--sort=name',
        '--mtime=@0',
        '--owner=0',
        '--group=0',
        '--numeric-owner',
        '--format=ustar',
      ],
      ...['--mode=u+rwX,go+rX,go-w', '--directory', stage, '.'],
    ],
    { maxBuffer: 2 ** 30 },
  );
  writeFileSync(file, gzipSync(tar, { level: 9 }));
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node deploy/krew/archive.mjs FOLDER');
const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/cli/package.json'), 'utf8'));
const stage = mkdtempSync(join(tmpdir(), 'leastwise-krew-'));
try {
  for (const place of closure(TOP)) copy(place, join(stage, 'lib', 'node_modules'));
  copyFileSync(join(HERE, 'kubectl-leastwise'), join(stage, 'kubectl-leastwise'));
  copyFileSync(join(ROOT, 'LICENSE'), join(stage, 'LICENSE'));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `leastwise-v${version}.tar.gz`);
  pack(stage, file);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  process.stderr.write(`${basename(file)}: sha256 ${sha256}\n`);
  process.stdout.write(`${file}\n`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}
