// `leastwise doctor` on real Redis servers.
import { Redis } from 'ioredis';
import { lacksRedis, type RedisServer, startRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { build } from './support/built.ts';
import { ownFolder, written } from './support/folders.ts';
import { leastwise } from './support/leastwise.ts';

const folder = ownFolder();
const held: { redis?: RedisServer } = {};

beforeAll(build, 600_000);

interface Told {
  readonly outcome: string;
  readonly says: string;
  readonly area: string;
}

/** What is told of the Redis of an aggregator that is configured so, besides its Kafka. */
async function told(redis: Readonly<Record<string, unknown>>): Promise<string[]> {
  const config = { kafka: { brokers: ['127.0.0.1:1'], topics: ['t'] }, redis };
  const file = await written(folder('aggregator.yaml'), JSON.stringify(config));
  const { stdout } = await leastwise(['doctor', '--config', file, '-o', 'json']);
  expect(stdout).not.toContain('hunter2');
  const { checks } = JSON.parse(stdout) as { checks: readonly Told[] };
  return checks.filter(({ area }) => area === 'redis').map(({ outcome, says }) => `${outcome}: ${says}`);
}

describe.skipIf(await lacksRedis())('doctor on a real Redis', () => {
  beforeAll(async () => {
    held.redis = await startRedis({ dir: folder('redis'), args: ['--requirepass', 'hunter2'] });
  }, 60_000);
  afterAll(async () => {
    await held.redis?.[Symbol.asyncDispose]();
  });
  const place = () => `127.0.0.1:${held.redis?.port ?? 0}`;

  test('that is fit, and has no state yet', async () => {
    const passwordFile = await written(folder('password'), 'hunter2\n');
    expect(await told({ nodes: [place()], passwordFile })).toEqual([
      `ok: it answers at ${place()}`,
      'ok: it is fit to hold a state: master, no eviction, new enough',
      'ok: it differs from ours by less than 30 s',
      expect.stringMatching(/^warning: it uses .*, and nothing bounds it but the machine/),
      'ok: its user may do all that the aggregator does',
      'skipped: there is none under leastwise: yet',
    ]);
  });

  test('that lets our user read, and not write; nothing is written to find that out', async () => {
    const client = new Redis({ port: held.redis?.port ?? 0, password: 'hunter2' });
    const rules = ['~leastwise:*', 'resetchannels', '-@all', '+@read', '+@connection', '+info', '+eval'];
    await client.call('ACL', 'SETUSER', 'reader', 'reset', 'on', '>hunter2', ...rules);
    await client.config('SET', 'maxmemory', '1gb');
    const before = await client.keys('*');
    const said = await told({ nodes: [place()], username: 'reader', password: 'hunter2' });
    expect(await client.keys('*')).toEqual(before);
    await client.config('SET', 'maxmemory', '0');
    client.disconnect();
    expect(said).toContain(
      'failed: its user may not use EVALSHA, SET, UNLINK, SADD, HSET, HDEL on keys that begin with leastwise:',
    );
    expect(said).toContainEqual(expect.stringMatching(/^ok: it uses .* of 1\.0 GiB \(\d+ %\)$/));
  });

  test('that refuses our password', async () => {
    expect(await told({ nodes: [place()], password: 'wrong' })).toEqual([
      expect.stringMatching(/^failed: Redis at .*WRONGPASS/),
    ]);
  });

  test('that evicts, and has lost what it was to keep; and nothing in it is changed', async () => {
    const client = new Redis({ port: held.redis?.port ?? 0, password: 'hunter2' });
    await client.sadd('lost:sources', 'audit-events/0');
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const before = await client.keys('*');
    const said = await told({ nodes: [place()], password: 'hunter2', prefix: 'lost:' });
    expect(await client.keys('*')).toEqual(before);
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    client.disconnect();
    expect(said).toEqual([
      `ok: it answers at ${place()}`,
      expect.stringMatching(/^failed: maxmemory-policy allkeys-lru/),
      'ok: it differs from ours by less than 30 s',
      expect.stringMatching(/^warning: it uses /),
      'ok: its user may do all that the aggregator does',
      'failed: 1 partitions are known, and none of them is there: it has lost its data',
    ]);
  });

  test('that is away', async () => {
    expect(await told({ nodes: ['127.0.0.1:1'] })).toEqual([
      expect.stringMatching(/^failed: Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/),
    ]);
  });
});
