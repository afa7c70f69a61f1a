import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import {
  freePort,
  lacksRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startSentinel,
  startTcpProxy,
  testCertificates,
} from '@leastwise/testkit';
import { NOTHING } from '@leastwise/state/conformance';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { checkRedis } from './checks.ts';
import { closeRedis, connectRedis } from './connect.ts';
import type { RedisConnectionOptions } from './connect-options.ts';
import { StoreConnectionError } from './failures.ts';
import { RedisStore } from './redis-store.ts';

const SECRET = 'the-secret-word';
const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });

async function failureOf(options: RedisConnectionOptions): Promise<StoreConnectionError> {
  const connection = await connectRedis(options).catch((error: unknown) => error);
  if (!(connection instanceof StoreConnectionError)) throw new Error(`not refused: ${inspect(connection)}`);
  expect(inspect(connection, { depth: 9, showHidden: true })).not.toContain(SECRET);
  return connection;
}

async function using<T>(
  options: RedisConnectionOptions,
  use: (connection: Awaited<ReturnType<typeof connectRedis>>) => Promise<T>,
): Promise<T> {
  const connection = await connectRedis(options);
  try {
    return await use(connection);
  } finally {
    await closeRedis(connection);
  }
}

const NO_PROBLEMS = { problems: [], warnings: [] };
/** What the documentation of checkRedis says. */
const LEAST = [
  ...['resetkeys', '~leastwise:*', 'resetchannels', '-@all'],
  ...['+info', '+ping', '+select', '+client|setname', '+eval', '+evalsha', '+exists'],
  ...['+get', '+set', '+unlink', '+sadd', '+smembers', '+hget', '+hmget', '+hgetall', '+hset', '+hdel'],
];
const LEAST_IN_CLUSTER = ['+cluster|slots', '+cluster|info', '+asking', '+readonly'];

/** Everything that a store does. */
async function useStore(connection: Awaited<ReturnType<typeof connectRedis>>, prefix: string): Promise<void> {
  const store = new RedisStore(connection, { prefix, dedupeHours: 1 });
  const batch = (hour: number): ReturnType<RedisStore['applyBatch']> => {
    const identity = { hi: 1, lo: hour, cluster: 'c', hour };
    return store.claim('topic/0').then((claim) =>
      store.applyBatch({
        claim,
        from: claim.position,
        to: `${hour}`,
        deltas: {
          ...NOTHING,
          counted: [identity],
          watermarks: new Map([['c', hour * 3_600_000_000]]),
          tally: { late: 0, lost: 1 },
        },
      }),
    );
  };
  expect(await store.isEmptyState()).toBe(true);
  expect([await batch(1), await batch(9)]).toEqual(['applied', 'applied']);
  expect(await store.isEmptyState()).toBe(false);
  expect(await store.positions()).toEqual([{ source: 'topic/0', position: '9' }]);
  expect(await store.facts()).toEqual({ onlyReceived: 0, late: 0, lost: 2 });
  expect(await store.read()).toEqual([]);
}

