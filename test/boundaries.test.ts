import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Graph {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly module: string; readonly resolved: string }[];
  }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** What CI's boundary check sees in a tree: the same program, the same rules. */
async function graphOf(root: string, folders: readonly string[]): Promise<Graph> {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const rules = join(ROOT, '.dependency-cruiser.cjs');
  const run = promisify(execFile)(
    process.execPath,
    [program, ...folders, '--config', rules, '--output-type', 'json'],
    { cwd: root, maxBuffer: 1 << 28 },
  );
  const { stdout } = await run.catch((error: unknown) => {
    // Exits with the number of violations; without output it did not run at all.
    const output = (error as { stdout?: string }).stdout;
    if (!output) throw error;
    return { stdout: output };
  });
  return JSON.parse(stdout) as Graph;
}

/** Imports that must be refused: where, what, and by which rule. */
const REFUSED: readonly (readonly [file: string, specifier: string, rule: string])[] = [
  ['packages/rbac/src/planted-fs.ts', 'node:fs', 'domain-is-pure'],
  ['packages/rbac/src/planted-timers.ts', 'node:timers/promises', 'domain-is-pure'],
  ['packages/rbac/src/planted-adapter.ts', '@leastwise/source-file', 'domain-is-pure'],
  ['packages/render/src/planted-port.ts', '@leastwise/state', 'domain-is-pure'],
  ['packages/audit-event/src/planted-npm.ts', 'commander', 'domain-is-pure'],
  ['packages/audit-event/src/planted-vitest.ts', 'vitest', 'domain-is-pure'],
  ['packages/state/src/planted-port.ts', '@leastwise/source', 'ports-import-domain-only'],
  ['packages/source/src/planted-adapter.ts', '@leastwise/source-file', 'ports-import-domain-only'],
  ['packages/publish/src/planted-npm.ts', 'commander', 'ports-import-domain-only'],
  ['packages/forge/src/planted-adapter.ts', '@leastwise/source-file', 'adapters-import-inward'],
  ['packages/source-file/src/planted-adapter.ts', '@leastwise/forge', 'adapters-import-inward'],
  ['packages/source-file/src/planted-cli.ts', '@leastwise/cli', 'nothing-imports-the-cli'],
  ['packages/runtime/src/planted-domain.ts', '@leastwise/rbac', 'runtime-stands-alone'],
  ['packages/cli/src/planted-service.ts', '@leastwise/aggregator', 'nothing-imports-a-service'],
  ['packages/cli/src/planted-testkit.ts', '@leastwise/testkit', 'testkit-in-tests-only'],
  ['packages/cli/src/planted-test.ts', './planted-some.test.ts', 'tests-are-leaves'],
  ['packages/cli/src/planted-deep-path.ts', '../../rbac/src/types.ts', 'no-deep-import'],
  ['packages/cli/src/planted-deep-index.ts', '../../rbac/src/index.ts', 'no-deep-import'],
  ['packages/cli/src/planted-deep-name.ts', '@leastwise/rbac/src/types.ts', 'no-unresolvable'],
  ['test/planted-deep.ts', '../packages/rbac/src/types.ts', 'no-deep-import-from-tests'],
  ['packages/cli/src/planted-build.ts', '../dist/index.js', 'sources-not-builds'],
  ['packages/source-file/src/planted-kafka.ts', 'kafkajs', 'one-kafka'],
  ['packages/forge/src/planted-redis.ts', 'ioredis', 'one-redis'],
  ['packages/cli/src/planted-kube.ts', '@kubernetes/client-node', 'one-kube-client'],
  ['packages/cli/src/planted-git.ts', 'node:child_process', 'one-git'],
  ['packages/source-file/src/planted-git.ts', 'node:child_process', 'one-git'],
  ['packages/cli/src/planted-log.ts', 'pino', 'one-logger'],
  ['services/aggregator/src/planted-service.ts', '@leastwise/publisher', 'services-are-thin'],
  ['services/aggregator/src/planted-cli.ts', '@leastwise/cli', 'services-are-thin'],
  ['packages/rbac/src/planted-circle-a.ts', './planted-circle-b.ts', 'no-circular'],
  ['packages/rbac/src/planted-nowhere.ts', './planted-does-not-exist.ts', 'no-unresolvable'],
];

