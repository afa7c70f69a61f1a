import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import type { Remote } from '@leastwise/publish';

import { git, temporaryDirectory } from '../testing/temporary.ts';
import { openGitRemote } from './git-remote.ts';
import { bareRepository, commitAsPerson, pointAsPerson } from './testing/bare.ts';
import { recordingGit } from './testing/recording-git.ts';

const opened: Remote[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const remote of opened.splice(0)) await remote[Symbol.asyncDispose]();
});

async function open(url: string, folder: string): Promise<Remote> {
  const remote = await openGitRemote({ url, base: 'main', folder });
  opened.push(remote);
  return remote;
}

/** A remote with some history, and a branch of ours. */
async function example() {
  const root = bareRepository(
    new Map(
      [
        ['a/1', 'one'],
        ['b/2', 'two'],
      ].map(([a = '', b = '']) => [a, b]),
    ),
  );
  for (const content of ['x', 'y', 'z']) {
    const parents = [git(root, 'rev-parse', 'main').trim()];
    const changes = [{ action: 'write', path: 'a/1', content }] as const;
    pointAsPerson(root, 'main', commitAsPerson(root, { parents, changes, message: content }));
  }
  const folder = join(temporaryDirectory(), 'mirror of it');
  const remote = await open(root, folder);
  const { base } = await remote.fetch('leastwise/');
  const changes = [{ action: 'write', path: 'c', content: 'ours' }] as const;
  const tip = await remote.push({
    branch: 'leastwise/a',
    parent: base,
    changes,
    message: 'm',
    expected: undefined,
  });
  return { root, folder, remote, base: base ?? '', tip, repository: join(folder, 'mirror.git') };
}

/** What is here of the files of a commit, by their content's names. */
function filesHere(repository: string, commit: string): number {
  const listed = git(repository, 'ls-tree', '-r', '--format=%(objectname)', commit).trim().split('\n');
  return listed.filter((oid) => readdirSync(join(repository, 'objects')).length > 0 && has(repository, oid))
    .length;
}

function has(repository: string, oid: string): boolean {
  try {
    git(repository, 'cat-file', '-e', oid);
    return true;
  } catch {
    return false;
  }
}

describe('what is fetched', () => {
  test('two commits deep, without files; then the files that somebody asks for, all of them at once', async () => {
    const { root, folder, base, remote, tip, repository } = await example();
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    const { branches } = await remote.fetch('leastwise/');
    expect(branches.get('leastwise/a')).toMatchObject({ tip, isOurs: true });
    expect(git(root, 'rev-list', '--count', base)).toBe('4\n');
    expect(git(repository, 'rev-list', '--count', base)).toBe('2\n');
    expect(filesHere(repository, base)).toBe(0);
    expect([...(await remote.read(base, ['b']))]).toEqual([['b/2', 'two']]);
    expect(filesHere(repository, base)).toBe(1);
    const calls = recordingGit();
    await remote.read(base, []);
    expect(filesHere(repository, base)).toBe(2);
    expect(calls.read().filter((call) => call.includes('fetch'))).toHaveLength(1);
  });

  test('nothing at all where nothing has moved', async () => {
    const { remote } = await example();
    const calls = recordingGit();
    await remote.fetch('leastwise/');
    expect(calls.read().filter((call) => call.includes('ls-remote'))).toHaveLength(1);
    expect(calls.read().filter((call) => call.includes('fetch'))).toEqual([]);
  });

  test('and no tip is kept that no branch has', async () => {
    const { root, remote, base, tip, repository } = await example();
    const tips = () => git(repository, 'for-each-ref', '--format=%(objectname)').trim().split('\n').sort();
    expect(tips()).toEqual([base, tip].sort());
    pointAsPerson(root, 'leastwise/a', undefined);
    await remote.fetch('leastwise/');
    expect(tips()).toEqual([base]);
  });

  test('with as many calls of git for many files as for one', async () => {
    const count = async (files: number): Promise<number> => {
      const content = Array.from({ length: files }, (_, at): [string, string] => [
        `d/${String(at)}`,
        String(at),
      ]);
      const root = bareRepository(new Map(content));
      const remote = await open(root, join(temporaryDirectory(), 'mirror'));
      const calls = recordingGit();
      const { base } = await remote.fetch('leastwise/');
      await remote.read(base ?? '', []);
      const changes = content.map(([path]) => ({ action: 'write', path, content: `${path} new` }) as const);
      await remote.push({ branch: 'leastwise/a', parent: base, changes, message: 'm', expected: undefined });
      expect((await remote.fetch('leastwise/')).branches.get('leastwise/a')?.changes).toHaveLength(files);
      return calls.read().length;
    };
    expect(await count(300)).toBe(await count(1));
  });
});

