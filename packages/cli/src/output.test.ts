import type * as Fs from 'node:fs/promises';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { asked, leastwise, ownFolder, treeOf } from './testing/command.ts';

const folder = ownFolder();
/** A folder or file that may not be read. */
const forbidden = vi.hoisted(() => ({ path: '' }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof Fs>();
  const guarded =
    <T extends unknown[], R>(read: (path: string, ...rest: T) => Promise<R>) =>
    (path: string, ...rest: T): Promise<R> => {
      if (path !== forbidden.path) return read(path, ...rest);
      return Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
    };
  return {
    ...original,
    readdir: guarded(original.readdir as (path: string) => Promise<string[]>),
    readFile: guarded(original.readFile as (path: string) => Promise<string>),
  };
});

function inCluster(cluster: string, line: string): string {
  return line.replace('{', `{"cluster":"${cluster}",`);
}

function generate(out: string, stdin: string, ...words: string[]) {
  const flags = ['--cluster-field', 'cluster', '-o', `dir=${out}`];
  return leastwise(['generate', '-q', '-f', '-', ...flags, ...(words.length > 0 ? words : ['--all'])], stdin);
}

const [A, B, C] = ['a', 'b', 'c'].map((cluster) => inCluster(cluster, asked('alice', 'list pods')));
const FLAT = ['kustomization.yaml', 'user-alice.yaml'];
const below = (...clusters: string[]): string[] =>
  clusters.flatMap((cluster) => FLAT.map((name) => `${cluster}/${name}`));

test.each([
  ['one cluster to two', [A], [A, B], below('a', 'b')],
  ['two to one', [A, B], [A], FLAT],
  ['two to two others', [A, B], [B, C], below('b', 'c')],
  ['three to two', [A, B, C], [A, C], below('a', 'c')],
])('--all leaves nothing of an earlier layout: %s', async (_, before, after, expected) => {
  const out = folder();
  expect((await generate(out, before.join(''))).code).toBe(0);
  expect((await generate(out, after.join(''))).code).toBe(0);
  expect(Object.keys(await treeOf(out))).toEqual(expected);
});

test('--all deletes nothing that only looks like ours, or lies deeper or in folders that no cluster has', async () => {
  const out = folder();
  await generate(out, `${A ?? ''}${B ?? ''}`);
  const ours = (await treeOf(out))['b/user-alice.yaml'] ?? '';
  const others = ['b/mine.yaml', 'b/deep/user-bob.yaml', '.git/user-bob.yaml', 'Upper/user-bob.yaml'];
  for (const path of others) {
    await mkdir(join(out, path, '..'), { recursive: true });
    await writeFile(join(out, path), ours);
  }
  await writeFile(join(out, 'b/user-carol.yaml'), 'by hand\n');
  expect((await generate(out, A ?? '')).code).toBe(0);
  expect(Object.keys(await treeOf(out))).toEqual([...others, 'b/user-carol.yaml', ...FLAT].sort());
});

test.each(['', 'b', 'b/user-alice.yaml'])(
  'what is there and cannot be read is told, and nothing is written: "%s"',
  async (path) => {
    const out = folder();
    await generate(out, `${A ?? ''}${B ?? ''}`);
    const before = await treeOf(out);
    for (const log of [`${A ?? ''}${B ?? ''}${inCluster('b', asked('bob', 'list pods'))}`, C ?? '']) {
      forbidden.path = join(out, path);
      const { code, stderr } = await generate(out, log);
      forbidden.path = '';
      expect([code, stderr]).toEqual([
        2,
        `error: cannot read ${join(out, path)}, so nothing was written: EACCES: permission denied\n`,
      ]);
      expect(await treeOf(out)).toEqual(before);
    }
  },
);

test('a file where a folder of ours would be is told before anything is written', async () => {
  const out = folder();
  await mkdir(out);
  await writeFile(join(out, 'b'), 'by hand\n');
  const { code, stderr } = await generate(out, `${A ?? ''}${B ?? ''}`);
  expect([code, stderr]).toEqual([2, expect.stringContaining('ENOTDIR')]);
  expect(await treeOf(out)).toEqual({ b: 'by hand\n' });
});

test('a subject for which nothing is rendered any more leaves the others as they are', async () => {
  const out = folder();
  await generate(out, asked('alice', 'list pods') + asked('bob', 'list pods'));
  const before = await treeOf(out);
  const special = asked('bob', 'impersonate users', { namespace: '' });
  expect((await generate(out, special, '--user', 'bob')).code).toBe(0);
  expect(await treeOf(out)).toEqual(before);
});

test('manifests that cannot be read are told, not taken for a bug', async () => {
  const rbac = folder();
  await mkdir(rbac);
  await writeFile(join(rbac, 'a.yaml'), '');
  for (const path of [rbac, join(rbac, 'a.yaml')]) {
    forbidden.path = path;
    const { code, stderr } = await leastwise(['verify', '-f', '-', '--rbac', rbac], A);
    forbidden.path = '';
    expect([code, stderr]).toEqual([2, `error: ${path}: EACCES: permission denied\n`]);
  }
});
