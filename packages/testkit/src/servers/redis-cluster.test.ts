import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { redisCommand, type RedisServer } from './redis.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { startSentinel } from './redis-sentinel.ts';
import { lacksRedis } from './resolve.ts';
import { until } from './server-process.ts';

const ask = (server: RedisServer, command: string, ...args: string[]): Promise<unknown> =>
  redisCommand(server.port, command, ...args);

describe.skipIf(await lacksRedis())('several real Redis', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-redis-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('form a cluster of three masters, with all slots', async () => {
    await using cluster = await startRedisCluster({ dir: join(dir, 'cluster') });
    expect(cluster.nodes).toHaveLength(3);
    for (const node of cluster.nodes) {
      expect(await ask(node, 'CLUSTER', 'INFO')).toContain('cluster_slots_ok:16384');
    }
    const { Cluster } = await import('ioredis');
    const client = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
    for (const key of ['a', 'b', 'c', 'd']) await client.set(key, key);
    const sizes = await Promise.all(cluster.nodes.map((node) => ask(node, 'DBSIZE')));
    expect(sizes.map(Number).reduce((sum, size) => sum + size, 0)).toBe(4);
    client.disconnect();
  });

  it('form a cluster whose replica takes over', async () => {
    await using cluster = await startRedisCluster({ dir: join(dir, 'failover'), replicas: 1 });
    const [master, , , replica] = cluster.nodes;
    if (master === undefined || replica === undefined) throw new Error('no nodes');
    await master.kill();
    await until('a new master', async () => String(await ask(replica, 'ROLE')).startsWith('master'));
  });

  it.for([1, 3] as const)('are watched by %i sentinels, which make the replica master', async (sentinels) => {
    const setupDir = join(dir, `sentinel-${sentinels}`);
    await using setup = await startSentinel({ dir: setupDir, sentinels });
    expect(await setup.masterPort()).toBe(setup.master.port);
    await setup.master.kill();
    await until('a failover', async () => (await setup.masterPort()) === setup.replica.port);
    await until('a writable one', async () => (await ask(setup.replica, 'SET', 'a', '1')) === 'OK');
    await setup.master.restart();
    await until('the old master follows', async () =>
      String(await ask(setup.master, 'ROLE')).startsWith('slave'),
    );
  });
});
