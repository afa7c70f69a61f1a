import { describe, expect, test } from 'vitest';

import type { PersonCommit } from '../memory-remote.ts';
import { ForgeError, LeaseLostError } from '../review.ts';
import type { BranchCommit, Remote } from '../review.ts';
import { PublishError } from '../types.ts';
import type { Files, PlannedChange } from '../types.ts';

/** What somebody else does at the remote. */
export interface Person {
  /** Commits, without moving a branch. */
  commit(commit: PersonCommit): Promise<string>;
  /** Points a branch at a commit, or deletes it. */
  point(branch: string, commit: string | undefined): Promise<void>;
}

/** A remote, and somebody else who pushes to it. */
export interface RemoteUnderTest {
  readonly remote: Remote;
  readonly person: Person;
}

const PREFIX = 'leastwise/';
const BRANCH = 'leastwise/a';

const REFUSED_PATHS = ['../outside', '/etc/outside', 'a//b', 'a\\b', 'a\nb', '.git/config', 'a/.GIT/hooks/x'];
const REFUSED_BRANCHES = [
  '',
  '-x',
  'a..b',
  'a b',
  'a.lock',
  '/a',
  'a//b',
  'a/',
  'a@{1}',
  'a\nb',
  'a:b',
  'HEAD',
  '.a',
];

/**
 * What every remote must do, as tests.
 * @param make - a new remote whose base branch `main` holds the given files in one commit of a person; an empty
 *   repository where there are none. Whoever makes it disposes of it.
 */
export function describeRemote(name: string, make: (existing: Files) => Promise<RemoteUnderTest>): void {
  describe(`${name} keeps the contract of Remote`, () => {
    describeFetching(make);
    describePushing(make);
    describeLeases(make);
    describeWhose(make);
    describeRefusing(make);
  });
}

type Make = (existing: Files) => Promise<RemoteUnderTest>;

function describeFetching(make: Make): void {
  test('an empty repository has no base and no branches', async () => {
    const { remote } = await make(new Map());
    expect(await remote.fetch(PREFIX)).toEqual({ base: undefined, branches: new Map() });
  });

  test('a commit is read by folders and by files, in the order of the paths', async () => {
    const { remote } = await make(
      files({ 'b/2': 'two', 'a/x/1': 'one', 'ab/3': 'three', a0: 'file', 'a/b': 'four' }),
    );
    const { base } = await remote.fetch(PREFIX);
    expect([...(await remote.read(base ?? '', ['a', 'nowhere']))]).toEqual([
      ['a/b', 'four'],
      ['a/x/1', 'one'],
    ]);
    expect([...(await remote.read(base ?? '', ['b/2', 'a0'])).keys()]).toEqual(['a0', 'b/2']);
    const all = ['a/b', 'a/x/1', 'a0', 'ab/3', 'b/2'];
    expect([...(await remote.read(base ?? '', [])).keys()]).toEqual(all);
  });

  test('only branches with the prefix are looked at, the base never', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const base = await baseOf(remote);
    for (const branch of ['other', 'leastwise-not', 'leastwise/z', 'leastwise/b'])
      await person.point(branch, base);
    expect([...(await remote.fetch(PREFIX)).branches.keys()]).toEqual(['leastwise/b', 'leastwise/z']);
    expect((await remote.fetch('')).branches.has('main')).toBe(false);
  });

  test('the base and the branches are those of the moment', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const before = await baseOf(remote);
    const after = await person.commit({ parents: [before], changes: [write('a', '2')], message: 'two' });
    await person.point('main', after);
    await person.point(BRANCH, after);
    expect(await baseOf(remote)).toBe(after);
    expect((await remote.read(after, [])).get('a')).toBe('2');
    await person.point(BRANCH, undefined);
    expect((await remote.fetch(PREFIX)).branches.size).toBe(0);
  });

  test('a base that is not there in a repository with branches is not an empty repository', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    await person.point('other', await baseOf(remote));
    await person.point('main', undefined);
    await expect(remote.fetch(PREFIX)).rejects.toThrow(ForgeError);
    await expect(remote.fetch(PREFIX)).rejects.toMatchObject({ failure: 'not-found' });
  });
}

