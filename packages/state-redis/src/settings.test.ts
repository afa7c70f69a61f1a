import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  redisConnectionOptions,
  type RedisSettings,
  RedisSettingsError,
  redisSettingsProblems,
} from './settings.ts';

const PLAIN: RedisSettings = { mode: 'standalone', nodes: ['redis:6379'], db: 0, tls: { enabled: false } };

function hidden(text: string): { reveal: () => string } {
  return { reveal: () => text };
}

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'leastwise-redis-settings-'));
  await writeFile(join(dir, 'ca.pem'), 'CA');
});
afterAll(async () => {
  await rm(dir, { recursive: true });
});

/** With the passwords of this moment in the place of what gives them. */
function revealed(options: object): object {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'function' ? (value as () => unknown)() : value,
    ]),
  );
}

describe('settings of Redis', () => {
  it.each<[string, Partial<RedisSettings>, unknown]>([
    ['a server', { nodes: ['redis:6379'] }, { host: 'redis', port: 6379 }],
    ['a server by its IPv6 address', { nodes: ['[fd00::1]:6379'] }, { host: 'fd00::1', port: 6379 }],
    [
      'a Cluster',
      { mode: 'cluster', nodes: ['a:1', 'b:2'] },
      {
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
      },
    ],
    [
      'sentinels',
      { mode: 'sentinel', nodes: ['s:1'], masterName: 'm', sentinelPassword: hidden('secret') },
      { sentinels: [{ host: 's', port: 1 }], masterName: 'm', sentinelPassword: 'secret' },
    ],
  ])('name %s', async (_, more, target) => {
    expect(revealed((await redisConnectionOptions({ ...PLAIN, ...more })).target)).toEqual(target);
    expect(await redisSettingsProblems({ ...PLAIN, ...more })).toEqual([]);
  });

  it('have user, password and database, and TLS only where it is on', async () => {
    const tls = { enabled: true, caFile: join(dir, 'ca.pem'), servername: 'redis.example' };
    const settings = { ...PLAIN, username: 'u', password: hidden('p'), db: 3, tls };
    expect(revealed(await redisConnectionOptions(settings))).toEqual({
      target: { host: 'redis', port: 6379 },
      ...{ username: 'u', password: 'p', db: 3, tls: { ca: 'CA', servername: 'redis.example' } },
    });
    const off = { ...settings, tls: { ...tls, enabled: false } };
    expect((await redisConnectionOptions(off)).tls).toBeUndefined();
  });

  it.each<[Partial<RedisSettings>, string]>([
    [{ nodes: [] }, 'redis.nodes is empty'],
    [{ nodes: ['redis'] }, 'redis.nodes: "redis" is not host:port'],
    [{ nodes: ['a:1', 'b:2'] }, 'redis.nodes: one server where redis.mode is standalone'],
    [{ mode: 'cluster', db: 1 }, 'redis.db: a Cluster has database 0 only'],
    [{ mode: 'sentinel' }, 'redis.masterName goes with redis.mode sentinel'],
  ])('that make no sense are refused: %j', async (more, problem) => {
    expect(await redisSettingsProblems({ ...PLAIN, ...more })).toEqual([problem]);
    await expect(redisConnectionOptions({ ...PLAIN, ...more })).rejects.toThrow(RedisSettingsError);
  });

  it('name every file that is missing', async () => {
    const [caFile, keyFile] = [join(dir, 'no-ca'), join(dir, 'no-key')];
    const settings = { ...PLAIN, tls: { enabled: true, caFile, certFile: join(dir, 'ca.pem'), keyFile } };
    expect(await redisSettingsProblems(settings)).toEqual([
      `redis.tls.caFile: cannot read ${caFile}`,
      `redis.tls.keyFile: cannot read ${keyFile}`,
    ]);
  });
});
