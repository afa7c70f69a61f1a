import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { testCertificates } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createTransport, type HttpRequest, TransportError } from './transport.ts';

async function listen(server: Server | TcpServer): Promise<AsyncDisposable & { readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const http = (listener: RequestListener) => listen(createHttp(listener));

function to(url: string, values: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', headers: {}, ...values, url: new URL(url) };
}

async function failureOf(promise: Promise<unknown>): Promise<TransportError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof TransportError) return error;
  throw new Error(`it did not fail as it should: ${String(error)}`);
}

test('sends what it is given and reads the answer, headers by lower-case name', async () => {
  const seen: unknown[] = [];
  await using server = await http((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push([request.method, request.url, request.headers['x-a'], Buffer.concat(chunks).toString()]);
      response.writeHead(418, { 'X-Answer': 'yes', Link: ['<a>', '<b>'] }).end('ключ');
    });
  });
  const transport = createTransport();
  const request = to(`http://127.0.0.1:${server.port}/p?q=1`, {
    method: 'PUT',
    headers: { 'x-a': 'b' },
    body: 'ü',
  });
  const answer = await transport(request);
  expect(answer).toMatchObject({ status: 418, body: 'ключ' });
  expect(answer.headers.get('x-answer')).toBe('yes');
  expect(seen).toEqual([['PUT', '/p?q=1', 'b', 'ü']]);
});

test('an answer that is too long, too late or cut short is none', async () => {
  await using server = await http((request, response) => {
    if (request.url === '/long') response.end('x'.repeat(2000));
    else if (request.url === '/cut')
      response.writeHead(200, { 'content-length': '10' }).end('x', () => response.destroy());
    else if (request.url === '/slow') response.write('x');
    else if (request.url === '/exact') response.end('x'.repeat(1000));
  });
  const transport = createTransport({ maxBytes: 1000, timeoutMs: 150 });
  const url = (path: string): HttpRequest => to(`http://127.0.0.1:${server.port}${path}`);
  expect((await transport(url('/exact'))).body).toHaveLength(1000);
  expect(await failureOf(transport(url('/long')))).toMatchObject({
    message: 'the answer is longer than 1000 bytes',
    mayHaveArrived: true,
  });
  expect((await failureOf(transport(url('/silent')))).message).toBe('no answer within 150 ms');
  expect((await failureOf(transport(url('/slow')))).mayHaveArrived).toBe(true);
  expect((await failureOf(transport(url('/cut')))).mayHaveArrived).toBe(true);
});

test('a server that nobody runs has not had the request; one that hangs up may have', async () => {
  const gone = await listen(createTcp());
  await gone[Symbol.asyncDispose]();
  expect((await failureOf(createTransport()(to(`http://127.0.0.1:${gone.port}/`)))).mayHaveArrived).toBe(
    false,
  );
  await using rude = await listen(createTcp((socket) => socket.destroy()));
  expect((await failureOf(createTransport()(to(`http://127.0.0.1:${rude.port}/`)))).mayHaveArrived).toBe(
    true,
  );
});

describe('over TLS', () => {
  const held = { dir: '' };
  beforeAll(async () => {
    held.dir = await mkdtemp(join(tmpdir(), 'leastwise-http-'));
  });
  afterAll(() => rm(held.dir, { recursive: true, force: true }));

  test('an authority of its own is trusted where its file is given, and nowhere else', async () => {
    const { server: pair, caFile } = await testCertificates(held.dir);
    const options = { cert: pair.cert, key: pair.key };
    await using server = await listen(createHttps(options, (_, response) => response.end('safe')));
    const request = to(`https://127.0.0.1:${server.port}/`);
    expect((await createTransport({ caFile })(request)).body).toBe('safe');
    expect(await failureOf(createTransport()(request))).toMatchObject({ mayHaveArrived: false });
    const otherName = to(`https://127.0.0.2:${server.port}/`);
    await failureOf(createTransport({ caFile })(otherName));
  });

  test('a file that is not there yet is looked for again', async () => {
    const { server: pair, ca } = await testCertificates(join(held.dir, 'late'));
    const options = { cert: pair.cert, key: pair.key };
    await using server = await listen(createHttps(options, (_, response) => response.end('safe')));
    const caFile = join(held.dir, 'late.crt');
    const transport = createTransport({ caFile });
    const request = to(`https://127.0.0.1:${server.port}/`);
    const error = await failureOf(transport(request));
    expect(error).toMatchObject({ mayHaveArrived: false });
    expect(error.message).toContain("the authority's file cannot be read: ENOENT");
    await writeFile(caFile, ca);
    expect((await transport(request)).body).toBe('safe');
  });
});
