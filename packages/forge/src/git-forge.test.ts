import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { PublishError } from '@leastwise/publish';
import type { Plan, PlannedChange } from '@leastwise/publish';
import { describeForge } from '@leastwise/publish/conformance';

import { openGitForge } from './git-forge.ts';
import { git, put, temporaryDirectory, temporaryRepository } from './testing/temporary.ts';

describeForge('git', (existing) => openGitForge(temporaryRepository(existing)));

afterEach(() => {
  vi.unstubAllEnvs();
});

function plan(...changes: PlannedChange[]): Plan {
  return { changes, foreign: [] };
}

const write = (path: string, content = 'new\n'): PlannedChange => ({ action: 'write', path, content });
const remove = (path: string): PlannedChange => ({ action: 'delete', path });

describe('the commit', () => {
  test('holds exactly the changed paths, and leaves the work tree clean', async () => {
    const root = temporaryRepository(
      new Map([
        ['a/1', '1\n'],
        ['a/2', '2\n'],
      ]),
    );
    const changes = plan(write('a/1'), remove('a/2'), write('b/ü "x"\'*', '3\n'));
    const commit = await (await openGitForge(root)).apply(changes, 'Change three files');
    expect(git(root, 'rev-parse', 'main').trim()).toBe(commit);
    expect(git(root, 'show', '-z', '--format=%B%n%an <%ae> %cn <%ce>', '--name-status', 'HEAD')).toBe(
      'Change three files\n\nLeastwise <leastwise@localhost> Leastwise <leastwise@localhost>\0' +
        '\nM\0a/1\0D\0a/2\0A\0b/ü "x"\'*\0',
    );
    expect(git(root, 'status', '--porcelain')).toBe('');
    expect(git(root, 'fsck', '--strict')).toBe('');
  });

  test('is the first one on a branch without commits', async () => {
    const root = temporaryRepository();
    const forge = await openGitForge(root);
    expect(await forge.apply(plan(remove('a')), 'nothing')).toBeUndefined();
    await forge.apply(plan(write('a/b')), 'first');
    expect(git(root, 'log', '--format=%s%n%P')).toBe('first\n\n');
    expect(git(root, 'status', '--porcelain')).toBe('');
  });

  test('is not made when nothing changes', async () => {
    const root = temporaryRepository(new Map([['a', 'new\n']]));
    const forge = await openGitForge(root);
    expect(await forge.apply(plan(write('a'), remove('b/c')), 'nothing')).toBeUndefined();
    expect(git(root, 'rev-list', '--count', 'HEAD').trim()).toBe('1');
  });

  test("is by the repository's own user, or the given one", async () => {
    const root = temporaryRepository();
    git(root, 'config', 'user.name', 'Robot');
    git(root, 'config', 'user.email', 'robot@example.com');
    await (await openGitForge(root)).apply(plan(write('a')), 'one');
    const author = { name: 'Given', email: 'given@example.com' };
    await (await openGitForge(root, { author })).apply(plan(write('b')), 'two');
    expect(git(root, 'log', '--format=%an <%ae> %cn')).toBe(
      'Given <given@example.com> Given\nRobot <robot@example.com> Robot\n',
    );
  });

  test('takes files that .gitignore leaves out', async () => {
    const root = temporaryRepository(new Map([['.gitignore', 'clusters\n']]));
    await (await openGitForge(root)).apply(plan(write('clusters/a')), 'm');
    expect(git(root, 'ls-files')).toBe('.gitignore\nclusters/a\n');
  });

  test('works in a linked work tree', async () => {
    const root = temporaryRepository(new Map([['a', '1\n']]));
    const linked = join(temporaryDirectory(), 'linked');
    git(root, 'worktree', 'add', '--quiet', '-b', 'side', linked);
    await (await openGitForge(linked)).apply(plan(write('b')), 'on the side');
    expect(git(root, 'log', '--format=%s', 'side', '--not', 'main')).toBe('on the side\n');
  });
});