describe.skipIf(await lacksRedis())('a connection', () => {
  let dir: string;
  let redis: RedisServer;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-connect-'));
    redis = await startRedis({ dir: join(dir, 'shared'), args: ['--requirepass', SECRET] });
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  it('stands by address, by URL, and in the database that was asked for', async () => {
    await using({ target: at(redis.port), password: SECRET, db: 3 }, async (connection) => {
      await connection.set('where', 'three');
      expect(await checkRedis(connection)).toEqual(NO_PROBLEMS);
    });
    const url = `redis://:${SECRET}@127.0.0.1:${redis.port}/3`;
    await using({ target: { url } }, async (connection) => {
      expect(await connection.get('where')).toBe('three');
      expect(await connection.client('LIST')).toContain('name=leastwise');
    });
  });

  it.each([
    ['a wrong password', { password: `${SECRET}-not` }, /WRONGPASS/],
    ['no password', {}, /NOAUTH/],
    ['an unknown user', { username: 'nobody', password: SECRET }, /WRONGPASS/],
    ['a database that is not there', { password: SECRET, db: 99 }, /DB index is out of range/],
  ])('is refused with %s', async (_, options, message) => {
    const error = await failureOf({ target: at(redis.port), ...options });
    expect({ kind: error.kind, message: error.message }).toEqual({
      kind: 'refused',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('is unreachable where nobody listens, or a host has no name', async () => {
    const port = await freePort();
    expect(await failureOf({ target: at(port), password: SECRET })).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(`127.0.0.1:${port}: .*ECONNREFUSED`) as unknown,
    });
    expect(await failureOf({ target: { host: 'no.such.host.invalid', port } })).toMatchObject({
      kind: 'unreachable',
    });
    const sentinels = [at(port)];
    expect(await failureOf({ target: { sentinels, masterName: 'm' } })).toMatchObject({
      kind: 'unreachable',
    });
    expect(await failureOf({ target: { nodes: [at(port)] } })).toMatchObject({ kind: 'unreachable' });
  });

  it('is unreachable where a server takes connections and says nothing', async () => {
    await using proxy = await startTcpProxy(redis.port);
    proxy.stall();
    expect(await failureOf({ target: at(proxy.port), commandTimeoutMs: 300 })).toMatchObject({
      kind: 'unreachable',
    });
  });

  it.each(['http://x', 'redis', '', 'redis://x/a', `rediss:/${SECRET}`])(
    'knows that %j is no URL',
    async (url) => {
      await expect(connectRedis({ target: { url: `${url}?${SECRET}` } })).rejects.toThrow(TypeError);
      await expect(connectRedis({ target: { url: `${url}?${SECRET}` } })).rejects.not.toThrow(SECRET);
    },
  );

  it('has one database in a Cluster', async () => {
    await expect(connectRedis({ target: { nodes: [at(1)] }, db: 1 })).rejects.toThrow(/database 0/);
  });

  it('speaks TLS, both ways, and believes no certificate by itself', async () => {
    const { ca, caFile, server, client } = await testCertificates(join(dir, 'certificates'));
    const tlsPort = await freePort();
    await using secured = await startRedis({
      dir: join(dir, 'tls'),
      args: [
        ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'yes', '--tls-ca-cert-file', caFile],
        ...['--tls-cert-file', server.certFile, '--tls-key-file', server.keyFile],
      ],
    });
    const target = at(tlsPort);
    const { cert, key } = client;
    await using({ target, tls: { ca, cert, key } }, async (connection) => {
      expect(await connection.ping()).toBe('PONG');
    });
    const url = `rediss://127.0.0.1:${tlsPort}`;
    expect((await failureOf({ target: { url } })).kind).toBe('refused');
    expect((await failureOf({ target, tls: { cert, key } })).kind).toBe('refused');
    expect((await failureOf({ target, tls: { ca } })).kind).toBe('refused');
    expect((await failureOf({ target, tls: { ca, cert, key, servername: 'other' } })).kind).toBe('refused');
    // It waits for more of what it takes for a command.
    const plain = { target: at(secured.port), tls: { ca, cert, key }, connectTimeoutMs: 300 };
    expect((await failureOf(plain)).kind).toBe('unreachable');
  });

  it('goes with the master that sentinels name, with their own password', async () => {
    await using setup = await startSentinel({ dir: join(dir, 'sentinel'), downAfterMs: 500 });
    const target = { sentinels: setup.sentinels.map(({ port }) => at(port)), masterName: setup.name };
    const troubles: string[] = [];
    await using({ target, onTrouble: (text) => troubles.push(text) }, async (connection) => {
      expect(await checkRedis(connection)).toEqual(NO_PROBLEMS);
      await connection.set('a', '1');
      await setup.master.kill();
      expect(await connection.set('a', '2')).toBe('OK');
      expect(await setup.masterPort()).toBe(setup.replica.port);
    });
    expect(troubles).not.toEqual([]);
    expect(await failureOf({ target: { ...target, masterName: 'other' } })).toMatchObject({
      kind: 'unreachable',
    });
  });

  it('ends for good after an outage that is too long, and tells all who wait', async () => {
    await using own = await startRedis({ dir: join(dir, 'outage') });
    const connection = await connectRedis({ target: at(own.port), outageMs: 300 });
    const store = new RedisStore(connection, { prefix: 'p:', dedupeHours: 1 });
    await own.kill();
    await expect(store.claim('a')).rejects.toMatchObject({ kind: 'unreachable' });
    await expect(store.claim('a')).rejects.toMatchObject({ kind: 'unreachable' });
    await closeRedis(connection);
  });

  it('can be closed in the middle of an outage, and tells all who wait', async () => {
    await using own = await startRedis({ dir: join(dir, 'closing') });
    const connection = await connectRedis({ target: at(own.port) });
    const store = new RedisStore(connection, { prefix: 'p:', dedupeHours: 1 });
    await own.kill();
    const claim = store.claim('a').catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await closeRedis(connection);
    expect(await claim).toBeInstanceOf(StoreConnectionError);
  });

  it('comes back from a server that was silent, in time and by another connection', async () => {
    await using proxy = await startTcpProxy(redis.port);
    const troubles: string[] = [];
    const mine: RedisConnectionOptions = {
      target: at(proxy.port),
      password: SECRET,
      commandTimeoutMs: 400,
      onTrouble: (text) => troubles.push(text),
    };
    await using(mine, async (connection) => {
      await connection.set('silence', '1');
      proxy.stall();
      const answer = connection.incr('silence');
      // As if the host were gone: nobody says so, and the old connection never carries anything again.
      await vi.waitFor(() => {
        expect(troubles).toContain('silent for 400 ms');
      }, 5000);
      proxy.cut();
      proxy.heal();
      expect(await answer).toBeGreaterThanOrEqual(2);
    });
  });

  it('is not broken off while it has nothing to say', async () => {
    await using proxy = await startTcpProxy(redis.port);
    const troubles: string[] = [];
    const onTrouble = (text: string): unknown => troubles.push(text);
    const mine = { target: at(proxy.port), password: SECRET, commandTimeoutMs: 100, onTrouble };
    await using(mine, async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect({ troubles, connections: proxy.connections }).toEqual({ troubles: [], connections: 1 });
    });
  });

  it('needs no more than it says, on one server', async () => {
    await using own = await startRedis({ dir: join(dir, 'acl') });
    await using({ target: at(own.port) }, async (admin) => {
      await admin.call('ACL', 'SETUSER', 'leastwise', 'on', `>${SECRET}`, ...LEAST);
      const mine = { target: at(own.port), username: 'leastwise', password: SECRET, db: 1 };
      await using(mine, async (connection) => {
        expect(await checkRedis(connection)).toEqual(NO_PROBLEMS);
        await useStore(connection, 'leastwise:');
        const elsewhere = new RedisStore(connection, { prefix: 'other:', dedupeHours: 1 });
        await expect(elsewhere.claim('a')).rejects.toMatchObject({ kind: 'refused' });
      });
      expect(await admin.call('ACL', 'LOG')).toHaveLength(1);
    });
  });

  it('needs no more than it says, in a Cluster', async () => {
    await using cluster = await startRedisCluster({ dir: join(dir, 'cluster') });
    for (const node of cluster.nodes) {
      await using({ target: at(node.port) }, (admin) =>
        admin.call('ACL', 'SETUSER', 'leastwise', 'on', `>${SECRET}`, ...LEAST, ...LEAST_IN_CLUSTER),
      );
    }
    const target = { nodes: cluster.nodes.slice(0, 1).map(({ port }) => at(port)) };
    await using({ target, username: 'leastwise', password: SECRET }, async (connection) => {
      expect(connection).toBeInstanceOf(Cluster);
      expect(await checkRedis(connection)).toEqual(NO_PROBLEMS);
      await useStore(connection, 'leastwise:');
    });
    expect(await failureOf({ target, username: 'leastwise', password: `${SECRET}-not` })).toMatchObject({
      kind: 'refused',
    });
    await using({ target: at(cluster.nodes[1]?.port ?? 0) }, (admin) =>
      admin.config('SET', 'maxmemory-policy', 'allkeys-lru'),
    );
    await using({ target, username: 'leastwise', password: SECRET }, async (connection) => {
      const { problems } = await checkRedis(connection);
      expect(problems).toEqual([
        expect.stringMatching(`^127.0.0.1:${cluster.nodes[1]?.port ?? 0}: .*noeviction`),
      ]);
    });
  });

  it('says everything that is wrong with a server at once', async () => {
    await using master = await startRedis({ dir: join(dir, 'master') });
    await using replica = await startRedis({
      dir: join(dir, 'replica'),
      args: ['--maxmemory-policy', 'volatile-lru', '--appendonly', 'no'],
    });
    await replica.replicaOf(master.port);
    await using({ target: at(replica.port) }, async (connection) => {
      expect(await checkRedis(connection)).toEqual({
        problems: [
          expect.stringMatching(/role is slave/) as unknown,
          expect.stringMatching(/volatile-lru.*must be noeviction/) as unknown,
        ],
        warnings: [expect.stringMatching(/append-only/) as unknown],
      });
    });
  });

  it('says which permission is missing to be checked', async () => {
    await using({ target: at(redis.port), password: SECRET }, async (admin) => {
      await admin.call('ACL', 'SETUSER', 'blind', 'on', `>${SECRET}`, '~*', '+@all', '-info');
    });
    await using({ target: at(redis.port), username: 'blind', password: SECRET }, async (connection) => {
      const { problems } = await checkRedis(connection);
      expect(problems).toEqual([expect.stringMatching(/\+info.*NOPERM/)]);
    });
  });
});
