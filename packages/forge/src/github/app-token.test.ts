import { generateKeyPairSync, verify } from 'node:crypto';

import { ForgeError } from '@leastwise/publish';
import { expect, test } from 'vitest';

import { type FakeRequest, startFakeServer } from '../http/testing/fake-server.ts';
import { fakeWaiting } from '../http/testing/fake-world.ts';
import { createGitHubAppLogin, createGitHubAppToken } from './app-token.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** GitHub, giving tokens of an hour. */
async function startApp(waiting = fakeWaiting()) {
  const claims: unknown[] = [];
  let tokens = 0;
  const server = await startFakeServer({
    basePath: '',
    pageSize: 1,
    handle: (request) => {
      claims.push(claimOf(request));
      if (request.path === '/app')
        return { status: 200, body: { id: 7, slug: 'leastwise', name: 'Leastwise' } };
      if (request.path !== '/app/installations/99/access_tokens') return { status: 404, body: {} };
      const expires = new Date(waiting.now() + 3_600_000).toISOString();
      return { status: 201, body: { token: `ghs_${++tokens}`, expires_at: expires, permissions: {} } };
    },
  });
  const options = {
    ...{ appId: 'Iv1.7', installationId: '99', apiUrl: server.url, waiting },
    privateKey: async () => PEM,
  };
  return { claims, options, waiting, server, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

function claimOf({ headers }: FakeRequest): unknown {
  const [head = '', claim = '', signature = ''] = (headers.authorization ?? '')
    .replace('Bearer ', '')
    .split('.');
  const text = Buffer.from(`${head}.${claim}`);
  const isTrue = verify('sha256', text, publicKey, Buffer.from(signature, 'base64url'));
  const json = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString()) as object;
  return { ...json(head), ...json(claim), isTrue, version: headers['x-github-api-version'] };
}

test('says by a signed claim who it is, and gives the token of the installation', async () => {
  await using app = await startApp();
  const { server, claims, options, waiting } = app;
  expect(await createGitHubAppToken(options)()).toBe('ghs_1');
  const now = waiting.now() / 1000;
  expect(claims).toEqual([
    {
      alg: 'RS256',
      typ: 'JWT',
      iss: 'Iv1.7',
      iat: now - 60,
      exp: now + 540,
      isTrue: true,
      version: '2022-11-28',
    },
  ]);
  expect(server.requests).toEqual(['POST /app/installations/99/access_tokens']);
});

test('keeps a token until five minutes before its end', async () => {
  await using app = await startApp();
  const { options, waiting } = app;
  const token = createGitHubAppToken(options);
  expect(await Promise.all([token(), token()])).toEqual(['ghs_1', 'ghs_1']);
  await waiting.sleep(54 * 60_000);
  expect(await token()).toBe('ghs_1');
  await waiting.sleep(61_000);
  expect(await token()).toBe('ghs_2');
  expect(await token()).toBe('ghs_2');
});

test('a failure is not kept', async () => {
  await using app = await startApp();
  const { server, options } = app;
  const token = createGitHubAppToken(options);
  server.fail({ answer: { status: 401, body: { message: 'A JSON web token could not be decoded' } } });
  await expect(token()).rejects.toMatchObject({ failure: 'unauthorized' });
  expect(await token()).toBe('ghs_1');
});

test.each([
  ['nothing', '', 'no PEM of a key without passphrase'],
  ['no key', 'hello', 'no PEM of a key without passphrase'],
  [
    'a key of another kind',
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'no RSA key',
  ],
])('%s is told, without what it is', async (_, pem, reason) => {
  await using app = await startApp();
  const { server, options } = app;
  const error: unknown = await createGitHubAppToken({ ...options, privateKey: async () => pem })().catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ForgeError);
  expect(error).toMatchObject({ failure: 'unauthorized' });
  expect((error as Error).message).toBe(`GitHub: the app's private key is ${reason}`);
  expect(server.requests).toEqual([]);
});

test('the app writes as its bot', async () => {
  await using app = await startApp();
  const { options } = app;
  expect(await createGitHubAppLogin(options)()).toBe('leastwise[bot]');
});