describe('what a person did', () => {
  test('other staged, edited and untracked files are left alone and not committed', async () => {
    const root = temporaryRepository(
      new Map([
        ['staged', '1\n'],
        ['edited', '1\n'],
        ['a/x', '1\n'],
      ]),
    );
    put(root, 'staged', '2\n');
    put(root, 'added', '1\n');
    git(root, 'add', 'staged', 'added');
    put(root, 'edited', '2\n');
    put(root, 'a/untracked', '1\n');
    const before = git(root, 'status', '--porcelain');
    await (await openGitForge(root)).apply(plan(write('a/x'), write('a/y')), 'm');
    expect(git(root, 'status', '--porcelain')).toBe(before);
    expect(git(root, 'show', '--format=', '--name-only', 'HEAD')).toBe('a/x\na/y\n');
    expect(git(root, 'diff', '--cached', '--name-only')).toBe('added\nstaged\n');
  });

  const refusals: [string, (root: string) => void, PlannedChange][] = [
    ['edited', (root) => put(root, 'a', 'theirs\n'), write('a')],
    ['edited, to be deleted', (root) => put(root, 'a', 'theirs\n'), remove('a')],
    ['staged', (root) => (put(root, 'a', 'theirs\n'), git(root, 'add', 'a')), write('a')],
    [
      'staged, and then edited to what is planned',
      (root) => {
        put(root, 'a', 'theirs\n');
        git(root, 'add', 'a');
        put(root, 'a', 'new\n');
      },
      write('a'),
    ],
    ['untracked', (root) => put(root, 'b', 'theirs\n'), write('b')],
    ['untracked, to be deleted', (root) => put(root, 'b', 'theirs\n'), remove('b')],
    [
      'ignored',
      (root) => {
        put(root, '.git/info/exclude', 'b\n');
        put(root, 'b', 'theirs\n');
      },
      write('b'),
    ],
    ['removed from the index only', (root) => git(root, 'rm', '--quiet', '--cached', 'a'), write('a')],
  ];
  test.each(refusals)(
    '%s files are not overwritten; the plan is refused whole and names them',
    async (_, act, change) => {
      const root = temporaryRepository(new Map([['a', 'old\n']]));
      act(root);
      const before = git(root, 'status', '--porcelain');
      const content = readFileSync(join(root, change.path), 'utf8');
      const forge = await openGitForge(root);
      const applied = forge.apply(plan(write('0'), change), 'm');
      await expect(applied).rejects.toThrow(PublishError);
      await expect(applied).rejects.toThrow(
        `not committed, so not overwritten (commit or discard them): "${change.path}"`,
      );
      expect(git(root, 'status', '--porcelain')).toBe(before);
      expect(readFileSync(join(root, change.path), 'utf8')).toBe(content);
      expect(existsSync(join(root, '0'))).toBe(false);
      expect(git(root, 'rev-list', '--count', 'HEAD').trim()).toBe('1');
    },
  );

  test('many refused files are counted, not all named', async () => {
    const paths = Array.from({ length: 25 }, (_, at) => `f${String(at).padStart(2, '0')}`);
    const root = temporaryRepository(new Map([['x', '']]));
    for (const path of paths) put(root, path, 'theirs');
    const applied = (await openGitForge(root)).apply(plan(...paths.map((path) => write(path))), 'm');
    await expect(applied).rejects.toThrow('"f19" and 5 more');
  });

  test('a file they deleted without a commit comes back', async () => {
    const root = temporaryRepository(new Map([['a', 'old\n']]));
    rmSync(join(root, 'a'));
    await (await openGitForge(root)).apply(plan(write('a')), 'm');
    expect(git(root, 'status', '--porcelain')).toBe('');
    expect(git(root, 'show', 'HEAD:a')).toBe('new\n');
  });
});

test('a run that was killed between writing and committing is made good by the next one', async () => {
  const root = temporaryRepository(
    new Map([
      ['a', 'old\n'],
      ['gone', 'old\n'],
    ]),
  );
  put(root, 'a', 'new\n');
  put(root, 'b', 'new\n');
  rmSync(join(root, 'gone'));
  const forge = await openGitForge(root);
  expect([...(await forge.read([]))]).toEqual([
    ['a', 'old\n'],
    ['gone', 'old\n'],
  ]);
  await forge.apply(plan(write('a'), write('b'), remove('gone')), 'm');
  expect(git(root, 'status', '--porcelain')).toBe('');
  expect(git(root, 'ls-tree', '--name-only', 'HEAD')).toBe('a\nb\n');
});

