import { setTimeout as sleep } from 'node:timers/promises';

import {
  lacksRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startTcpProxy,
} from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';

import { closeRedis, connectRedis } from './connect.ts';
import type { Connection } from './scripts.ts';
import { makeLog } from './testing/events.ts';
import { expectExact, impatient, keyOf, SOURCE, temporaryFolder } from './testing/setup.ts';
import { LogWorker } from './testing/worker.ts';

const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
const ROUNDS = process.env['LEASTWISE_NIGHTLY'] === '1' ? 12 : 2;

async function withConnection<T>(port: number, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connectRedis({ target: at(port), commandTimeoutMs: 3000 });
  try {
    return await use(connection);
  } finally {
    await closeRedis(connection);
  }
}

async function hasCaughtUp(replica: RedisServer): Promise<void> {
  const client = new Redis({ port: replica.port });
  await expect
    .poll(async () => (await client.info('replication')).includes('master_link_status:up'), {
      timeout: 20_000,
    })
    .toBe(true);
  client.disconnect();
}

describe.skipIf(await lacksRedis())('a failover', () => {
  it('to a replica that lacks the last commits is exact, again and again', async () => {
    await using folder = await temporaryFolder();
    const log = makeLog({ events: 60 * ROUNDS + 60, seed: 8 });
    await using one = await startRedis({
      dir: `${folder.path}/one`,
      args: ['--repl-diskless-sync-delay', '0'],
    });
    await using two = await startRedis({
      dir: `${folder.path}/two`,
      args: ['--repl-diskless-sync-delay', '0'],
    });
    await using clients = await startTcpProxy(one.port);
    await withConnection(clients.port, async (connection) => {
      const worker = new LogWorker(impatient(connection), SOURCE, log);
      let [master, replica] = [one, two];
      for (let round = 0; round < ROUNDS; round += 1) {
        await using link = await startTcpProxy(master.port);
        await replica.replicaOf(link.port);
        await hasCaughtUp(replica);
        for (let i = 0; i < 3; i += 1) await worker.step(7);
        await connection.wait(1, 1000);
        const kept = await connection.hget(keyOf(SOURCE), 'o');
        link.stall();
        for (let i = 0; i < 3; i += 1) await worker.step(7);
        expect(await connection.hget(keyOf(SOURCE), 'o')).not.toBe(kept);
        await master.kill();
        await replica.replicaOf(undefined);
        clients.to(replica.port);
        clients.cut();
        // Its owner finds out by the position alone: the token is the same.
        const step = await worker.step(7);
        expect([step, worker.last]).toEqual(['setback', 'stale']);
        await worker.step(7);
        await master.restart();
        [master, replica] = [replica, master];
      }
      await worker.finish(20);
      await expectExact(connection, log);
    });
  });

  it('with an owner that goes on writing to the old master is exact', async () => {
    await using folder = await temporaryFolder();
    const log = makeLog({ events: 400, seed: 9 });
    await using old = await startRedis({
      dir: `${folder.path}/old`,
      args: ['--repl-diskless-sync-delay', '0'],
    });
    await using fresh = await startRedis({
      dir: `${folder.path}/fresh`,
      args: ['--repl-diskless-sync-delay', '0'],
    });
    await using zombies = await startTcpProxy(old.port);
    await fresh.replicaOf(old.port);
    await hasCaughtUp(fresh);
    await withConnection(zombies.port, async (oldConnection) => {
      await withConnection(fresh.port, async (connection) => {
        const zombie = new LogWorker(impatient(oldConnection), SOURCE, log);
        for (let i = 0; i < 5; i += 1) await zombie.step(10);
        await oldConnection.wait(1, 1000);
        await fresh.replicaOf(undefined);
        const worker = new LogWorker(impatient(connection), SOURCE, log);
        // Both are owners, each of another truth.
        for (let i = 0; i < 8; i += 1) {
          expect(await zombie.step(9)).toBe('applied');
          expect(await worker.step(11)).toBe('applied');
        }
        await old.replicaOf(fresh.port);
        await hasCaughtUp(old);
        zombies.to(fresh.port);
        zombies.cut();
        expect([await zombie.step(9), zombie.last]).toEqual(['setback', 'fenced']);
        expect(await worker.step(10)).toBe('applied');
        // It claims: now the other one is fenced.
        expect(await zombie.step(9)).toBe('applied');
        expect([await worker.step(10), worker.last]).toEqual(['setback', 'fenced']);
        await zombie.finish(50);
        await expectExact(connection, log);
      });
    });
  });
});

