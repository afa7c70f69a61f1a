import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Remote } from '@leastwise/publish';

import { put, temporaryDirectory } from '../testing/temporary.ts';
import { openGitRemote } from './git-remote.ts';
import { bareRepository } from './testing/bare.ts';
import { lacksSshd, startSshd } from './testing/sshd.ts';
import type { Sshd } from './testing/sshd.ts';

const opened: Remote[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const remote of opened.splice(0)) await remote[Symbol.asyncDispose]();
});

describe.skipIf(lacksSshd())('git over ssh', () => {
  let sshd: Sshd;
  // Names that ssh and shells have opinions about.
  const folder = mkdtempSync(join(tmpdir(), "leastwise 100% o'ssh-"));
  const serverFolder = mkdtempSync(join(tmpdir(), 'leastwise-sshd-'));
  beforeAll(async () => {
    sshd = await startSshd(serverFolder, folder);
  });
  afterAll(async () => {
    await sshd.stop();
    for (const each of [folder, serverFolder]) rmSync(each, { recursive: true, force: true });
  });

  async function open(
    root: string,
    ssh: { keyFile?: string; knownHostsFile?: string } = {},
  ): Promise<Remote> {
    const url = `ssh://${sshd.user}@127.0.0.1:${String(sshd.port)}${root}`;
    const { keyFile, knownHostsFile } = sshd;
    const remote = await openGitRemote({ url, base: 'main', ssh: { keyFile, knownHostsFile, ...ssh } });
    opened.push(remote);
    return remote;
  }

  test('fetches, pushes and deletes with one key', async () => {
    const remote = await open(bareRepository(new Map([['a', '1']])));
    const { base } = await remote.fetch('leastwise/');
    expect((await remote.read(base ?? '', [])).get('a')).toBe('1');
    const changes = [{ action: 'write', path: 'b', content: 'new' }] as const;
    const tip = await remote.push({
      branch: 'leastwise/a',
      parent: base,
      changes,
      message: 'm',
      expected: undefined,
    });
    expect((await remote.fetch('leastwise/')).branches.get('leastwise/a')).toMatchObject({
      tip,
      isOurs: true,
    });
    await remote.remove('leastwise/a', tip);
    expect((await remote.fetch('leastwise/')).branches.size).toBe(0);
  });

  test('without what the user has set up: an agent, a configuration, a command', async () => {
    const home = temporaryDirectory();
    put(home, '.ssh/config', `Host *\n  ProxyCommand touch ${home}/sprung\n`);
    vi.stubEnv('HOME', home);
    vi.stubEnv('SSH_AUTH_SOCK', join(home, 'agent'));
    vi.stubEnv('GIT_SSH_COMMAND', 'false');
    vi.stubEnv('GIT_SSH', 'false');
    const remote = await open(bareRepository(new Map([['a', '1']])));
    expect((await remote.fetch('')).base).toBeDefined();
  });

  test('a host that is not known is not spoken to', async () => {
    const empty = join(temporaryDirectory(), 'known_hosts');
    writeFileSync(empty, '');
    const remote = await open(bareRepository(), { knownHostsFile: empty });
    await expect(remote.fetch('')).rejects.toMatchObject({ name: 'ForgeError', failure: 'unreachable' });
  });

  test('a key that is not let in, and one that is not there', async () => {
    for (const keyFile of [sshd.strangerKeyFile, join(folder, 'nowhere')]) {
      const remote = await open(bareRepository(), { keyFile });
      await expect(remote.fetch('')).rejects.toMatchObject({ name: 'ForgeError', failure: 'unauthorized' });
    }
  });

  test('no repository there', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'x'));
    const remote = await open(join(root, 'x'));
    await expect(remote.fetch('')).rejects.toMatchObject({ name: 'ForgeError', failure: 'not-found' });
  });
});