describe('what cannot be published to', () => {
  test('a detached HEAD', async () => {
    const root = temporaryRepository(new Map([['a', '1\n']]));
    git(root, 'checkout', '--quiet', '--detach');
    const forge = await openGitForge(root);
    expect((await forge.read([])).get('a')).toBe('1\n');
    await expect(forge.apply(plan(write('a')), 'm')).rejects.toThrow('detached HEAD');
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('1\n');
  });

  test('a repository in the middle of a merge', async () => {
    const root = temporaryRepository(new Map([['a', '1\n']]));
    git(root, 'checkout', '--quiet', '-b', 'side');
    git(root, 'commit', '--quiet', '--allow-empty', '-m', 'side');
    git(root, 'checkout', '--quiet', 'main');
    git(root, 'merge', '--quiet', '--no-ff', '--no-commit', 'side');
    await expect((await openGitForge(root)).apply(plan(write('a')), 'm')).rejects.toThrow(
      'merge is under way',
    );
  });

  test('a folder inside a work tree, and no work tree at all', async () => {
    const root = temporaryRepository(new Map([['a/b', '1\n']]));
    await expect(openGitForge(join(root, 'a'))).rejects.toThrow(PublishError);
    await expect(openGitForge(temporaryDirectory())).rejects.toThrow(PublishError);
    await expect(openGitForge(join(root, 'nowhere'))).rejects.toThrow(PublishError);
  });

  test('a symbolic link, even a committed one', async () => {
    const outside = temporaryDirectory(new Map([['x', 'theirs']]));
    const root = temporaryRepository(new Map([['a', '1\n']]));
    symlinkSync(join(outside, 'x'), join(root, 'file'));
    symlinkSync(outside, join(root, 'folder'));
    git(root, 'add', '--all');
    git(root, 'commit', '--quiet', '-m', 'links');
    const forge = await openGitForge(root);
    expect([...(await forge.read([])).keys()]).toEqual(['a']);
    for (const path of ['file', 'folder/x', 'folder/y']) {
      await expect(forge.apply(plan(write(path)), 'm')).rejects.toThrow(PublishError);
    }
    expect(readFileSync(join(outside, 'x'), 'utf8')).toBe('theirs');
    expect(git(root, 'status', '--porcelain')).toBe('');
  });

  test('a submodule', async () => {
    const root = temporaryRepository(new Map([['a', '1\n']]));
    const inner = temporaryRepository(new Map([['b', '1\n']]));
    git(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'sub');
    git(root, 'commit', '--quiet', '-m', 'submodule');
    await expect((await openGitForge(root)).apply(plan(write('sub/c')), 'm')).rejects.toThrow(
      'inside a submodule',
    );
    expect(existsSync(join(root, 'sub/c'))).toBe(false);
  });
});

describe('git runs by itself', () => {
  test('without hooks, signatures, editors, and settings that run programs', async () => {
    const root = temporaryRepository(new Map([['a', '1\n']]));
    const trap = join(root, '.git/trap');
    const sprung = join(root, '.git/sprung');
    put(root, '.git/trap', `#!/bin/sh\necho "$0" >> '${sprung}'\nexit 1\n`);
    chmodSync(trap, 0o755);
    const hooks = ['pre-commit', 'commit-msg', 'post-commit', 'reference-transaction', 'post-index-change'];
    mkdirSync(join(root, '.git/hooks'), { recursive: true });
    for (const hook of hooks) symlinkSync(trap, join(root, '.git/hooks', hook));
    for (const key of ['core.fsmonitor', 'core.editor', 'gpg.program', 'core.pager'])
      git(root, 'config', key, trap);
    git(root, 'config', 'core.hooksPath', join(root, '.git/hooks'));
    git(root, 'config', 'commit.gpgSign', 'true');
    await (await openGitForge(root)).apply(plan(write('a')), 'm');
    expect(existsSync(sprung)).toBe(false);
  });

  test("without the user's configuration and git's own environment", async () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Home\n\temail = home@example.com\n');
    const other = temporaryRepository(new Map([['x', '1\n']]));
    vi.stubEnv('HOME', home);
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    vi.stubEnv('GIT_WORK_TREE', other);
    vi.stubEnv('GIT_INDEX_FILE', join(other, '.git/index'));
    vi.stubEnv('GIT_AUTHOR_DATE', 'nonsense');
    const root = temporaryRepository(new Map([['a', '1\n']]));
    await (await openGitForge(root)).apply(plan(write('a')), 'm');
    expect(git(root, 'log', '-1', '--format=%an %cn')).toBe('Leastwise Leastwise\n');
    expect(git(other, 'status', '--porcelain')).toBe('');
  });

  test('with line ends converted: what is committed and read is what was planned', async () => {
    const root = temporaryRepository();
    git(root, 'config', 'core.autocrlf', 'true');
    git(root, 'config', 'core.safecrlf', 'true');
    const forge = await openGitForge(root);
    await forge.apply(plan(write('a', 'x\ny\n')), 'm');
    rmSync(join(root, 'a'));
    git(root, 'checkout', '--', 'a');
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('x\r\ny\r\n');
    expect((await forge.read([])).get('a')).toBe('x\ny\n');
    expect(await forge.apply(plan(write('a', 'z\n')), 'm')).toBeDefined();
    expect(git(root, 'show', 'HEAD:a')).toBe('z\n');
  });
});
