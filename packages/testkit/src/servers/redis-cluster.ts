import { join } from 'node:path';

import { redisCommand, type RedisOptions, type RedisServer, startRedis } from './redis.ts';
import { stopAll, until } from './server-process.ts';

const SLOTS = 16_384;
/** How long the others wait for a node before they take it for dead. */
const NODE_TIMEOUT_MS = 2000;

/** How to start a Redis Cluster. */
export interface RedisClusterOptions extends Omit<RedisOptions, 'port'> {
  /** 3 where nothing is said, which is also the least with which a failover has a majority. */
  readonly masters?: number;
  /** Replicas of each master; none where nothing is said. */
  readonly replicas?: number;
}

/** A real Redis Cluster on loopback. */
export interface RedisCluster extends AsyncDisposable {
  /** The masters in the order of their slots, then their replicas in the same order, as they were started. */
  readonly nodes: readonly RedisServer[];
}

/**
 * Starts a cluster with its slots shared out evenly and waits until every node says that it is well.
 * @throws Error where a node or the cluster does not come up; nothing runs then
 */
export async function startRedisCluster(options: RedisClusterOptions): Promise<RedisCluster> {
  const masters = options.masters ?? 3;
  const count = masters * (1 + (options.replicas ?? 0));
  const nodes: RedisServer[] = [];
  try {
    for (let i = 0; i < count; i++) nodes.push(await startNode(options, i));
    await joinTogether(nodes, masters);
  } catch (error) {
    await stopAll(nodes);
    throw error;
  }
  return { nodes, [Symbol.asyncDispose]: () => stopAll(nodes) };
}

function startNode(options: RedisClusterOptions, index: number): Promise<RedisServer> {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)];
  return startRedis({
    dir: join(options.dir, `node-${index}`),
    ...(options.fsync === undefined ? {} : { fsync: options.fsync }),
    args: [...cluster, '--cluster-replica-validity-factor', '0', ...(options.args ?? [])],
  });
}

async function joinTogether(nodes: readonly RedisServer[], masters: number): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  for (const [i, node] of nodes.entries()) {
    // Two nodes with one epoch would have to agree first who yields.
    await redisCommand(node.port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    if (i < masters) await redisCommand(node.port, 'CLUSTER', 'ADDSLOTS', ...slotsOf(i, masters));
    if (i > 0) await redisCommand(first.port, 'CLUSTER', 'MEET', '127.0.0.1', String(node.port));
  }
  const allSay = (...facts: string[]): Promise<void> =>
    until(`a cluster that says ${facts.join(', ')}`, async () => {
      const infos = await Promise.all(nodes.map((node) => redisCommand(node.port, 'CLUSTER', 'INFO')));
      return infos.every((info) => facts.every((fact) => String(info).includes(`${fact}\r\n`)));
    });
  await allSay(`cluster_known_nodes:${nodes.length}`, 'cluster_state:ok');
  const ids = await Promise.all(nodes.map((node) => redisCommand(node.port, 'CLUSTER', 'MYID')));
  for (const [i, replica] of nodes.slice(masters).entries()) {
    await redisCommand(replica.port, 'CLUSTER', 'REPLICATE', String(ids[i % masters]));
    await until('a replica that has copied its master', async () =>
      String(await redisCommand(replica.port, 'INFO', 'replication')).includes('master_link_status:up'),
    );
  }
  await allSay(`cluster_size:${masters}`, 'cluster_state:ok');
}

function slotsOf(index: number, masters: number): string[] {
  const [from, end] = [index, index + 1].map((i) => Math.floor((i * SLOTS) / masters));
  return Array.from({ length: (end ?? 0) - (from ?? 0) }, (_, i) => String((from ?? 0) + i));
}
