import { Redis } from 'ioredis';

import { lacksRedis, resolveRedis } from '@leastwise/testkit';
import { describeSubjectStore } from '@leastwise/state/conformance';
import { afterAll, beforeAll, describe } from 'vitest';

import { RedisStore, type RedisStoreOptions } from './redis-store.ts';

const isLacking = await lacksRedis();
let redis: Awaited<ReturnType<typeof resolveRedis>>;
let connection: Redis;
let run = 0;

beforeAll(async () => {
  if (isLacking) return;
  redis = await resolveRedis();
  connection = new Redis(redis?.url ?? '');
});
afterAll(async () => {
  if (isLacking) return;
  await connection.quit();
  await redis?.[Symbol.asyncDispose]();
});

function optionsOf(more: Partial<RedisStoreOptions> = {}): RedisStoreOptions {
  run += 1;
  return { prefix: `lw-test-${process.pid}-${Date.now()}-${run}:`, dedupeHours: 2, ...more };
}

async function clear({ prefix }: RedisStoreOptions): Promise<void> {
  const keys = await connection.keys(`${prefix}*`);
  if (keys.length > 0) await connection.del(keys);
}

describe.skipIf(isLacking)('on a real Redis', () => {
  describeSubjectStore('the Redis store', async () => {
    const options = optionsOf();
    return {
      store: new RedisStore(connection, options),
      // The worker is gone; Redis is not.
      reopen: async () => new RedisStore(connection, options),
      dispose: () => clear(options),
    };
  });
});