describe.skipIf(await lacksRedis())('a Cluster', () => {
  it('may move the slot of a partition during commits, back and forth', async () => {
    await using folder = await temporaryFolder();
    await using cluster = await startRedisCluster({ dir: folder.path });
    const log = makeLog({ events: 3000, seed: 10 });
    const nodes = cluster.nodes.map(({ port }) => new Redis({ port }));
    const connection = await connectRedis({
      target: { nodes: cluster.nodes.slice(0, 1).map(({ port }) => at(port)) },
      commandTimeoutMs: 5000,
    });
    try {
      const worker = new LogWorker(impatient(connection), SOURCE, log);
      await worker.step(10);
      const moving = { isOver: false };
      const [applied, moves] = await Promise.all([
        (async () => {
          let count = 0;
          while (!moving.isOver) {
            const step = await worker.step(3);
            if (step === 'end') worker.lose();
            if (step === 'applied') count += 1;
            await sleep(1);
          }
          return count;
        })(),
        moveAbout(nodes, ROUNDS * 3).finally(() => {
          moving.isOver = true;
        }),
      ]);
      expect({ moves, isBusy: applied > moves }).toEqual({ moves: ROUNDS * 3, isBusy: true });
      await worker.finish(100);
      await expectExact(connection, log);
    } finally {
      await closeRedis(connection);
      for (const node of nodes) node.disconnect();
    }
  });

  it('that loses a master and gets it back is exact', async () => {
    await using folder = await temporaryFolder();
    await using cluster = await startRedisCluster({ dir: folder.path, replicas: 1 });
    const log = makeLog({ events: 300, seed: 11 });
    const connection = await connectRedis({
      target: { nodes: cluster.nodes.map(({ port }) => at(port)) },
      commandTimeoutMs: 20_000,
    });
    try {
      const worker = new LogWorker(impatient(connection, { commandTimeoutMs: 20_000 }), SOURCE, log);
      for (let i = 0; i < 5; i += 1) expect(await worker.step(10)).toBe('applied');
      const nodes = cluster.nodes.map(({ port }) => new Redis({ port, lazyConnect: true }));
      const slot = await connection.cluster('KEYSLOT', keyOf(SOURCE));
      const owner = await ownerOf(nodes, slot);
      for (const node of nodes) node.disconnect();
      await cluster.nodes[owner]?.kill();
      await worker.finish(20, 20);
      await expectExact(connection, log);
    } finally {
      await closeRedis(connection);
    }
  }, 60_000);
});

async function ownerOf(nodes: readonly Redis[], slot: number): Promise<number> {
  const ids = await Promise.all(nodes.map((node) => node.cluster('MYID')));
  const slots = (await nodes[0]?.cluster('SLOTS')) ?? [];
  const range = slots.find(([first, last]) => first <= slot && slot <= last);
  const [, , master] = range ?? [];
  return ids.findIndex((id) => id === master?.[2]);
}

/** Moves the slot of the partition from master to master. @returns how often */
async function moveAbout(nodes: readonly Redis[], times: number): Promise<number> {
  const key = keyOf(SOURCE);
  const slot = (await nodes[0]?.cluster('KEYSLOT', key)) ?? 0;
  const ids = await Promise.all(nodes.map((node) => node.cluster('MYID')));
  for (let i = 0; i < times; i += 1) {
    const from = await ownerOf(nodes, slot);
    const to = (from + 1) % nodes.length;
    const [source, target] = [nodes[from], nodes[to]];
    if (!source || !target) throw new Error('no owner');
    await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(ids[from]));
    await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(ids[to]));
    // Where the key is already gone, the old owner answers ASK.
    await sleep(20);
    const { port = 0 } = target.options;
    for (const each of (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[]) {
      await source.migrate('127.0.0.1', port, each, 0, 5000);
    }
    await sleep(50);
    for (const node of [target, source, ...nodes]) {
      await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[to]));
    }
    await expect.poll(() => ownerOf(nodes, slot), { timeout: 10_000 }).toBe(to);
    await sleep(30);
  }
  return times;
}
