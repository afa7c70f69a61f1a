import { setTimeout as sleep } from 'node:timers/promises';

import { lacksRedis, type RedisServer, startRedis } from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { closeRedis, connectRedis } from './connect.ts';
import { StoreConnectionError } from './failures.ts';
import { RedisStore } from './redis-store.ts';
import type { Connection } from './scripts.ts';
import { makeLog } from './testing/events.ts';
import { expectExact, impatient, keyOf, OPTIONS, SOURCE, temporaryFolder } from './testing/setup.ts';
import { LogWorker } from './testing/worker.ts';

const log = makeLog({ events: 120, seed: 7 });

describe.skipIf(await lacksRedis())('a Redis that', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let redis: RedisServer;
  /** Who makes it unwell. */
  let admin: Redis;
  let connection: Connection;
  beforeAll(async () => {
    folder = await temporaryFolder();
    redis = await startRedis({ dir: folder.path, args: ['--enable-debug-command', 'yes'] });
    admin = new Redis({ port: redis.port });
    admin.on('error', () => undefined);
    connection = await connectRedis({
      target: { host: '127.0.0.1', port: redis.port },
      commandTimeoutMs: 5000,
    });
  });
  afterAll(async () => {
    admin.disconnect();
    await closeRedis(connection);
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  beforeEach(() => admin.flushall());

  /** Commits while something is wrong, which is put right after a while: nobody notices but the clock. */
  async function throughIt(wrong: () => Promise<unknown>, right: () => Promise<unknown>): Promise<void> {
    const worker = new LogWorker(impatient(connection), SOURCE, log);
    expect(await worker.step(30)).toBe('applied');
    await wrong();
    const step = worker.step(30);
    await sleep(400);
    expect(await admin.hget(keyOf(SOURCE), 'o').catch(() => '30')).toBe('30');
    await right();
    expect([await step, worker.last]).toEqual(['applied', undefined]);
    await worker.finish(30);
    expect(worker.last).toBeUndefined();
    await expectExact(admin, log);
  }

  /** The same, for longer than the store waits. */
  async function tooLong(wrong: () => Promise<unknown>, right: () => Promise<unknown>): Promise<void> {
    const worker = new LogWorker(impatient(connection, { outageMs: 300 }), SOURCE, log);
    await worker.step(30);
    await wrong();
    expect(await worker.step(30)).toBe('setback');
    expect(worker.last).toBeInstanceOf(StoreConnectionError);
    expect(worker.last).toMatchObject({ kind: 'unwell' });
    await right();
    await worker.finish(30);
    await expectExact(admin, log);
  }

  const states: readonly (readonly [
    what: string,
    wrong: () => Promise<unknown>,
    right: () => Promise<unknown>,
  ])[] = [
    [
      'is full (OOM)',
      () => admin.config('SET', 'maxmemory', '1'),
      () => admin.config('SET', 'maxmemory', '0'),
    ],
    [
      'became a replica (READONLY)',
      () => admin.replicaof('127.0.0.1', 1),
      () => admin.replicaof('NO', 'ONE'),
    ],
    [
      'lacks replicas (NOREPLICAS)',
      () => admin.config('SET', 'min-replicas-to-write', '1'),
      () => admin.config('SET', 'min-replicas-to-write', '0'),
    ],
    [
      'runs a script of somebody else (BUSY)',
      async () => {
        await admin.config('SET', 'busy-reply-threshold', '50');
        const endless = new Redis({ port: redis.port });
        endless.on('error', () => undefined);
        void endless.eval('while true do end', 0).catch(() => {
          endless.disconnect();
        });
        const answer = (): Promise<string> => admin.get('x').then(String, String);
        await expect.poll(answer, { timeout: 10_000 }).toContain('BUSY');
      },
      () => admin.script('KILL'),
    ],
  ];

  it.each(states)('%s is waited for', async (_, wrong, right) => {
    await throughIt(wrong, right);
  });

  it.each(states)('%s for too long is an error that says so', async (_, wrong, right) => {
    await tooLong(wrong, right);
  });

  it('forgets scripts gets them again', async () => {
    const worker = new LogWorker(impatient(connection), SOURCE, log);
    for (let i = 0; i < 4; i += 1) {
      await admin.script('FLUSH');
      expect(await worker.step(20)).toBe('applied');
    }
    expect(await new LogWorker(impatient(connection), SOURCE, log).step(20)).toBe('applied');
    await admin.script('FLUSH');
    // The claim, too.
    await new LogWorker(impatient(connection), SOURCE, log).finish(20);
    await expectExact(admin, log);
  });

  it('is emptied fences its owner, and all is read anew', async () => {
    const worker = new LogWorker(impatient(connection), SOURCE, log);
    await worker.step(70);
    await admin.flushall();
    expect([await worker.step(10), worker.last]).toEqual(['setback', 'fenced']);
    expect(await admin.exists(keyOf(SOURCE))).toBe(0);
    await worker.finish(30);
    await expectExact(admin, log);
    expect(await impatient(connection).sources()).toEqual([SOURCE]);
  });

  it('is emptied while a batch is built is no place for it', async () => {
    const worker = new LogWorker(impatient(connection), SOURCE, log);
    await worker.step(20);
    const step = await worker.step(20, () => admin.flushall().then(() => undefined));
    expect([step, worker.last]).toEqual(['setback', 'fenced']);
    await worker.finish(30);
    await expectExact(admin, log);
  });

  it('stands still for longer than we wait, and comes back, has each batch once', async () => {
    const own = await connectRedis({
      target: { host: '127.0.0.1', port: redis.port },
      commandTimeoutMs: 400,
    });
    const store = new RedisStore(own, { ...OPTIONS, commandTimeoutMs: 400 });
    const worker = new LogWorker(store, SOURCE, log);
    for (let i = 0; i < 3; i += 1) {
      await worker.step(20);
      redis.pause();
      expect(await worker.step(20)).toBe('setback');
      expect(worker.last).toMatchObject({ kind: 'unreachable' });
      redis.resume();
    }
    await worker.finish(30);
    await expectExact(admin, log);
    await closeRedis(own);
  });

  it('lost the connection after it has committed has each batch once', async () => {
    const worker = new LogWorker(impatient(connection), SOURCE, log);
    for (let i = 0; i < 6; i += 1) {
      // What is in flight is sent again on the next connection.
      const step = worker.step(10, async () => {
        setTimeout(() => void admin.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => 0), i % 3);
        await sleep(0);
      });
      await step;
    }
    await worker.finish(7);
    await expectExact(admin, log);
  });

  it('loads its data is waited for', async () => {
    await new LogWorker(impatient(connection), SOURCE, log).step(60);
    // Loading takes a second: half a millisecond for each of these.
    await admin.eval('for i = 1, 2000 do redis.call("SET", "filler:" .. i, i) end', 0);
    await admin.bgrewriteaof();
    await expect
      .poll(async () => (await admin.info('persistence')).includes('aof_rewrite_in_progress:0'), {
        timeout: 5000,
      })
      .toBe(true);
    await using loading = await startRedisSlowly(redis);
    await new LogWorker(impatient(connection, { commandTimeoutMs: 20_000 }), SOURCE, log).finish(30);
    expect(loading.sawLoading()).toBe(true);
    await expectExact(admin, log);
  });
});

/** Restarts a Redis that loads slowly, and asks it until it answers something else than that it loads. */
async function startRedisSlowly(redis: RedisServer): Promise<AsyncDisposable & { sawLoading(): boolean }> {
  let hasSeen = false;
  const client = new Redis({ port: redis.port, enableReadyCheck: false });
  client.on('error', () => undefined);
  await client.config('SET', 'key-load-delay', '500');
  await client.config('SET', 'loading-process-events-interval-bytes', '1024');
  await client.config('REWRITE');
  const restarted = redis.restart();
  const ask = async (): Promise<void> => {
    for (;;) {
      const answer: unknown = await client.get('x').catch((error: unknown) => error);
      if (String(answer).includes('LOADING')) hasSeen = true;
      else if (hasSeen) return;
      await sleep(10);
    }
  };
  const asked = ask();
  await expect.poll(() => hasSeen, { timeout: 20_000 }).toBe(true);
  return {
    sawLoading: () => hasSeen,
    [Symbol.asyncDispose]: async () => {
      await restarted;
      await asked;
      await client.config('SET', 'key-load-delay', '0');
      client.disconnect();
    },
  };
}
