import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { ForgeError } from '@leastwise/publish';
import type { BranchCommit, Remote } from '@leastwise/publish';
import { testCertificates } from '@leastwise/testkit';
import type { TestCertificates } from '@leastwise/testkit';

import { git, temporaryDirectory } from '../testing/temporary.ts';
import type { HttpsAccess } from './access.ts';
import { openGitRemote } from './git-remote.ts';
import { bareRepository } from './testing/bare.ts';
import { startGitHttps } from './testing/https-server.ts';
import type { GitHttpsServer, GitHttpsWays } from './testing/https-server.ts';
import { recordingGit } from './testing/recording-git.ts';

const TOKEN = 'ghs_s3cretT0ken/+=';
const BASIC = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
const WAYS = { basic: `x-access-token:${TOKEN}` };

const folder = mkdtempSync(join(tmpdir(), 'leastwise-tls-'));
let certificates: TestCertificates;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  certificates = await testCertificates(folder);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops.splice(0)) await stop();
});

async function start(root: string, ways: GitHttpsWays = WAYS): Promise<GitHttpsServer> {
  const server = await startGitHttps(root, certificates, ways);
  stops.push(() => server.stop());
  return server;
}

async function open(
  url: string,
  https: HttpsAccess,
  options: { readonly folder?: string; readonly timeoutMs?: number } = {},
): Promise<Remote> {
  const remote = await openGitRemote({
    url,
    base: 'main',
    https: { caFile: certificates.caFile, ...https },
    ...options,
  });
  stops.unshift(async () => {
    await remote[Symbol.asyncDispose]();
  });
  return remote;
}

function tokenFile(token: string): string {
  const file = join(temporaryDirectory(), 'token');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return file;
}

const FILES = new Map([
  ['a/1', 'one'],
  ['b', 'two'],
]);

async function commitOn(remote: Remote): Promise<BranchCommit> {
  const { base } = await remote.fetch('leastwise/');
  const changes = [{ action: 'write', path: 'c', content: 'new' }] as const;
  return { branch: 'leastwise/a', parent: base, changes, message: 'm', expected: undefined };
}

async function roundTrip(remote: Remote): Promise<void> {
  const commit = await commitOn(remote);
  expect((await remote.read(commit.parent ?? '', ['a'])).get('a/1')).toBe('one');
  const tip = await remote.push(commit);
  const { branches } = await remote.fetch('leastwise/');
  expect(branches.get('leastwise/a')).toMatchObject({ tip, isOurs: true, changes: commit.changes });
  await remote.remove('leastwise/a', tip);
  expect((await remote.fetch('leastwise/')).branches.size).toBe(0);
}

function errorOf(promise: Promise<unknown>): Promise<ForgeError> {
  return promise.then(
    () => Promise.reject(new Error('it worked')),
    (error: unknown) => (error instanceof ForgeError ? error : Promise.reject(error as Error)),
  );
}

describe('git over https', () => {
  test('with a token from a file, which goes with each request from the first one on', async () => {
    const server = await start(bareRepository(FILES));
    await roundTrip(await open(server.url, { token: { file: tokenFile(TOKEN) } }));
    expect(new Set(server.authorizations)).toEqual(new Set([`Basic ${BASIC}`]));
  });

  test('with tokens that change: each call takes the one of its moment', async () => {
    const server = await start(bareRepository(FILES));
    const file = tokenFile('old');
    server.ways = { basic: 'robot:old' };
    const fromFile = await open(server.url, { username: 'robot', token: { file } });
    const tokens = ['old', 'new'];
    const fromFunction = await open(server.url, {
      username: 'robot',
      token: async () => tokens.shift() ?? 'none',
    });
    await fromFile.fetch('');
    server.ways = { basic: 'robot:new' };
    writeFileSync(file, 'new');
    await fromFile.fetch('');
    server.ways = { basic: 'robot:old' };
    await expect(fromFunction.fetch('')).rejects.toMatchObject({ failure: 'unauthorized' });
    expect(tokens).toEqual([]);
  });

  const poor: [string, Partial<GitHttpsWays>][] = [
    ['partial clones', { lacks: ['filter'] }],
    ['shallow clones', { lacks: ['shallow'] }],
    ['either', { lacks: ['shallow', 'filter'] }],
    ['the protocol of today', { isOld: true }],
  ];
  test.each(poor)('with a server that lacks %s', async (_, ways) => {
    const server = await start(bareRepository(FILES), { ...WAYS, ...ways });
    await roundTrip(await open(server.url, { token: { file: tokenFile(TOKEN) } }));
  });

  test('a server that lacks partial clones on second thoughts: what is here is made whole', async () => {
    const server = await start(bareRepository(FILES));
    const remote = await open(server.url, { token: { file: tokenFile(TOKEN) } });
    const { base } = await remote.fetch('leastwise/');
    server.ways = { ...WAYS, isOld: true };
    expect((await remote.read(base ?? '', [])).size).toBe(2);
    await roundTrip(remote);
  });
});