describe('a folder that was used before', () => {
  test('is used again', async () => {
    const { root, folder, base, tip } = await example();
    const again = await open(root, folder);
    const calls = recordingGit();
    const { branches } = await again.fetch('leastwise/');
    expect(branches.get('leastwise/a')).toMatchObject({ tip, isOurs: true });
    expect((await again.read(base, ['b'])).get('b/2')).toBe('two');
    expect(calls.read().filter((call) => call.includes('init'))).toEqual([]);
  });

  test('by a process that was killed has locks and halves of packs: they are cleared away', async () => {
    const { root, folder, repository } = await example();
    const names = ['shallow.lock', 'config.lock', 'HEAD.lock', 'packed-refs.lock', 'objects/pack/tmp_pack_x'];
    const tip = git(repository, 'for-each-ref', '--format=%(refname)', '--count=1').trim();
    for (const name of [...names, `${tip}.lock`]) writeFileSync(join(repository, name), '');
    mkdirSync(join(folder, 'work-x'));
    const changes = [{ action: 'write', path: 'a/1', content: 'moved' }] as const;
    const parents = [git(root, 'rev-parse', 'main').trim()];
    pointAsPerson(root, 'main', commitAsPerson(root, { parents, changes, message: 'moved' }));
    pointAsPerson(root, 'leastwise/a', undefined);
    const again = await open(root, folder);
    const calls = recordingGit();
    const { base } = await again.fetch('leastwise/');
    expect((await again.read(base ?? '', ['a'])).get('a/1')).toBe('moved');
    expect(calls.read().filter((call) => call.includes('init'))).toEqual([]);
    expect(readdirSync(folder)).toEqual(['mirror.git']);
    for (const name of names) expect(existsSync(join(repository, name))).toBe(false);
  });

  const damages: [string, (repository: string) => void][] = [
    ['has lost its objects', (repository) => rmSync(join(repository, 'objects/pack'), { recursive: true })],
    ['has cut packs', (repository) => cutPacks(repository)],
    ['has no HEAD', (repository) => rmSync(join(repository, 'HEAD'))],
    ['has an empty configuration', (repository) => writeFileSync(join(repository, 'config'), '')],
    ['has a broken configuration', (repository) => writeFileSync(join(repository, 'config'), '[[[')],
    ['has a broken list of what is shallow', (repository) => writeFileSync(join(repository, 'shallow'), 'x')],
    ['has a ref to nowhere', (repository) => writeFileSync(join(repository, 'refs/tips/x'), 'garbage')],
    ['is a file', (repository) => becomeFile(repository)],
    ['is for another remote', (r) => git(r, 'config', 'remote.origin.url', '/elsewhere')],
    ['has grown too many packs', (repository) => copyPacks(repository, 101)],
  ];
  test.each(damages)('and %s is made anew', async (_, damage) => {
    const { root, folder, base, tip, repository } = await example();
    damage(repository);
    const again = await open(root, folder);
    const { branches } = await again.fetch('leastwise/');
    expect(branches.get('leastwise/a')).toMatchObject({ tip, isOurs: true });
    expect((await again.read(base, ['b'])).get('b/2')).toBe('two');
    expect(readFileSync(join(repository, 'config'), 'utf8')).toContain(`url = ${root}`);
    expect(readdirSync(join(repository, 'objects/pack')).length).toBeLessThan(50);
  });
});

function becomeFile(path: string): void {
  rmSync(path, { recursive: true });
  writeFileSync(path, '');
}

function cutPacks(repository: string): void {
  const folder = join(repository, 'objects/pack');
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.pack')) continue;
    const path = join(folder, name);
    const content = readFileSync(path).subarray(0, 40);
    rmSync(path, { force: true });
    writeFileSync(path, content);
  }
}

function copyPacks(repository: string, copies: number): void {
  const folder = join(repository, 'objects/pack');
  for (const name of readdirSync(folder)) {
    const [, kind = ''] = /^pack-[0-9a-f]+\.(.*)$/.exec(name) ?? [];
    for (let at = 0; at < copies; at++) {
      copyFileSync(join(folder, name), join(folder, `pack-${String(at).padStart(40, '0')}.${kind}`));
    }
  }
}
