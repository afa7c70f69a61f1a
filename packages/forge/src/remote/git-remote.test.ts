import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { LeaseLostError, PublishError } from '@leastwise/publish';
import type { BranchCommit, PlannedChange, Remote } from '@leastwise/publish';

import { git, put, temporaryDirectory } from '../testing/temporary.ts';
import { openGitRemote } from './git-remote.ts';
import type { GitRemoteOptions } from './git-remote.ts';
import { sealMessage } from './seal.ts';
import { bareRepository, commitAsPerson, pointAsPerson } from './testing/bare.ts';

const BRANCH = 'leastwise/a';
const FILES = new Map([['a', '1\n']]);
const opened: Remote[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const remote of opened.splice(0)) await remote[Symbol.asyncDispose]();
});

async function open(url: string, options: Partial<GitRemoteOptions> = {}): Promise<Remote> {
  const remote = await openGitRemote({ url, base: 'main', ...options });
  opened.push(remote);
  return remote;
}

const write = (path: string, content = 'new\n'): PlannedChange => ({ action: 'write', path, content });

async function commitOn(remote: Remote, change: Partial<BranchCommit> = {}): Promise<BranchCommit> {
  const { base } = await remote.fetch('leastwise/');
  const usual = {
    branch: BRANCH,
    parent: base,
    changes: [write('b')],
    message: 'Title',
    expected: undefined,
  };
  return { ...usual, ...change };
}

/** Pushes our branch; gives the bare repository's path and the remote. */
async function pushed(options: Partial<GitRemoteOptions> = {}) {
  const root = bareRepository(FILES);
  const remote = await open(root, options);
  const tip = await remote.push(await commitOn(remote, { message: 'Title\n\nRefs: 1' }));
  const look = async () => (await remote.fetch('leastwise/')).branches.get(BRANCH);
  return { root, remote, tip, look };
}