/** Imports that must be seen and let through: rules that refuse everything would pass the list above. */
const ALLOWED: readonly (readonly [file: string, specifier: string])[] = [
  ['packages/rbac/src/planted-domain.ts', '@leastwise/audit-event'],
  ['packages/rbac/src/planted-yaml.ts', 'yaml'],
  ['packages/rbac/src/planted-hash.ts', 'node:crypto'],
  ['packages/rbac/src/planted-some.test.ts', '@leastwise/testkit'],
  ['packages/rbac/src/planted-other.test.ts', 'node:fs'],
  ['packages/state/src/planted-domain.ts', '@leastwise/rbac'],
  ['packages/state/src/planted-fs.ts', 'node:fs'],
  ['packages/forge/src/planted-git.ts', 'node:child_process'],
  ['packages/source-file/src/planted-port.ts', '@leastwise/source'],
  ['packages/source-file/src/planted-runtime.ts', '@leastwise/runtime'],
  ['packages/source-kafka/src/planted-kafka.ts', 'kafkajs'],
  ['packages/state-redis/src/planted-suite.test.ts', '@leastwise/state/conformance'],
  ['services/aggregator/src/planted-adapter.ts', '@leastwise/source-file'],
];

const SUPPORT: readonly (readonly [file: string, text: string])[] = [
  ['packages/cli/src/planted-some.test.ts', 'export const fixture = 1;\n'],
  ['packages/rbac/src/planted-circle-b.ts', "export { x } from './planted-circle-a.ts';\n"],
  ['packages/cli/dist/index.js', 'export const built = 1;\n'],
];

/** Packages that the tree does not have (yet), or whose absence must not be what refuses an import. */
const STUBS: readonly (readonly [name: string, folder: string])[] = [
  ['@leastwise/aggregator', 'services/aggregator'],
  ['@leastwise/publisher', 'services/publisher'],
  ['@leastwise/runtime', 'packages/runtime'],
  ['@leastwise/source-kafka', 'packages/source-kafka'],
  ['@leastwise/state-redis', 'packages/state-redis'],
  ...['yaml', 'commander', 'vitest', 'kafkajs', 'ioredis', 'pino', '@kubernetes/client-node'].map(
    (name) => [name, `node_modules/${name}`] as const,
  ),
];

async function put(root: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text, { flag: 'wx' });
}

/** Makes a folder of the tree importable by name. Never links out of the tree: what is planted would land there. */
async function link(root: string, name: string, folder: string): Promise<void> {
  const at = join(root, 'node_modules', name);
  await mkdir(dirname(at), { recursive: true });
  await symlink(join(root, folder), at);
}

async function copyPackage(root: string, folder: string): Promise<void> {
  const sources = await readdir(join(ROOT, folder, 'src'), { recursive: true });
  const files = [
    'package.json',
    ...sources.filter((file) => file.endsWith('.ts')).map((file) => `src/${file}`),
  ];
  for (const file of files) {
    await put(root, join(folder, file), await readFile(join(ROOT, folder, file), 'utf8'));
  }
}

/** A copy of the packages with bad and good imports planted in it. */
async function plantedTree(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'leastwise-boundaries-'));
  for (const [name, folder] of STUBS) {
    const manifest = { name, type: 'module', exports: './index.js' };
    await put(root, `${folder}/index.js`, 'export const stub = 1;\n');
    await put(root, `${folder}/package.json`, JSON.stringify(manifest));
    if (name.startsWith('@leastwise/')) await link(root, name, folder);
  }
  for (const name of await readdir(join(ROOT, 'packages'))) {
    const folder = `packages/${name}`;
    if (STUBS.some((stub) => stub[1] === folder)) continue;
    await copyPackage(root, folder);
    await link(root, `@leastwise/${name}`, folder);
  }
  for (const [file, specifier] of [...REFUSED, ...ALLOWED]) {
    await put(root, file, `import * as x from '${specifier}';\nexport { x };\n`);
  }
  for (const [file, text] of SUPPORT) await put(root, file, text);
  return root;
}

