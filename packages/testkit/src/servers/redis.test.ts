import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { testCertificates } from './certificates.ts';
import { isListening, isRunning } from './child.ts';
import { redisCommand, type RedisServer, startRedis } from './redis.ts';
import { redisInstall } from './redis-install.ts';
import { lacksRedis, resolveRedis } from './resolve.ts';
import { until } from './server-process.ts';

const ask = (server: RedisServer, command: string, ...args: string[]): Promise<unknown> =>
  redisCommand(server.port, command, ...args);

describe.skipIf(await lacksRedis())('a real Redis', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-redis-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('keeps its data over kill -9 and comes back at the same port', async () => {
    await using redis = await startRedis({ dir: join(dir, 'kill'), fsync: 'always' });
    const { pid } = redis;
    await ask(redis, 'SET', 'a', '1');
    await redis.kill();
    expect(isRunning(pid)).toBe(false);
    await expect(ask(redis, 'GET', 'a')).rejects.toThrow();
    await redis.restart();
    expect(redis.pid).not.toBe(pid);
    expect(await ask(redis, 'GET', 'a')).toBe('1');
    expect((await readdir(redis.dir)).join()).toMatch(/appendonly/);
  });

  it('restarts in an orderly way too', async () => {
    await using redis = await startRedis({ dir: join(dir, 'restart') });
    await ask(redis, 'SET', 'a', '1');
    await redis.restart();
    expect(await ask(redis, 'GET', 'a')).toBe('1');
  });

  it('answers nothing while it is paused and everything when it is resumed', async () => {
    await using redis = await startRedis({ dir: join(dir, 'pause') });
    redis.pause();
    let isAnswered = false;
    const answer = ask(redis, 'SET', 'a', '1').then((value) => {
      isAnswered = true;
      return value;
    });
    // A running one answers in a millisecond.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isAnswered).toBe(false);
    redis.resume();
    expect(await answer).toBe('OK');
  });

  it('leaves nothing behind, paused or not', async () => {
    const redis = await startRedis({ dir: join(dir, 'stop') });
    redis.pause();
    await redis.stop();
    expect(isRunning(redis.pid)).toBe(false);
    expect(await readFile(join(redis.dir, 'redis.log'), 'utf8'), 'an orderly end').toContain('bye bye');
    expect(await isListening(redis.port)).toBe(false);
  });

  it('takes a port and flags, and is ready though it asks for a password', async () => {
    const first = await startRedis({ dir: join(dir, 'flags') });
    await first.stop();
    const args = ['--requirepass', 'secret'];
    await using redis = await startRedis({ dir: first.dir, port: first.port, args });
    expect(redis.port).toBe(first.port);
    await expect(ask(redis, 'GET', 'a')).rejects.toThrow('NOAUTH');
  });

  it('says why it does not come up, and leaves nothing behind', async () => {
    const args = ['--no-such-flag', 'x'];
    await expect(startRedis({ dir: join(dir, 'bad'), args })).rejects.toThrow('no-such-flag');
  });

  it('becomes a replica and a master again', async () => {
    await using master = await startRedis({ dir: join(dir, 'master') });
    await using replica = await startRedis({ dir: join(dir, 'replica') });
    await ask(master, 'SET', 'a', '1');
    await replica.replicaOf(master.port);
    await until('copied', async () => (await ask(replica, 'GET', 'a')) === '1');
    await expect(ask(replica, 'SET', 'a', '2')).rejects.toThrow('READONLY');
    await replica.replicaOf(undefined);
    expect(await ask(replica, 'SET', 'a', '2')).toBe('OK');
  });

  it('speaks TLS with certificates made for a test', async () => {
    const certificates = await testCertificates(join(dir, 'certs'));
    const { server, caFile } = certificates;
    const plain = await startRedis({ dir: join(dir, 'tls') });
    await plain.stop();
    const tls = ['--tls-port', String(plain.port), '--tls-ca-cert-file', caFile];
    const keys = ['--tls-cert-file', server.certFile, '--tls-key-file', server.keyFile];
    const other = await startRedis({ dir: join(dir, 'tls'), args: [...tls, ...keys] });
    const { Redis } = await import('ioredis');
    const { client, ca } = certificates;
    const connection = new Redis({
      port: plain.port,
      tls: { ca, cert: client.cert, key: client.key },
      retryStrategy: () => null,
    });
    expect(await connection.ping()).toBe('PONG');
    connection.disconnect();
    await other.stop();
  });

  it('is resolved for tests without faults', async () => {
    const redis = await resolveRedis();
    expect(redis?.url).toMatch(/^rediss?:/);
    expect(redis?.prefix).toMatch(/^lw-[0-9a-f]{12}-$/);
    await redis?.[Symbol.asyncDispose]();
  });

  it('is the shared one of the environment, whose password no report tells', async () => {
    const report = join(dir, 'shared');
    await using redis = await startRedis({ dir: join(dir, 'shared-server') });
    vi.stubEnv('LEASTWISE_TEST_SERVERS_REPORT', report);
    vi.stubEnv('LEASTWISE_TEST_REDIS', redis.url.replace('//', '//user:secret@'));
    const [one, two] = [await resolveRedis(), await resolveRedis()];
    vi.unstubAllEnvs();
    expect(one?.isShared).toBe(true);
    expect(one?.url).toContain('secret');
    expect(one?.prefix).not.toBe(two?.prefix);
    await one?.[Symbol.asyncDispose]();
    expect(await ask(redis, 'PING')).toBe('PONG');
    expect(await readFile(report, 'utf8')).toBe(`redis: shared, at redis://…@127.0.0.1:${redis.port}\n`);
  });
});

describe('which redis-server it is', () => {
  it('is the one of REDIS_SERVER_BIN, which must run', async () => {
    await expect(redisInstall({ REDIS_SERVER_BIN: '/nowhere/redis-server' })).rejects.toThrow('ENOENT');
  });
});