function describePushing(make: Make): void {
  test('what is pushed is what is fetched', async () => {
    const { remote } = await make(files({ 'a/old': 'old', 'a/kept': 'kept', 'a/gone': 'gone' }));
    const changes = [remove('a/gone'), write('a/new/ü "x"\'*', 'ключ 🔑\r\n'), write('a/old', '')];
    const pushed = await remote.push(await commitOf(remote, { changes }));
    const { branches, base } = await remote.fetch(PREFIX);
    const branch = { name: BRANCH, tip: pushed, isOurs: true, changes, movedBelow: [] };
    expect(branches).toEqual(new Map([[BRANCH, branch]]));
    expect(await remote.read(pushed, [])).toEqual(
      files({ 'a/kept': 'kept', 'a/new/ü "x"\'*': 'ключ 🔑\r\n', 'a/old': '' }),
    );
    expect((await remote.read(base ?? '', [])).size).toBe(3);
  });

  test('a commit can be read and built upon right after its push', async () => {
    const { remote } = await make(files({ a: '1' }));
    const first = await remote.push({
      ...(await commitOf(remote)),
      branch: 'main',
      expected: await baseOf(remote),
    });
    expect((await remote.read(first, ['b'])).get('b')).toBe('new');
    const second = await remote.push({
      ...(await commitOf(remote)),
      parent: first,
      changes: [write('c', '1')],
    });
    expect([...(await remote.read(second, [])).keys()]).toEqual(['a', 'b', 'c']);
    expect(await baseOf(remote)).toBe(first);
  });

  test('the first commit of an empty repository can be the base, or a branch before there is a base', async () => {
    const { remote } = await make(new Map());
    await remote.fetch(PREFIX);
    const first = {
      branch: BRANCH,
      parent: undefined,
      changes: [write('a/b', '1')],
      message: 'x',
      expected: undefined,
    };
    const tip = await remote.push(first);
    const { base, branches } = await remote.fetch(PREFIX);
    expect(base).toBeUndefined();
    expect(branches.get(BRANCH)).toMatchObject({ isOurs: true, changes: first.changes, movedBelow: [] });
    expect(await remote.push({ ...first, branch: 'main' })).toBe(tip);
    expect(await baseOf(remote)).toBe(tip);
  });

  test('the same commit asked for twice is the same commit, and there already', async () => {
    const { remote } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    const tip = await remote.push(commit);
    expect(await remote.push(commit)).toBe(tip);
    expect(await remote.push({ ...commit, expected: tip })).toBe(tip);
    expect(await remote.push({ ...commit, branch: 'leastwise/b' })).toBe(tip);
  });

  test('another message, another content, or another parent is another commit', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    const oids = [await remote.push(commit)];
    const push = async (change: Partial<BranchCommit>): Promise<void> => {
      oids.push(await remote.push({ ...commit, ...change, expected: oids.at(-1) }));
    };
    await push({ message: 'another' });
    await push({ changes: [write('b', 'other')] });
    const moved = await person.commit({
      parents: [commit.parent ?? ''],
      changes: [write('z', '1')],
      message: 'z',
    });
    await person.point('main', moved);
    await remote.fetch(PREFIX);
    await push({ parent: moved });
    expect(new Set(oids).size).toBe(4);
  });

  test('a file may become a folder, and a folder a file', async () => {
    const { remote } = await make(files({ a: 'file', 'b/c': 'in a folder' }));
    const changes = [remove('a'), write('a/x', '1'), write('b', '2'), remove('b/c')];
    const pushed = await remote.push(await commitOf(remote, { changes }));
    expect(await remote.read(pushed, [])).toEqual(files({ 'a/x': '1', b: '2' }));
    expect((await remote.fetch(PREFIX)).branches.get(BRANCH)?.changes).toEqual(changes);
  });

  test('what the base changed since is told, and only what the branch changes too', async () => {
    const { remote, person } = await make(files({ a: '1', b: '1', c: '1', d: '1' }));
    const commit = await commitOf(remote, { changes: [write('a', '2'), remove('b'), write('c', '2')] });
    await remote.push(commit);
    const changes = [write('a', '2'), write('b', '3'), write('d', '3')];
    await person.point(
      'main',
      await person.commit({ parents: [commit.parent ?? ''], changes, message: 'm' }),
    );
    expect((await remote.fetch(PREFIX)).branches.get(BRANCH)).toMatchObject({
      isOurs: true,
      changes: commit.changes,
      movedBelow: ['a', 'b'],
    });
  });
}

