import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openCluster } from './cluster.ts';
import type { Cluster } from './request.ts';

const certificate = (name: string): string =>
  fileURLToPath(new URL(`../../source-file/testdata/${name}`, import.meta.url));

let dir = '';
let server: Server | undefined;
let cluster: Cluster | undefined;
const seen: { request: IncomingMessage; body: string; socket: Socket }[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'leastwise-cluster-'));
  seen.length = 0;
});
afterEach(async () => {
  cluster?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  [server, cluster] = [undefined, undefined];
  await rm(dir, { recursive: true });
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    seen.push({ request, body, socket: request.socket });
    response.writeHead(403, { 'retry-after': '3' }).end('{"a":"é"}');
  });
}

async function listen(made: Server): Promise<number> {
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

async function secure(): Promise<number> {
  const [cert, key] = await Promise.all([
    readFile(certificate('server.pem')),
    readFile(certificate('server.key')),
  ]);
  return await listen(createServer({ cert, key }, answer));
}

async function open(
  url: string,
  more: object,
  user: object = { token: 'secret-4711' },
  timeoutMs?: number,
): Promise<Cluster> {
  const file = join(dir, 'config');
  const config = {
    clusters: [{ name: 'c', cluster: { server: url, ...more } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(file, JSON.stringify(config));
  cluster = await openCluster({ kubeconfigFile: file, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  return cluster;
}

const GET = { method: 'GET', path: '/apis' } as const;
const CA = { 'certificate-authority': certificate('ca.pem') };

describe('a request', () => {
  test('goes below the address of the server, with the token, over one connection', async () => {
    const port = await secure();
    const opened = await open(`https://127.0.0.1:${port}/k8s/c-1/`, CA);
    const body = { type: 'application/apply-patch+yaml', text: '{"a":"é"}' };
    const got = await opened.send({
      method: 'PATCH',
      path: '/a/b%2Fc',
      query: { q: 'a b&c', force: 'true' },
      body,
    });
    expect(got).toMatchObject({ status: 403, text: '{"a":"é"}', headers: { 'retry-after': '3' } });
    await opened.send(GET);
    const [patch, get] = seen;
    expect(patch?.request).toMatchObject({ method: 'PATCH', url: '/k8s/c-1/a/b%2Fc?q=a+b%26c&force=true' });
    expect(patch?.request.headers).toMatchObject({
      authorization: 'Bearer secret-4711',
      'content-type': 'application/apply-patch+yaml',
      'content-length': '10',
      'user-agent': 'leastwise',
    });
    expect(patch?.body).toBe('{"a":"é"}');
    expect(get?.socket).toBe(patch?.socket);
  });

  test('asks the credential plugin for the token', async () => {
    const port = await secure();
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-plugin' },
    };
    const script = join(dir, 'plugin.cjs');
    await writeFile(script, `process.stdout.write(${JSON.stringify(JSON.stringify(credential))})`);
    const exec = { apiVersion: credential.apiVersion, command: process.execPath, args: [script] };
    await (await open(`https://127.0.0.1:${port}`, CA, { exec })).send(GET);
    expect(seen[0]?.request.headers.authorization).toBe('Bearer from-plugin');
  });

  test('goes without TLS only where the kubeconfig says so', async () => {
    const port = await listen(createHttpServer(answer));
    const url = `http://127.0.0.1:${port}`;
    await expect((await open(url, {})).send(GET)).rejects.toMatchObject({ failure: 'configuration' });
    expect(seen).toEqual([]);
    expect(await (await open(url, { 'insecure-skip-tls-verify': true })).send(GET)).toMatchObject({
      status: 403,
    });
  });
});

describe('no answer', () => {
  test('from a server that nobody vouches for: told, and nothing is sent', async () => {
    const port = await secure();
    const asked = (await open(`https://127.0.0.1:${port}`, {})).send(GET);
    await expect(asked).rejects.toMatchObject({
      failure: 'configuration',
      message: expect.stringMatching(/its certificate or ours is not accepted \([A-Z_]+\)$/) as string,
    });
    expect(seen).toEqual([]);
  });

  test('from nobody, or from one that hangs up: another try may help', async () => {
    const port = await listen(createHttpServer((request) => request.socket.destroy()));
    const url = `http://127.0.0.1:${port}`;
    const plain = { 'insecure-skip-tls-verify': true };
    await expect((await open(url, plain)).send(GET)).rejects.toMatchObject({
      failure: 'unreachable',
      message: `${url}: no answer (ECONNRESET)`,
    });
    await new Promise((resolve) => server?.close(resolve));
    await expect((await open(url, plain)).send(GET)).rejects.toThrow('no answer (ECONNREFUSED)');
  });

  test('in time: another try may help', async () => {
    const port = await listen(createHttpServer(() => undefined));
    const url = `http://127.0.0.1:${port}`;
    const slow = await open(url, { 'insecure-skip-tls-verify': true }, {}, 50);
    await expect(slow.send(GET)).rejects.toMatchObject({
      failure: 'unreachable',
      message: `${url}: no answer in time`,
    });
  });

  test('from a plugin or a file: told without what they hold', async () => {
    const script = join(dir, 'plugin.cjs');
    await writeFile(script, 'process.stdout.write("secret-4711 is no JSON")');
    const bad = [
      { exec: { apiVersion: 'v1', command: join(dir, 'no-such') } },
      { exec: { apiVersion: 'v1', command: process.execPath, args: [script] } },
      { 'client-certificate': join(dir, 'secret-4711'), 'client-key': 'x' },
    ];
    for (const user of bad) {
      const asked = (await open('https://127.0.0.1:1', CA, user)).send(GET);
      const error: unknown = await asked.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ failure: 'configuration' });
      expect(String(error)).toContain('the credentials of the kubeconfig cannot be had');
      expect(String(error)).not.toContain('secret-4711');
    }
  });
});