describe('what goes wrong over https', () => {
  const answers: [number, string][] = [
    [403, 'unauthorized'],
    [404, 'not-found'],
    [429, 'rate-limited'],
    [500, 'unreachable'],
    [503, 'unreachable'],
  ];
  test.each(answers)('an answer of %i is %s', async (status, failure) => {
    const server = await start(bareRepository(FILES), { ...WAYS, status });
    const remote = await open(server.url, { token: { file: tokenFile(TOKEN) } });
    expect((await errorOf(remote.fetch(''))).failure).toBe(failure);
  });

  test('a wrong token, none, and one that is no token', async () => {
    const server = await start(bareRepository(FILES));
    const sources = [{ file: tokenFile('wrong') }, { file: '/nowhere/token' }, { file: tokenFile('') }];
    const functions = [async () => 'a\r\nX-Evil: 1', async () => ''];
    for (const token of [...sources, ...functions, undefined]) {
      const remote = await open(server.url, token === undefined ? {} : { token });
      expect((await errorOf(remote.fetch(''))).failure).toBe('unauthorized');
    }
    expect(server.authorizations.join()).not.toContain('Evil');
  });

  test('what the token comes from failed: its error is the answer', async () => {
    const server = await start(bareRepository(FILES));
    const failure = new ForgeError('rate-limited', 'wait', { retryAfterMs: 5 });
    const remote = await open(server.url, { token: () => Promise.reject(failure) });
    expect(await errorOf(remote.fetch(''))).toBe(failure);
  });

  test('a redirect is not followed, and the token goes nowhere else', async () => {
    const other = await start(bareRepository(FILES));
    const headers = { location: `${other.url}/info/refs?service=git-upload-pack` };
    const server = await start(bareRepository(FILES), { ...WAYS, status: 301, headers });
    const remote = await open(server.url, { token: { file: tokenFile(TOKEN) } });
    expect((await errorOf(remote.fetch(''))).failure).toBe('not-found');
    expect(other.authorizations).toEqual([]);
  });

  test('a certificate of an authority that nobody told of', async () => {
    const server = await start(bareRepository(FILES));
    const remote = await openGitRemote({
      url: server.url,
      base: 'main',
      https: { token: async () => TOKEN },
    });
    stops.unshift(async () => {
      await remote[Symbol.asyncDispose]();
    });
    expect((await errorOf(remote.fetch(''))).failure).toBe('unreachable');
    expect(server.authorizations).toEqual([]);
  });

  test('nobody is there', async () => {
    const server = await start(bareRepository(FILES));
    await stops.pop()?.();
    const remote = await open(server.url, { token: async () => TOKEN });
    expect((await errorOf(remote.fetch(''))).failure).toBe('unreachable');
  });

  test('a server that says nothing is given up, and the transport ends too', async () => {
    const server = await start(bareRepository(FILES), { ...WAYS, isSilent: true });
    const remote = await open(server.url, { token: async () => TOKEN }, { timeoutMs: 1000 });
    expect((await errorOf(remote.fetch(''))).failure).toBe('unreachable');
    expect(commandLines().filter((line) => line.includes(server.url))).toEqual([]);
  });
});

describe('the token', () => {
  test('is in no argument, file, message or output, whatever the server says', async () => {
    const seen: string[] = [];
    const root = bareRepository(FILES);
    const server = await start(root);
    const mirror = join(temporaryDirectory(), 'mirror');
    const calls = recordingGit();
    const remote = await open(server.url, { token: { file: tokenFile(TOKEN) } }, { folder: mirror });
    // Each request is a moment at which git and its transports run.
    const { push } = server.authorizations;
    server.authorizations.push = (...values) => {
      seen.push(...commandLines().filter((line) => line.includes(server.url)));
      return push.apply(server.authorizations, values);
    };
    await remote.push(await commitOn(remote));
    git(root, 'config', 'receive.denyDeletes', 'true');
    const messages: string[] = [];
    for (const status of [401, 403, 500]) {
      server.ways = { ...WAYS, status };
      messages.push(textOf(await errorOf(remote.fetch(''))));
    }
    server.ways = { basic: 'x:other' };
    messages.push(textOf(await errorOf(remote.fetch(''))));
    if (existsSync('/proc/self/cmdline'))
      expect(seen.some((line) => line.includes('remote-https'))).toBe(true);
    expect(calls.read().some((line) => line.includes('push'))).toBe(true);
    const texts = [...seen, ...calls.read(), ...messages, ...filesBelow(mirror)];
    for (const text of texts) for (const secret of [TOKEN, BASIC]) expect(text.includes(secret)).toBe(false);
  });
});

/** All that a log could show of an error. */
function textOf(error: ForgeError): string {
  const cause = error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack ?? ''}` : '';
  return `${error.message} ${error.stack ?? ''} ${cause}`;
}

/** The arguments of all processes, as every user of a Linux machine can see them. */
function commandLines(): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = entries.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
  return files.map((path) => readFileSync(path, 'latin1'));
}
