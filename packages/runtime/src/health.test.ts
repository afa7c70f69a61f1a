import { once } from 'node:events';
import { connect } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { createMetrics, startHealthServer } from './index.ts';
import type { HealthChecks, HealthServer } from './index.ts';

const open: HealthServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(checks: HealthChecks = {}, metrics = createMetrics()) {
  const errors: string[] = [];
  const log = { error: (message: string) => errors.push(message) };
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, checks, metrics, log });
  open.push(server);
  const { port } = server.address;
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { get, port, errors, server };
}

test('alive and ready with no checks, and with checks that pass; HEAD without a body', async () => {
  const { get } = await start({ live: { loop: () => true }, ready: { redis: async () => true } });
  for (const path of ['/healthz', '/readyz', '/readyz?verbose']) {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', failing: [] });
    const head = await get(path, 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(response.headers.get('content-length'));
  }
});

test('failing checks are named; readiness does not touch liveness', async () => {
  const { get } = await start({
    ready: {
      redis: () => false,
      kafka: () => true,
      groups: () => {
        throw new Error('hunter2');
      },
      brokers: () => Promise.reject(new Error('hunter2')),
    },
  });
  const response = await get('/readyz');
  expect(response.status).toBe(503);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toEqual({ status: 'failing', failing: ['brokers', 'groups', 'redis'] });
  expect((await get('/healthz')).status).toBe(200);
});

test('a failing liveness check, and a check that never answers', async () => {
  const { get } = await start({ live: { stuck: () => new Promise<boolean>(() => undefined) } });
  const response = await get('/healthz');
  expect([response.status, await response.text()]).toEqual([
    503,
    '{"status":"failing","failing":["stuck"]}\n',
  ]);
});

test('metrics with the media type of the registry; a collect that fails is a 500 and no crash', async () => {
  const metrics = createMetrics();
  let fails = false;
  const collect = () => {
    if (fails) throw new Error('hunter2');
  };
  metrics.gauge({ name: 'leastwise_units', help: 'Units.', collect }).set(4);
  const { get, errors } = await start({}, metrics);
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toBe(metrics.contentType);
  expect(await response.text()).toContain('leastwise_units 4');
  fails = true;
  const failed = await get('/metrics');
  expect([failed.status, await failed.text()]).toEqual([500, 'metrics could not be collected\n']);
  expect(errors).toEqual(['metrics could not be collected']);
  fails = false;
  expect((await get('/metrics')).status).toBe(200);
});

test('other paths are not found, other methods not allowed', async () => {
  const { get } = await start();
  expect((await get('/')).status).toBe(404);
  expect((await get('/metrics/../etc')).status).toBe(404);
  const post = await get('/readyz', 'POST');
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('noise and headers without end get a 4xx, and the server goes on', async () => {
  const { get, port } = await start();
  for (const bytes of [
    '\u0000\u0001garbage\r\n\r\n',
    `GET /healthz HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
  ]) {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
  }
  expect((await get('/healthz')).status).toBe(200);
});

test('disposing closes open connections, and may happen twice; a taken port is refused', async () => {
  const { get, server, port } = await start();
  await get('/healthz');
  const second = startHealthServer({ host: '127.0.0.1', port, checks: {}, metrics: createMetrics() });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const idle = connect(port, '127.0.0.1');
  idle.on('error', () => undefined);
  await once(idle, 'connect');
  const gone = once(idle, 'close');
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await gone;
  await expect(get('/healthz')).rejects.toThrow();
});
