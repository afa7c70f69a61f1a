/*
 * Streaming tests 5, 6, 7, 17 and 20. Proves what happens when Redis fails: a failover that loses the newest commits, a
 * split brain in which two masters take writes, and a failover by Sentinel after kill -9 all end in the exact state; so
 * does a Redis that lost a partition or everything, where it may be rebuilt; one that evicts is refused with code 78,
 * one that is full is waited for; one that is silent for longer than the session starts no rebalance; and slots that
 * move while commits come in lose nothing.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  createRandom,
  lacksKafka,
  lacksRedis,
  startRedis,
  startRedisCluster,
  startSentinel,
  startTcpProxy,
} from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditLines, poison } from './support/audit-lines.ts';
import { membersOf } from './support/kafka-log.ts';
import { Run, type Stand, startStand, until } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);

async function ask(port: number, command: string, ...args: string[]): Promise<unknown> {
  const redis = new Redis(port, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  try {
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}

describe.skipIf(isLacking)(`a Redis (LEASTWISE_TEST_SEED=${SEED})`, () => {
  const random = createRandom(SEED);
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  async function feed(run: Run, requests = 200): Promise<void> {
    const lines = auditLines({ random, requests });
    await run.produce([...lines, ...lines.filter(() => random.next() < 0.05), poison(random)]);
  }

  it('that fails over and lacks the newest commits is brought up to date', async () => {
    const dir = join(stand.dir, 'failover');
    await using first = await startRedis({ dir: join(dir, 'a') });
    await using second = await startRedis({ dir: join(dir, 'b') });
    await using wire = await startTcpProxy(first.port);
    const run = await new Run(stand, {
      name: 'failover',
      partitions: 3,
      redisUrl: () => `redis://127.0.0.1:${wire.port}`,
    }).create();
    const workers = [run.start(), run.start()];
    let [master, replica] = [first, second];
    for (let round = 0; round < 4; round += 1) {
      await replica.replicaOf(master.port);
      await feed(run);
      await run.caughtUp();
      await until('a copy', async () =>
        String(await ask(replica.port, 'INFO', 'replication')).includes('master_link_status:up'),
      );
      // From now on the copy falls behind.
      await replica.replicaOf(undefined);
      await feed(run);
      if (round % 2 === 0) await run.caughtUp();
      await master.kill();
      wire.to(replica.port);
      wire.cut();
      await feed(run, 60);
      await master.restart();
      [master, replica] = [replica, master];
    }
    // What is lost is noticed by the next commit, in each partition.
    await feed(run);
    await run.expectExact();
    expect(workers.map(({ child }) => child.exitCode)).toEqual([null, null]);
    expect(workers.some((worker) => worker.log().includes('claiming again'))).toBe(true);
    expect(await run.stop()).toEqual([0, 0]);
  });

  it('that is two at a time counts nothing twice', async () => {
    const dir = join(stand.dir, 'split');
    await using old = await startRedis({ dir: join(dir, 'a') });
    await using young = await startRedis({ dir: join(dir, 'b') });
    const [one, two] = [await startTcpProxy(old.port), await startTcpProxy(old.port)];
    const run = await new Run(stand, {
      name: 'split',
      partitions: 4,
      redisUrl: () => `redis://127.0.0.1:${two.port}`,
    }).create();
    const workers = [one, two].map(({ port }) =>
      run.start({ LEASTWISE_AGGREGATOR_REDIS_NODES: `127.0.0.1:${port}` }),
    );
    for (let round = 0; round < 3; round += 1) {
      const [from, to] = round % 2 === 0 ? [old, young] : [young, old];
      await to.replicaOf(from.port);
      await feed(run);
      await run.caughtUp();
      await until('a copy', async () =>
        String(await ask(to.port, 'INFO', 'replication')).includes('master_link_status:up'),
      );
      await to.replicaOf(undefined);
      two.to(to.port);
      two.cut();
      for (let i = 0; i < 6; i += 1) {
        await feed(run, 60);
        await sleep(400);
      }
      one.to(to.port);
      one.cut();
    }
    await feed(run);
    await run.expectExact();
    expect(workers.map(({ child }) => child.exitCode)).toEqual([null, null]);
    expect(await run.stop()).toEqual([0, 0]);
    await Promise.all([one, two].map((wire) => wire[Symbol.asyncDispose]()));
  });

  it('that sentinels replace is followed', async () => {
    await using sentinel = await startSentinel({ dir: join(stand.dir, 'sentinel'), sentinels: 3 });
    let port = await sentinel.masterPort();
    const run = await new Run(stand, {
      name: 'sentinel',
      partitions: 3,
      redisUrl: () => `redis://127.0.0.1:${port}`,
      environment: {
        LEASTWISE_AGGREGATOR_REDIS_MODE: 'sentinel',
        LEASTWISE_AGGREGATOR_REDIS_MASTER_NAME: sentinel.name,
        LEASTWISE_AGGREGATOR_REDIS_NODES: sentinel.sentinels
          .map((each) => `${each.host}:${each.port}`)
          .join(','),
      },
    }).create();
    const worker = run.start();
    await feed(run);
    await run.caughtUp();
    const feeding = feed(run, 1000);
    await sleep(300);
    await sentinel.master.kill();
    await feeding;
    await until('another master', async () => (await sentinel.masterPort()) === sentinel.replica.port);
    port = sentinel.replica.port;
    await sentinel.master.restart();
    await feed(run);
    await run.expectExact();
    expect(worker.child.exitCode).toBeNull();
    expect(await run.stop()).toEqual([0]);
  });

  it('that lost a partition, or everything, is filled again from the log', async () => {
    const run = await new Run(stand, {
      name: 'flushed',
      partitions: 3,
      environment: { LEASTWISE_AGGREGATOR_STATE_REBUILD: 'true' },
    }).create();
    const worker = run.start();
    await feed(run);
    await run.caughtUp();
    await ask(stand.redis.port, 'DEL', `${run.prefix}p:${run.topic}/0`);
    await feed(run);
    await run.expectExact();
    await ask(stand.redis.port, 'FLUSHALL');
    await feed(run);
    await run.expectExact();
    expect(worker.child.exitCode).toBeNull();
    expect(await run.stop()).toEqual([0]);
  });

  it('that lost everything while nobody looked is refused, unless it may be rebuilt', async () => {
    const run = await new Run(stand, { name: 'emptied', partitions: 1 }).create();
    run.start();
    await feed(run);
    await run.caughtUp();
    // Kafka learns of the position at the end.
    await run.stop();
    await ask(stand.redis.port, 'FLUSHALL');
    const worker = run.start();
    const ended = await Promise.race([worker.ended, sleep(10_000).then(() => 'at work')]);
    await run.stop();
    expect(ended).toBe(78);
  });

  it('that would evict keys is refused', async () => {
    await using redis = await startRedis({
      dir: join(stand.dir, 'evicting'),
      args: ['--maxmemory-policy', 'allkeys-lru'],
    });
    const run = await new Run(stand, { name: 'evicting', partitions: 1, redisUrl: () => redis.url }).create();
    const worker = run.start();
    expect(await worker.ended).toBe(78);
    expect(worker.log()).toContain('noeviction');
  });

  it('that is full is waited for', async () => {
    await using redis = await startRedis({ dir: join(stand.dir, 'full') });
    const run = await new Run(stand, { name: 'full', partitions: 3, redisUrl: () => redis.url }).create();
    const worker = run.start();
    await feed(run);
    await run.caughtUp();
    await ask(redis.port, 'CONFIG', 'SET', 'maxmemory', '1');
    await feed(run);
    const before = await run.raw();
    await sleep(5000);
    const position = (partitions: typeof before): unknown =>
      [...partitions].map(([source, hash]) => [source, String(hash.get('o'))]).sort();
    expect(position(await run.raw())).toEqual(position(before));
    expect(worker.child.exitCode).toBeNull();
    await ask(redis.port, 'CONFIG', 'SET', 'maxmemory', '0');
    await run.expectExact();
    expect(await run.stop()).toEqual([0]);
  });

  it('that is silent for longer than the session starts no rebalance', async () => {
    await using wire = await startTcpProxy(stand.redis.port);
    const run = await new Run(stand, {
      name: 'silent',
      partitions: 3,
      environment: { LEASTWISE_AGGREGATOR_REDIS_NODES: `127.0.0.1:${wire.port}` },
    }).create();
    const workers = [run.start(), run.start()];
    await feed(run);
    await run.caughtUp();
    const members = (): Promise<string[]> => membersOf(run.brokers, 'silent');
    await until('two members at peace', async () => {
      const [state, ...ids] = await members();
      return state === 'Stable' && ids.length === 2;
    });
    const before = await members();
    const claims = (): number =>
      workers.reduce((sum, worker) => sum + worker.log().split('partition claimed').length, 0);
    const claimed = claims();
    wire.stall();
    await feed(run);
    // Four sessions.
    for (let i = 0; i < 8; i += 1) {
      await sleep(1000);
      expect(await members()).toEqual(before);
    }
    wire.heal();
    await run.expectExact();
    expect(await members()).toEqual(before);
    expect(claims()).toBe(claimed);
    expect(await run.stop()).toEqual([0, 0]);
  });

  it('whose slots move while it commits loses nothing', async () => {
    await using cluster = await startRedisCluster({ dir: join(stand.dir, 'cluster') });
    const ports = cluster.nodes.map(({ port }) => port);
    const run = await new Run(stand, {
      name: 'moving',
      partitions: 4,
      clusterPorts: ports,
      environment: {
        LEASTWISE_AGGREGATOR_REDIS_MODE: 'cluster',
        LEASTWISE_AGGREGATOR_REDIS_NODES: ports.map((port) => `127.0.0.1:${port}`).join(','),
      },
    }).create();
    const worker = run.start();
    await feed(run);
    await run.caughtUp();
    for (let round = 0; round < 6; round += 1) {
      const feeding = feed(run, 400);
      await move(ports, `${run.prefix}p:${run.topic}/${round % 4}`);
      await feeding;
    }
    await run.expectExact();
    expect(worker.child.exitCode).toBeNull();
    expect(await run.stop()).toEqual([0]);
  });
});

/** Moves the slot of a key to the node after the one that has it, in the steps that redis-cli takes. */
async function move(ports: readonly number[], key: string): Promise<void> {
  const [first = 0] = ports;
  const slot = String(await ask(first, 'CLUSTER', 'KEYSLOT', key));
  const counts = await Promise.all(ports.map((port) => ownsSlot(port, Number(slot))));
  const at = counts.indexOf(true);
  const [from = 0, to = 0] = [ports[at], ports[(at + 1) % ports.length]];
  const [source, target] = [
    String(await ask(from, 'CLUSTER', 'MYID')),
    String(await ask(to, 'CLUSTER', 'MYID')),
  ];
  await ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
  await ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
  // A slot stands half moved for a while.
  await sleep(200);
  await ask(from, 'MIGRATE', '127.0.0.1', String(to), key, '0', '5000');
  await sleep(200);
  for (const port of [to, from, ...ports]) await ask(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', target);
  expect(await ownsSlot(to, Number(slot))).toBe(true);
}

async function ownsSlot(port: number, slot: number): Promise<boolean> {
  const id = String(await ask(port, 'CLUSTER', 'MYID'));
  const ranges = (await ask(port, 'CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
  return ranges.some(([start, end, [, , owner]]) => owner === id && start <= slot && slot <= end);
}