describe('the boundary rules', () => {
  let root = '';
  let graph: Graph;
  beforeAll(async () => {
    root = await plantedTree();
    graph = await graphOf(root, ['packages', 'services', 'test']);
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  test.each(REFUSED)('%s may not import %s (%s)', (file, _specifier, rule) => {
    const rules = graph.summary.violations.filter(({ from }) => from === file).map((v) => v.rule.name);
    expect(rules).toContain(rule);
  });

  test.each(ALLOWED)('%s may import %s', (file, specifier) => {
    const seen = graph.modules.find(({ source }) => source === file)?.dependencies ?? [];
    expect(seen.map(({ module }) => module)).toEqual([specifier.replace(/^node:/, '')]);
    expect(graph.summary.violations.filter(({ from }) => from === file)).toEqual([]);
  });
});

describe('the tree', () => {
  let graph: Graph;
  beforeAll(async () => {
    const folders = ['packages', 'services', 'examples', 'test'];
    graph = await graphOf(
      ROOT,
      folders.filter((folder) => existsSync(join(ROOT, folder))),
    );
  });

  test('keeps the boundary rules', () => {
    expect(graph.summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`)).toEqual(
      [],
    );
  });

  test('shows its workspace imports in the graph, as sources', () => {
    const edges = graph.modules.flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved }) => `${source} -> ${resolved}`),
    );
    expect(edges).toContain('packages/rbac/src/types.ts -> packages/audit-event/src/index.ts');
  });
});

describe('the lint rules', () => {
  /** The rules that refuse a text which stands for a file. Rules that need types are left out: they take long. */
  async function refusals(file: string, text: string): Promise<string[]> {
    const eslint = new ESLint({ cwd: ROOT, overrideConfig: [tseslint.configs.disableTypeChecked] });
    const [result] = await eslint.lintText(text, { filePath: join(ROOT, file) });
    return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
  }
  const DOMAIN_FILE = 'packages/rbac/src/planted.ts';

  test.each([
    ['a clock', 'Date.now();', 'no-restricted-properties'],
    ['a clock by constructor', 'new Date();', 'no-restricted-syntax'],
    ['a clock by call', 'Date();', 'no-restricted-syntax'],
    ['randomness', 'Math.random();', 'no-restricted-properties'],
    ['random bytes', "import { randomBytes } from 'node:crypto'; randomBytes(1);", 'no-restricted-imports'],
    ['a file', "import { readFileSync } from 'node:fs'; readFileSync('x');", 'no-restricted-imports'],
    ['the environment', "process.env['X'];", 'no-restricted-globals'],
    ['the terminal', "console.log('x');", 'no-restricted-globals'],
    ['the network', "void fetch('http://x');", 'no-restricted-globals'],
    ['a timer', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
    ['the locale', "'a'.localeCompare('b');", 'no-restricted-syntax'],
    ['a late import', "void import('yaml');", 'no-restricted-syntax'],
    ['a package it did not declare', "import '@leastwise/source-file';", 'n/no-extraneous-import'],
    ['its own port', "import type { X } from '@leastwise/state'; let x: X;", 'n/no-extraneous-import'],
    ['an undocumented export', 'export function f(): void {}', 'house/exported-doc'],
    ['a default export', '/** X. */\nexport default 1;', 'no-restricted-syntax'],
    ['five parameters', '((a, b, c, d, e) => [a, b, c, d, e])(1, 2, 3, 4, 5);', 'max-params'],
    ['a note to self', '// TODO: later', 'no-warning-comments'],
  ])('domain code may not have %s', async (_what, text, rule) => {
    expect(await refusals(DOMAIN_FILE, text)).toContain(rule);
  });

  test('let good domain code through', async () => {
    const text = [
      "import { createHash } from 'node:crypto';",
      "import type { Permission } from '@leastwise/audit-event';",
      '',
      '/** A digest. */',
      'export function digest(permission: Permission, at: number): string {',
      "  return createHash('sha256').update(permission.verb).update(new Date(at).toISOString()).digest('hex');",
      '}',
      '',
    ].join('\n');
    expect(await refusals(DOMAIN_FILE, text)).toEqual([]);
  });

  test('hold file names to kebab-case', async () => {
    expect(await refusals('packages/rbac/src/camelCase.ts', 'export {};\n')).toContain(
      'house/kebab-case-file',
    );
  });
});