function describeLeases(make: Make): void {
  test('somebody pushes between our look and our push: the lease is lost, and theirs stays', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    const theirs = await person.commit({
      parents: [commit.parent ?? ''],
      changes: [write('x', '1')],
      message: 'x',
    });
    await person.point(BRANCH, theirs);
    await expect(remote.push(commit)).rejects.toThrow(LeaseLostError);
    const tip = await remote.push({ ...commit, expected: theirs });
    await person.point(BRANCH, theirs);
    await expect(remote.push({ ...commit, message: 'other', expected: tip })).rejects.toThrow(LeaseLostError);
    expect((await remote.fetch(PREFIX)).branches.get(BRANCH)?.tip).toBe(theirs);
  });

  test('a branch that was deleted meanwhile is not made again', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    const tip = await remote.push(commit);
    await person.point(BRANCH, undefined);
    await expect(remote.push({ ...commit, message: 'other', expected: tip })).rejects.toThrow(LeaseLostError);
    expect((await remote.fetch(PREFIX)).branches.size).toBe(0);
  });

  test('the base is pushed to with a lease as well', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const base = await baseOf(remote);
    const moved = await person.commit({ parents: [base], changes: [write('x', '1')], message: 'x' });
    await person.point('main', moved);
    const commit = { ...(await commitOf(remote)), branch: 'main', parent: base, expected: base };
    await expect(remote.push(commit)).rejects.toThrow(LeaseLostError);
    expect(await baseOf(remote)).toBe(moved);
  });

  test('a branch is deleted as long as it is what was expected; gone already is fine', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    const tip = await remote.push(commit);
    const theirs = await person.commit({ parents: [tip], changes: [write('x', '1')], message: 'x' });
    await person.point(BRANCH, theirs);
    await expect(remote.remove(BRANCH, tip)).rejects.toThrow(LeaseLostError);
    expect((await remote.fetch(PREFIX)).branches.get(BRANCH)?.tip).toBe(theirs);
    await remote.remove(BRANCH, theirs);
    expect((await remote.fetch(PREFIX)).branches.size).toBe(0);
    await remote.remove(BRANCH, theirs);
  });
}

function describeWhose(make: Make): void {
  /** What a person does with our branch; gives where it is to point. */
  const acts: [string, (tip: string, base: string, person: Person) => Promise<string>][] = [
    [
      'adds a commit',
      (tip, _, person) => person.commit({ parents: [tip], changes: [write('x', '1')], message: 'x' }),
    ],
    [
      'adds an empty commit',
      (tip, _, person) => person.commit({ parents: [tip], changes: [], message: 'x' }),
    ],
    [
      'reverts it',
      (tip, _, person) => person.commit({ parents: [tip], changes: [remove('b')], message: 'Revert' }),
    ],
    [
      'amends it and keeps the message',
      (_, base, person) => person.commit({ parents: [base], changes: [write('b', 'x')], message: MESSAGE }),
    ],
    [
      'amends nothing but the commit itself',
      (_, base, person) => person.commit({ parents: [base], changes: [write('b', 'new')], message: MESSAGE }),
    ],
    [
      'rebases it',
      async (_, base, person) => {
        const moved = await person.commit({ parents: [base], changes: [write('z', '1')], message: 'z' });
        await person.point('main', moved);
        return person.commit({ parents: [moved], changes: [write('b', 'new')], message: MESSAGE });
      },
    ],
    [
      'merges the base into it',
      async (tip, base, person) => {
        const moved = await person.commit({ parents: [base], changes: [write('z', '1')], message: 'z' });
        await person.point('main', moved);
        return person.commit({ parents: [tip, moved], changes: [write('z', '1')], message: 'Merge' });
      },
    ],
    ['points it at the base', async (_, base) => base],
  ];
  test.each(acts)('somebody %s: the branch is theirs', async (_, act) => {
    const { remote, person } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    const tip = await remote.push(commit);
    const theirs = await act(tip, commit.parent ?? '', person);
    expect(theirs).not.toBe(tip);
    await person.point(BRANCH, theirs);
    const branch = { name: BRANCH, tip: theirs, isOurs: false, changes: [], movedBelow: [] };
    expect((await remote.fetch(PREFIX)).branches.get(BRANCH)).toEqual(branch);
  });

  const merges: [string, (tip: string, base: string, person: Person) => Promise<string>][] = [
    ['fast-forward', async (tip) => tip],
    [
      'merge commit',
      (tip, base, p) => p.commit({ parents: [base, tip], changes: [write('b', 'new')], message: 'm' }),
    ],
    ['squash', (_, base, p) => p.commit({ parents: [base], changes: [write('b', 'new')], message: 'm' })],
  ];
  test.each(merges)(
    'after a merge by %s the branch is still ours, and the base has moved',
    async (_, merge) => {
      const { remote, person } = await make(files({ a: '1' }));
      const commit = await commitOf(remote);
      const tip = await remote.push(commit);
      await person.point('main', await merge(tip, commit.parent ?? '', person));
      expect((await remote.fetch(PREFIX)).branches.get(BRANCH)).toEqual({
        name: BRANCH,
        tip,
        isOurs: true,
        changes: commit.changes,
        movedBelow: ['b'],
      });
    },
  );

  test('a base that was deleted leaves the branch ours, and nothing below it', async () => {
    const { remote, person } = await make(files({ a: '1', z: '1' }));
    await remote.push(await commitOf(remote, { changes: [write('a', '2'), write('b', 'new')] }));
    await person.point('main', undefined);
    const { base, branches } = await remote.fetch(PREFIX);
    expect(base).toBeUndefined();
    expect(branches.get(BRANCH)).toMatchObject({ isOurs: true, movedBelow: ['a'] });
  });

  test('a base that was pushed over leaves the branch ours', async () => {
    const { remote, person } = await make(files({ a: '1' }));
    const commit = await commitOf(remote);
    await remote.push(commit);
    await person.point(
      'main',
      await person.commit({ parents: [], changes: [write('a', '2')], message: 'anew' }),
    );
    const branch = (await remote.fetch(PREFIX)).branches.get(BRANCH);
    expect(branch).toMatchObject({ isOurs: true, changes: commit.changes, movedBelow: [] });
  });
}

