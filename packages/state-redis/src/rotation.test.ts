import { Redis } from 'ioredis';
import { lacksRedis, type RedisServer, startRedis } from '@leastwise/testkit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { closeRedis, connectRedis } from './connect.ts';
import { clusterOptions, redisOptions, settingsOf } from './connect-options.ts';

describe.skipIf(await lacksRedis())('a password that is replaced', () => {
  let dir = '';
  let redis: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-rotation-'));
    redis = await startRedis({ dir });
    admin = new Redis(redis.url);
  });
  afterAll(async () => {
    await admin.quit();
    await redis[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  it('is that of the next connection: what was one goes on by itself', async () => {
    await admin.call('ACL', 'SETUSER', 'lw', 'on', '>old', '~*', '+@all');
    let current = 'old';
    const connection = await connectRedis({
      target: { host: '127.0.0.1', port: redis.port },
      username: 'lw',
      password: () => current,
      outageMs: 20_000,
    });
    try {
      await connection.set('k', '1');
      await admin.call('ACL', 'SETUSER', 'lw', '<old', '>new');
      current = 'new';
      await admin.call('CLIENT', 'KILL', 'USER', 'lw');
      expect(await connection.get('k')).toBe('1');
      expect(await connection.call('ACL', 'WHOAMI')).toBe('lw');
    } finally {
      await closeRedis(connection);
    }
  });
});

it('keys and certificates are asked for at every connection', () => {
  let asked = 0;
  const tls = {
    get ca() {
      asked += 1;
      return 'PEM';
    },
  };
  const settings = settingsOf({ target: { host: 'h', port: 1 }, tls });
  for (const made of [
    redisOptions(settings, () => null).tls,
    clusterOptions(settings, () => null).redisOptions?.tls,
  ]) {
    const before = asked;
    // As the client does it for each.
    expect(Object.assign({}, made)).toMatchObject({ rejectUnauthorized: true, ca: 'PEM' });
    Object.assign({}, made);
    expect(asked - before).toBe(2);
  }
});
