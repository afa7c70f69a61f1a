import { Redis } from 'ioredis';
import { lacksRedis, type RedisServer, startRedis } from '@leastwise/testkit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { closeRedis, connectRedis } from './connect.ts';
import { examineRedis, type RedisFacts, type RedisUser } from './examine.ts';

/** What the documents give to aggregators, and to publishers. */
const RULES: Readonly<Record<'aggregator' | 'publisher', readonly string[]>> = {
  aggregator: [
    ...['+info', '+ping', '+select', '+client|setname', '+eval', '+evalsha', '+exists', '+get', '+set'],
    ...['+unlink', '+sadd', '+smembers', '+hget', '+hmget', '+hgetall', '+hset', '+hdel'],
  ],
  publisher: [
    ...['+info', '+ping', '+select', '+client|setname', '+eval', '+evalsha'],
    ...['+get', '+set', '+unlink', '+smembers', '+hget', '+hgetall'],
  ],
};

describe.skipIf(await lacksRedis())('what a Redis says of itself and of us', () => {
  let dir = '';
  let redis: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-examine-'));
    redis = await startRedis({ dir, args: ['--maxmemory', '100mb'] });
    admin = new Redis(redis.url);
  });
  afterAll(async () => {
    await admin.quit();
    await redis[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  async function factsOf(
    rules: readonly string[],
    user: RedisUser = 'aggregator',
    now: () => number = Date.now,
  ): Promise<RedisFacts> {
    const whole = ['on', '>pw', 'resetkeys', '~leastwise:*', 'resetchannels', '-@all', ...rules];
    await admin.call('ACL', 'SETUSER', 'lw', 'reset', ...whole);
    const target = { host: '127.0.0.1', port: redis.port };
    const connection = await connectRedis({ target, username: 'lw', password: 'pw' });
    try {
      const [facts, ...others] = await examineRedis(connection, { prefix: 'leastwise:', user, now });
      expect(others).toEqual([]);
      if (facts === undefined) throw new Error('no facts');
      return facts;
    } finally {
      await closeRedis(connection);
    }
  }

  it('is all good for users that may do what the documents say, and nothing is written', async () => {
    const facts = await factsOf(RULES.aggregator);
    expect(facts).toMatchObject({ server: '', maxBytes: 100 * 1024 ** 2, refused: [] });
    expect(facts.usedBytes).toBeGreaterThan(100_000);
    expect((await factsOf(RULES.publisher, 'publisher')).refused).toEqual([]);
    expect((await factsOf(RULES.publisher, 'auditor')).refused).toEqual([]);
    expect(await admin.keys('*')).toEqual([]);
  });

  it.each(RULES.aggregator.slice(5).map((rule) => rule.slice(1)))(
    'names %s where it is missing',
    async (word) => {
      const facts = await factsOf([...RULES.aggregator, `-${word}`]);
      expect(facts.refused).toEqual([word.toUpperCase()]);
    },
  );

  it('names EVAL alone where it is missing, for nothing else can be asked then', async () => {
    expect((await factsOf([...RULES.aggregator, '-eval'])).refused).toEqual(['EVAL']);
  });

  it('names every command where the keys are not ours', async () => {
    const { refused } = await factsOf([...RULES.aggregator, 'resetkeys', '~others:*'], 'auditor');
    expect(refused).toEqual(['GET', 'SMEMBERS', 'HGET', 'HGETALL']);
  });

  it('tells by how much its clock is off', async () => {
    const near = (await factsOf(RULES.aggregator)).clockAheadMs ?? Number.NaN;
    // Older than 7.0 it may say nothing; the machine has one clock.
    expect(Math.abs(near)).toBeLessThan(5000);
    const ahead = await factsOf(RULES.aggregator, 'aggregator', () => Date.now() - 3_600_000);
    expect(Math.round((ahead.clockAheadMs ?? 0) / 60_000)).toBe(60);
  });

  it('is no answer where INFO is refused', async () => {
    await expect(factsOf(['+ping', '+client|setname', '+select'])).rejects.toMatchObject({ kind: 'refused' });
  });
});