describe('the commit', () => {
  test('has our author, the dates of its parent, and a trailer', async () => {
    const { root } = await pushed({ author: { name: 'Bot <x>', email: 'bot@example.com' } });
    const parent = git(root, 'log', '-1', '--format=%ct', 'main').trim();
    const format = '%an|%ae|%cn|%ce|%at %ct|%ai|%(trailers:key=Refs,valueonly,separator=%x2C)';
    const date = new Date(Number(parent) * 1000).toISOString().replace('T', ' ').replace('.000Z', ' +0000');
    expect(git(root, 'log', '-1', `--format=${format}`, BRANCH)).toBe(
      `Bot x|bot@example.com|Bot x|bot@example.com|${parent} ${parent}|${date}|1\n`,
    );
    const body = git(root, 'log', '-1', '--format=%B', BRANCH);
    expect(body).toMatch(/^Title\n\nRefs: 1\nLeastwise-Tree: [0-9a-f]{64}\n\n$/);
    expect(git(root, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test('asked for twice, by others and from elsewhere, is the same commit', async () => {
    const root = bareRepository(FILES);
    const copy = join(temporaryDirectory(), 'copy.git');
    git(root, 'clone', '--quiet', '--bare', root, copy);
    const tips = [];
    for (const url of [root, copy, `file://${copy}`]) {
      const remote = await open(url);
      tips.push(await remote.push(await commitOn(remote)));
    }
    expect(new Set(tips).size).toBe(1);
  });

  test('is dated 2000 where it is the first', async () => {
    const root = bareRepository();
    const remote = await open(root);
    await remote.push(await commitOn(remote, { branch: 'main' }));
    expect(git(root, 'log', '--format=%ai %ci', 'main')).toBe(
      '2000-01-01 00:00:00 +0000 '.repeat(2).trim() + '\n',
    );
  });

  test('is signed with a key of SSH, and the same each time', async () => {
    const folder = temporaryDirectory();
    const key = join(folder, "a key's file");
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
    const author = { name: 'Bot', email: 'bot@example.com' };
    const { root, remote, tip, look } = await pushed({ signingKeyFile: key, author });
    put(folder, 'allowed', `bot@example.com ${readFileSync(`${key}.pub`, 'utf8')}`);
    git(root, '-c', `gpg.ssh.allowedSignersFile=${join(folder, 'allowed')}`, 'verify-commit', tip);
    expect(await look()).toMatchObject({ tip, isOurs: true });
    const again = await commitOn(remote, { message: 'Title\n\nRefs: 1', branch: 'leastwise/b' });
    expect(await remote.push(again)).toBe(tip);
  });

  test('cannot be made with a key that is not there', async () => {
    const remote = await open(bareRepository(FILES), { signingKeyFile: '/nowhere/key' });
    await expect(remote.push(await commitOn(remote))).rejects.toMatchObject({ failure: 'unexpected' });
  });

  test('keeps the mode of a file, and what is no file', async () => {
    const work = temporaryDirectory(new Map([['x', '1\n']]));
    chmodSync(join(work, 'x'), 0o755);
    symlinkSync('x', join(work, 'link'));
    git(work, 'init', '--quiet', '--initial-branch=main');
    git(work, 'add', '--all');
    git(work, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
    git(work, 'commit', '--quiet', '-m', 'start');
    const root = bareRepository();
    git(work, 'push', '--quiet', root, 'main');
    const remote = await open(root);
    const { base } = await remote.fetch('leastwise/');
    expect([...(await remote.read(base ?? '', [])).keys()]).toEqual(['x']);
    const tip = await remote.push(await commitOn(remote, { changes: [write('x')] }));
    const modes = git(root, 'ls-tree', tip)
      .split('\n')
      .map((line) => line.slice(0, 6));
    expect(modes).toEqual(['120000', '160000', '100755', '']);
    for (const path of ['link', 'sub', 'link/y', 'sub/y']) {
      const commit = await commitOn(remote, { changes: [write(path)], expected: tip });
      await expect(remote.push(commit)).rejects.toThrow(PublishError);
    }
    for (const path of ['link', 'sub']) {
      const commit = await commitOn(remote, { changes: [{ action: 'delete', path }], expected: tip });
      await expect(remote.push(commit)).rejects.toThrow(PublishError);
    }
  });
});

describe('whose a branch is', () => {
  const acts: [string, string[][]][] = [
    ['amends nothing', [['commit', '--amend', '--no-edit']]],
    ['amends nothing and becomes the author', [['commit', '--amend', '--no-edit', '--reset-author']]],
    ['amends the message', [['commit', '--amend', '-m', 'Other']]],
    [
      'amends a file',
      [
        ['rm', '--quiet', 'a'],
        ['commit', '--amend', '--no-edit'],
      ],
    ],
    ['adds an empty commit', [['commit', '--allow-empty', '-m', 'x']]],
    ['adds an empty commit with our message', [['commit', '--allow-empty', '-C', 'HEAD']]],
    ['reverts it', [['revert', '--no-edit', 'HEAD']]],
    ['merges the base', [['merge', '--no-edit', 'origin/main']]],
    ['rebases it', [['rebase', '--quiet', 'origin/main']]],
    ['signs it off', [['commit', '--amend', '--no-edit', '--signoff']]],
  ];
  test.each(acts)('somebody %s: theirs, though git still shows our author', async (_, commands) => {
    const { root, tip, look } = await pushed();
    expect(await look()).toMatchObject({ tip, isOurs: true });
    const parent = git(root, 'rev-parse', 'main').trim();
    const moved = commitAsPerson(root, { parents: [parent], changes: [write('z')], message: 'z\n' });
    pointAsPerson(root, 'main', moved);
    const work = temporaryDirectory();
    git(work, 'clone', '--quiet', '--branch', BRANCH, root, '.');
    // As whoever would take the bot's name: only the moment of the commit is another one.
    const us = ['-c', 'user.name=Leastwise', '-c', 'user.email=leastwise@localhost'];
    for (const command of commands) git(work, ...us, ...command);
    git(work, 'push', '--quiet', '--force', 'origin', BRANCH);
    expect(await look()).toMatchObject({ isOurs: false, changes: [], movedBelow: [] });
  });

  test('a commit with a right seal that does what we never do is theirs', async () => {
    const { root, tip, look } = await pushed();
    const link = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: root, input: '/etc/passwd' });
    const entry = `120000 blob ${link.toString().trim()}\tb\n`;
    const tree = execFileSync('git', ['mktree'], { cwd: root, input: entry }).toString().trim();
    const who = 'Leastwise <leastwise@localhost> 1700000000 +0000';
    const headers = `tree ${tree}\nparent ${tip}\nauthor ${who}\ncommitter ${who}\n`;
    const input = `${headers}\n${sealMessage(headers, 'Title')}`;
    const args = ['hash-object', '-t', 'commit', '-w', '--stdin'];
    const forged = execFileSync('git', args, { cwd: root, input }).toString().trim();
    pointAsPerson(root, BRANCH, forged);
    expect(await look()).toMatchObject({ tip: forged, isOurs: false, changes: [] });
  });
});

describe('a remote that refuses', () => {
  function hook(root: string, lines: string): void {
    mkdirSync(join(root, 'hooks'), { recursive: true });
    writeFileSync(join(root, 'hooks/pre-receive'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }

  test('says why, and the branch stays what it was', async () => {
    const { root, remote, tip, look } = await pushed();
    hook(root, "echo 'no \x1b[31mgrants on Fridays'; exit 1");
    const commit = await commitOn(remote, { message: 'Other', expected: tip });
    const refusal = { failure: 'refused', message: expect.stringMatching(/grants on Fridays/) as string };
    await expect(remote.push(commit)).rejects.toMatchObject(refusal);
    await expect(remote.remove(BRANCH, tip)).rejects.toMatchObject(refusal);
    expect(await look()).toMatchObject({ tip });
  });

  test('because somebody was faster by a moment: the lease is lost', async () => {
    const { root, remote, tip } = await pushed();
    const theirs = commitAsPerson(root, { parents: [tip], changes: [write('x')], message: 'x\n' });
    hook(root, `env -u GIT_QUARANTINE_PATH git update-ref refs/heads/${BRANCH} ${theirs}`);
    const commit = await commitOn(remote, { message: 'Other', expected: tip });
    await expect(remote.push(commit)).rejects.toThrow(LeaseLostError);
    expect(git(root, 'rev-parse', BRANCH).trim()).toBe(theirs);
  });

  test('because a branch is a folder of another', async () => {
    const { remote } = await pushed();
    const commit = await commitOn(remote, { branch: `${BRANCH}/b` });
    await expect(remote.push(commit)).rejects.toMatchObject({ failure: 'refused' });
  });

  test('because it is not there, or no repository', async () => {
    for (const url of ['/nowhere/x.git', temporaryDirectory(), 'file:///nowhere/x.git']) {
      const remote = await open(url);
      await expect(remote.fetch('')).rejects.toMatchObject({ name: 'ForgeError', failure: 'not-found' });
    }
  });
});

describe('options that cannot work', () => {
  test.each([
    ['ext::sh -c true', {}],
    ['git@example.com:a/b', {}],
    ['https://example.com/a', { base: 'a..b' }],
    ['https://example.com/a', { author: { name: '<>', email: 'x' } }],
    ['https://example.com/a', { https: { username: 'a:b' } }],
    ['git@example.com:a', { ssh: { keyFile: '/a"b', knownHostsFile: '/a' } }],
    ['git@example.com:a', { ssh: { keyFile: '/a', knownHostsFile: '/${HOME}' } }],
  ])('%s %o', async (url, options) => {
    await expect(open(url, options)).rejects.toThrow(PublishError);
  });
});

describe('git runs by itself', () => {
  test("without the machine's and the user's configuration, templates, hooks and git's own environment", async () => {
    const root = bareRepository(FILES);
    const elsewhere = bareRepository(new Map([['evil', '1']]));
    const home = temporaryDirectory();
    const sprung = join(home, 'sprung');
    const trap = join(home, 'trap');
    writeFileSync(trap, `#!/bin/sh\necho "$0 $*" >> '${sprung}'\nexit 1\n`, { mode: 0o755 });
    const hooks = join(home, 'template/hooks');
    mkdirSync(hooks, { recursive: true });
    for (const name of ['pre-push', 'reference-transaction', 'post-checkout', 'pre-commit', 'commit-msg']) {
      symlinkSync(trap, join(hooks, name));
    }
    const config = [
      `[url "${elsewhere}"]\n\tinsteadOf = ${root}\n\tpushInsteadOf = ${root}`,
      `[core]\n\thooksPath = ${hooks}\n\tsshCommand = ${trap}\n\tfsmonitor = ${trap}\n\taskPass = ${trap}`,
      `[init]\n\ttemplateDir = ${join(home, 'template')}\n[credential]\n\thelper = ${trap}`,
      `[user]\n\tname = Home\n\temail = home@example.com\n[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = ${trap}`,
      '[i18n]\n\tcommitEncoding = latin1\n[push]\n\tgpgSign = true\n\tfollowTags = true',
    ].join('\n');
    writeFileSync(join(home, '.gitconfig'), config);
    put(home, '.config/git/config', config);
    vi.stubEnv('HOME', home);
    vi.stubEnv('XDG_CONFIG_HOME', join(home, '.config'));
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(home, '.gitconfig'));
    vi.stubEnv('GIT_CONFIG_SYSTEM', join(home, '.gitconfig'));
    vi.stubEnv('GIT_CONFIG_COUNT', '1');
    vi.stubEnv('GIT_CONFIG_KEY_0', `url.${elsewhere}.insteadOf`);
    vi.stubEnv('GIT_CONFIG_VALUE_0', root);
    vi.stubEnv('GIT_CONFIG_PARAMETERS', `'core.hooksPath'='${hooks}'`);
    vi.stubEnv('GIT_TEMPLATE_DIR', join(home, 'template'));
    vi.stubEnv('GIT_SSH_COMMAND', trap);
    vi.stubEnv('GIT_ASKPASS', trap);
    vi.stubEnv('SSH_ASKPASS', trap);
    vi.stubEnv('GIT_DIR', elsewhere);
    vi.stubEnv('GIT_INDEX_FILE', join(home, 'index'));
    vi.stubEnv('GIT_AUTHOR_DATE', 'nonsense');
    vi.stubEnv('GIT_TRACE', join(home, 'trace'));
    vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
    const remote = await open(root);
    const commit = await commitOn(remote, { message: 'Tïtle' });
    expect([...(await remote.read(commit.parent ?? '', [])).keys()]).toEqual(['a']);
    const tip = await remote.push(commit);
    vi.unstubAllEnvs();
    expect(git(root, 'log', '-1', '--format=%an %s', tip)).toBe('Leastwise Tïtle\n');
    expect(git(elsewhere, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main\n');
    for (const name of ['sprung', 'index', 'trace']) expect(existsSync(join(home, name))).toBe(false);
  });
});

describe('what is kept', () => {
  test('a temporary folder goes with the remote, a given one stays', async () => {
    const temporary = temporaryDirectory();
    vi.stubEnv('TMPDIR', temporary);
    const root = bareRepository(FILES);
    const folder = join(temporary, 'given');
    for (const options of [{}, { folder }]) {
      const remote = await openGitRemote({ url: root, base: 'main', ...options });
      await remote.push(
        await commitOn(remote, { branch: `leastwise/${String(Object.keys(options).length)}` }),
      );
      await remote[Symbol.asyncDispose]();
    }
    const left = readdirSync(temporary).filter(
      (name) => name.startsWith('leastwise-remote-') || name === 'given',
    );
    expect(left).toEqual(['given']);
    expect(readdirSync(folder)).toEqual(['mirror.git']);
  });
});
