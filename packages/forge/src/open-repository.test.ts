import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { ForgeError, PublishError } from '@leastwise/publish';
import { expect, test } from 'vitest';

import { startFakeGitHub } from './github/testing/fake-github.ts';
import { startFakeGitLab } from './gitlab/testing/fake-gitlab.ts';
import { startFakeServer } from './http/testing/fake-server.ts';
import { repositoryProblems } from './open-repository-check.ts';
import type { ForgeSettings, RepositorySettings } from './open-repository-options.ts';
import { isSameForge, placeOf } from './open-repository-place.ts';
import { openRepository } from './open-repository.ts';
import { bareRepository } from './remote/testing/bare.ts';
import { temporaryDirectory } from './testing/temporary.ts';

const NONE: ForgeSettings = { kind: 'none' };

function settings(
  url: string,
  forge: ForgeSettings,
  more: Partial<RepositorySettings> = {},
): RepositorySettings {
  return { url, base: 'main', forge, ...more };
}

/** A new file with this text, in a folder of the test's own. */
function fileWith(text: string): string {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, text);
  return path;
}

async function problemsOf(...args: Parameters<typeof settings>): Promise<string[]> {
  return (await repositoryProblems(settings(...args))).map(({ key, reason }) => `${key} ${reason}`);
}

test.each([
  ['https://github.com/acme/policies.git', 'github', 'https://api.github.com', 'acme/policies'],
  ['git@github.com:acme/policies.git', 'github', 'https://api.github.com', 'acme/policies'],
  ['https://ghe.example/acme/policies', 'github', 'https://ghe.example/api/v3', 'acme/policies'],
  ['https://gitlab.example/a/b/c.git', 'gitlab', 'https://gitlab.example/api/v4', 'a/b/c'],
  ['ssh://git@gitlab.example:2222/a/b/c.git', 'gitlab', 'https://gitlab.example/api/v4', 'a/b/c'],
  ['https://gitea.example:3000/a/b/', 'gitea', 'https://gitea.example:3000/api/v1', 'a/b'],
  ['http://127.0.0.1:3000/a/b', 'gitea', 'http://127.0.0.1:3000/api/v1', 'a/b'],
] as const)('the address %s tells where its forge is', (url, kind, apiUrl, repository) => {
  expect(placeOf(settings(url, { kind }))).toMatchObject({ apiUrl, repository });
});

test.each([
  ['github', 'https://forge.example/a/b/blob/release/1%23x/'],
  ['gitlab', 'https://forge.example/a/b/-/blob/release/1%23x/'],
  ['gitea', 'https://forge.example/a/b/src/branch/release/1%23x/'],
] as const)('files are read in a browser as %s lays them out', (kind, filesUrl) => {
  const at = (url: string, forge: Partial<ForgeSettings> = {}) =>
    placeOf(settings(url, { kind, ...forge }, { base: 'release/1#x' })).filesUrl;
  expect(at('https://forge.example/a/b.git')).toBe(filesUrl);
  expect(at('git@forge.example:a/b.git')).toBe(filesUrl);
  const webUrl = 'https://forge.example/a/b/';
  expect(at('git@ssh.forge.example:a/b.git', { webUrl })).toBe(filesUrl);
  expect(at('/srv/git/b.git', { webUrl, repository: 'a/b' })).toBe(filesUrl);
  // Where the address and the name differ, nobody knows.
  expect(at('https://forge.example/prefix/a/b.git', { repository: 'a/b' })).toBeUndefined();
});

test('what is said counts before what the address tells', () => {
  const forge = { kind: 'gitea', apiUrl: 'https://x.example/api/v1', repository: 'c/d' } as const;
  expect(placeOf(settings('https://forge.example/a/b', forge))).toMatchObject({
    apiUrl: forge.apiUrl,
    repository: 'c/d',
  });
  expect(placeOf(settings('https://forge.example/a/b', NONE))).toMatchObject({
    apiUrl: undefined,
    filesUrl: undefined,
  });
});

