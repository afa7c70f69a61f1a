// The kubectl plugin as krew installs it: the archive built, unpacked elsewhere, linked, and run by kubectl.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { build } from './support/built.ts';
import { ownFolder } from './support/folders.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SAMPLE = join(ROOT, 'examples/audit.log.gz');
const folder = ownFolder();
const held = { archive: '', bin: '', store: '' };

function script(name: string, ...args: readonly string[]) {
  return spawnSync(process.execPath, [join(ROOT, 'deploy/krew', name), ...args], { encoding: 'utf8' });
}

beforeAll(async () => {
  await build();
  held.archive = script('archive.mjs', folder('out')).stdout.trim();
  [held.store, held.bin] = [folder('store'), folder('bin')];
  for (const path of [held.store, held.bin]) mkdirSync(path, { recursive: true });
  execFileSync('tar', ['-xzf', held.archive, '-C', held.store]);
  symlinkSync(join(held.store, 'kubectl-leastwise'), join(held.bin, 'kubectl-leastwise'));
}, 600_000);

/** Runs a program that finds the plugin, and nothing of this repository. */
function run(program: string, ...args: readonly string[]) {
  const path = [held.bin, dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
  return spawnSync(program, args, {
    encoding: 'utf8',
    cwd: held.store,
    env: { PATH: path, HOME: held.store },
  });
}

const GENERATE = ['generate', '-q', '-f', SAMPLE, '--serviceaccount', 'alpha-pay:ci-bot'];
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

describe('the archive of the kubectl plugin', () => {
  test('prints the Role, away from where it was built', () => {
    const { status, stdout, stderr } = run('kubectl-leastwise', ...GENERATE);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('kind: Role\nmetadata:\n  name: suggested-sa-alpha-pay.ci-bot-role\n');
  });

  test.skipIf(!hasKubectl)('is run by kubectl', () => {
    const { status, stdout } = run('kubectl', 'leastwise', ...GENERATE);
    expect(status).toBe(0);
    expect(stdout).toBe(run('kubectl-leastwise', ...GENERATE).stdout);
  });

  test('has the services, so that their configurations can be checked', () => {
    const { status, stderr } = run(
      'kubectl-leastwise',
      'config',
      'check',
      '--kafka.brokers=k:1',
      '--kafka.topics=t',
    );
    expect([status, stderr]).toEqual([0, '']);
  });

  test('has every licence, no source of ours, and nothing that only tests need', () => {
    const files = execFileSync('tar', ['-tzf', held.archive], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split(
      '\n',
    );
    expect(files).toContain('./LICENSE');
    expect(files.filter((name) => /@leastwise\/[^/]+\/(?:src|testdata)\//.test(name))).toEqual([]);
    expect(
      files.filter((name) => /node_modules\/(?:vitest|typescript|@leastwise\/testkit)\//.test(name)),
    ).toEqual([]);
  });

  test('says what it lacks where there is no Node', () => {
    const bare = spawnSync('/bin/sh', [join(held.bin, 'kubectl-leastwise')], {
      encoding: 'utf8',
      env: { PATH: folder('empty') },
    });
    expect(bare.status).toBe(2);
    expect(bare.stderr).toContain('needs Node.js 20.19');
  });
});

describe('the manifest for krew', () => {
  const BASE = 'https://downloads.example/v0.1.0/';
  const HOME = 'https://example.com/leastwise';

  test('names the archive, its version and its digest', () => {
    const { status, stdout } = script('manifest.mjs', held.archive, BASE, HOME);
    expect(status).toBe(0);
    const sha256 = createHash('sha256').update(readFileSync(held.archive)).digest('hex');
    expect(parse(stdout)).toMatchObject({
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'leastwise' },
      spec: {
        version: 'v0.1.0',
        homepage: HOME,
        platforms: [
          {
            uri: 'https://downloads.example/v0.1.0/leastwise-v0.1.0.tar.gz',
            sha256,
            bin: 'kubectl-leastwise',
          },
        ],
      },
    });
    expect(stdout).not.toMatch(/\b(?:VERSION|SHA256|BASE_URL|HOMEPAGE)\b/);
  });

  test.each([
    ['leastwise.tar.gz', BASE, HOME],
    ['leastwise-v1.2.tar.gz', BASE, HOME],
    ['leastwise-v1.2.3.tar.gz', 'http://downloads.example', HOME],
    ['leastwise-v1.2.3.tar.gz', BASE, ''],
  ])('is refused for %s at "%s" of "%s"', (...args) => {
    expect(script('manifest.mjs', ...args)).toMatchObject({ status: 2, stdout: '' });
  });
});