function describeRefusing(make: Make): void {
  test.each(REFUSED_PATHS)('refuses the path %j', async (path) => {
    const { remote } = await make(files({ a: '1' }));
    for (const change of [write(path, 'x'), remove(path)]) {
      const commit = await commitOf(remote, { changes: [write('a0', '2'), change] });
      await expect(remote.push(commit)).rejects.toThrow(PublishError);
    }
    await expect(remote.read(await baseOf(remote), [path])).rejects.toThrow(PublishError);
    expect((await remote.fetch(PREFIX)).branches.size).toBe(0);
  });

  test.each(REFUSED_BRANCHES)('refuses the branch %j', async (branch) => {
    const { remote } = await make(files({ a: '1' }));
    await expect(remote.push({ ...(await commitOf(remote)), branch })).rejects.toThrow(PublishError);
    await expect(remote.remove(branch, await baseOf(remote))).rejects.toThrow(PublishError);
  });

  test('refuses to write below a file, and a commit that changes nothing', async () => {
    const { remote } = await make(files({ a: '1' }));
    for (const changes of [[write('a/b', 'x')], [write('a', '1')], [remove('b')], []]) {
      await expect(remote.push(await commitOf(remote, { changes }))).rejects.toThrow(PublishError);
    }
    expect((await remote.fetch(PREFIX)).branches.size).toBe(0);
  });

  test('a commit that nobody fetched is neither read nor built upon', async () => {
    const { remote } = await make(files({ a: '1' }));
    const unknown = 'd'.repeat(40);
    const notFound = { name: 'ForgeError', failure: 'not-found' };
    const commit = { ...(await commitOf(remote)), parent: unknown };
    await expect(remote.read(unknown, [])).rejects.toMatchObject(notFound);
    await expect(remote.push(commit)).rejects.toMatchObject(notFound);
  });
}

const MESSAGE = 'Grant what is used\n\nA body.';

/** A commit to {@link BRANCH} on the base of the moment, which is expected not to be there. */
async function commitOf(remote: Remote, change: Partial<BranchCommit> = {}): Promise<BranchCommit> {
  const parent = await baseOf(remote);
  const usual = {
    branch: BRANCH,
    parent,
    changes: [write('b', 'new')],
    message: MESSAGE,
    expected: undefined,
  };
  return { ...usual, ...change };
}

async function baseOf(remote: Remote): Promise<string> {
  return (await remote.fetch(PREFIX)).base ?? '';
}

function files(content: Readonly<Record<string, string>>): Files {
  return new Map(Object.entries(content));
}

function write(path: string, content: string): PlannedChange {
  return { action: 'write', path, content };
}

function remove(path: string): PlannedChange {
  return { action: 'delete', path };
}