test.each([
  ['https://github.com/a/b', 'github', undefined, true],
  ['https://forge.example/a/b', 'gitea', undefined, true],
  ['https://forge.example:8443/a/b', 'gitea', 'https://forge.example/api/v1', false],
  ['https://mirror.example/a/b', 'github', 'https://api.github.com', false],
  ['https://github.com.evil.example/a/b', 'github', 'https://api.github.com', false],
  ['http://127.0.0.1/a/b', 'gitea', 'https://127.0.0.1/api/v1', false],
  ['git@forge.example:a/b', 'gitea', undefined, false],
] as const)(
  'the credentials of the API go to git at %s only at the same host',
  (url, kind, apiUrl, isSame) => {
    expect(isSameForge(placeOf(settings(url, { kind, apiUrl })))).toBe(isSame);
  },
);

test('nothing is wrong with what can be used', async () => {
  const tokenFile = fileWith('secret');
  const ssh = { sshKeyFile: tokenFile, knownHostsFile: tokenFile };
  const app = { id: '1', installationId: '2', privateKeyFile: tokenFile };
  expect(await problemsOf('/srv/git/policies.git', NONE)).toEqual([]);
  expect(await problemsOf('git@github.com:a/b.git', { kind: 'github', tokenFile }, ssh)).toEqual([]);
  expect(await problemsOf('https://github.com/a/b', { kind: 'github', app })).toEqual([]);
  expect(await problemsOf('https://gitlab.example/a/b/c', { kind: 'gitlab', tokenFile })).toEqual([]);
  expect(await problemsOf('https://x.example/b', NONE, { tokenFile, caFile: tokenFile })).toEqual([]);
});

test('all that is wrong is told at once, and nothing of what may be a secret', async () => {
  const missing = '/nonexistent/ghp_secret';
  expect(
    await problemsOf(
      'git@forge.example:/a',
      { kind: 'gitea', apiUrl: 'http://forge.example/api/v1', webUrl: 'ftp://x', tokenFile: missing },
      { tokenFile: missing, caFile: '/', signingKeyFile: missing },
    ),
  ).toEqual([
    'sshKeyFile is needed for a repository over ssh',
    'knownHostsFile is needed for a repository over ssh',
    'tokenFile is for a repository over https, which this one is not',
    'forge.apiUrl must be https (http on this machine only), without user, query and fragment',
    'forge.webUrl must be http or https, without user, query and fragment',
    'forge.repository must be owner/name',
    'signingKeyFile there is no such file',
    'tokenFile there is no such file',
    'caFile is no file',
    'forge.tokenFile there is no such file',
  ]);
});

test.each([
  [
    '/srv/a.git',
    { kind: 'github' },
    [
      'forge.apiUrl is needed: the address of the repository does not tell it',
      'forge.repository is needed: owner/name',
      'forge.tokenFile is needed, or an app',
    ],
  ],
  [
    'https://user:secret@forge.example/a/b',
    { kind: 'none', tokenFile: '/etc/hostname', repository: 'a/b' },
    [
      'url the address of the remote is refused: it holds a credential',
      'forge.repository means nothing where the kind of forge is none',
      'forge.tokenFile means nothing where the kind of forge is none',
    ],
  ],
  [
    'https://gitlab.example/a/b?x=1',
    { kind: 'gitlab' },
    ['url the address of the remote is refused: it has a query or a fragment'],
  ],
  [
    'https://gitlab.example/a',
    { kind: 'gitlab', apiUrl: 'https://u:p@gitlab.example' },
    [
      'forge.apiUrl must be https (http on this machine only), without user, query and fragment',
      'forge.repository must be group/name, with all groups',
      'forge.tokenFile is needed',
    ],
  ],
  [
    'https://gitea.example/a/..',
    { kind: 'gitea', repository: '../b' },
    ['forge.repository must be owner/name', 'forge.tokenFile is needed'],
  ],
] as const)('wrong with %s', async (url, forge, problems) => {
  expect(await problemsOf(url, forge)).toEqual(problems);
});

test('a token and an app exclude each other, and an app is for GitHub', async () => {
  const file = fileWith('x');
  const app = { id: '1', installationId: '2', privateKeyFile: '/nonexistent/key' };
  expect(await problemsOf('https://g.example/a/b', { kind: 'gitea', app, tokenFile: file })).toEqual([
    'forge.app.id is for GitHub, which this forge is not',
    'forge.tokenFile and an app exclude each other: the app makes its own tokens',
    'forge.app.privateKeyFile there is no such file',
  ]);
  expect(await problemsOf('https://g.example/a/b', { kind: 'none', app })).toEqual([
    'forge.app.id means nothing where the kind of forge is none',
    'forge.app.privateKeyFile there is no such file',
  ]);
});

test('a path without a forge is a remote without pull requests', async () => {
  const root = bareRepository(new Map([['README.md', 'policies']]));
  await using opened = await openRepository(settings(root, NONE));
  expect(opened).toMatchObject({ pulls: undefined, filesUrl: undefined });
  const { base } = await opened.remote.fetch('leastwise/');
  expect([...(await opened.remote.read(base ?? '', []))]).toEqual([['README.md', 'policies']]);
});

test('what cannot work is refused with all its reasons', async () => {
  const opening = openRepository(settings('git@forge.example:a/b', { kind: 'gitea' }));
  await expect(opening).rejects.toThrow(PublishError);
  await expect(opening).rejects.toThrow(
    /^sshKeyFile: is needed .*; knownHostsFile: is needed .*; forge\.tokenFile: is needed$/,
  );
  await expect(openRepository(settings('/srv/a', NONE, { base: 'a..b' }))).rejects.toThrow(PublishError);
});

test('the token of a forge is read anew for each request', async () => {
  await using github = await startFakeGitHub();
  const tokenFile = fileWith('ghs_secret\n');
  const forge = { kind: 'github', apiUrl: github.url, repository: 'acme/policies', tokenFile } as const;
  await using opened = await openRepository(settings(bareRepository(), forge));
  expect(await opened.pulls?.listOpen('leastwise/')).toEqual([]);
  writeFileSync(tokenFile, 'replaced');
  await expect(opened.pulls?.listOpen('leastwise/')).rejects.toMatchObject({ failure: 'unauthorized' });
  writeFileSync(tokenFile, 'ghs_secret');
  expect(await opened.pulls?.listOpen('leastwise/')).toEqual([]);
});

test('a token whose file went away is no crash, and its path is not told', async () => {
  await using gitlab = await startFakeGitLab();
  const tokenFile = fileWith('glpat-secret');
  const forge = {
    kind: 'gitlab',
    apiUrl: gitlab.url,
    repository: 'acme/platform/policies',
    tokenFile,
  } as const;
  await using opened = await openRepository(settings(bareRepository(), forge));
  expect(await opened.pulls?.listOpen('leastwise/')).toEqual([]);
  rmSync(tokenFile);
  const error = await opened.pulls?.listOpen('leastwise/').catch((reason: unknown) => reason);
  expect(error).toMatchObject({ failure: 'unauthorized' });
  expect(inspect(error, { depth: 9, showHidden: true })).toMatch(/ENOENT/);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(tokenFile);
});

test('an app makes its tokens itself', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKeyFile = fileWith(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const seen: string[] = [];
  await using server = await startFakeServer({
    basePath: '',
    pageSize: 1,
    handle: ({ path, headers }) => {
      seen.push(`${path} ${(headers.authorization ?? '').slice(0, 11)}`);
      if (path === '/app/installations/99/access_tokens') {
        const expires = new Date(Date.now() + 3_600_000).toISOString();
        return { status: 201, body: { token: 'ghs_made', expires_at: expires, permissions: {} } };
      }
      return { status: 200, body: [] };
    },
  });
  const app = { id: '7', installationId: '99', privateKeyFile };
  const forge = { kind: 'github', apiUrl: server.url, repository: 'a/b', app } as const;
  await using opened = await openRepository(settings(bareRepository(), forge));
  expect(await opened.pulls?.listOpen('leastwise/')).toEqual([]);
  expect(seen).toEqual(['/app/installations/99/access_tokens Bearer eyJh', '/repos/a/b/pulls Bearer ghs_']);
  writeFileSync(privateKeyFile, 'no key');
  await using other = await openRepository(settings(bareRepository(), forge));
  await expect(other.pulls?.listOpen('leastwise/')).rejects.toThrow(ForgeError);
});
