// The aggregator as operators meet it: a process with a configuration, signals, health and metrics.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  auditEvent,
  auditEventLine,
  type KafkaServer,
  lacksKafka,
  lacksRedis,
  type RedisServer,
  START_US,
  startKafka,
  startRedis,
} from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { leastwise, type Outcome } from '../integration/support/leastwise.ts';
import { createTopics, deleteRecords, endsOf, produce, type Produced } from './support/kafka.ts';
import { type AggregatorProcess, startProcess } from './support/processes.ts';
import { caughtUp, openStore, type Stage } from './support/worker.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());

function record(n: number): Produced {
  return [
    `id-${n}`,
    auditEventLine(auditEvent({ auditID: `id-${n}`, receivedAtUs: START_US + n * 1_000_000 })),
  ];
}

function sumOf(ends: ReadonlyMap<string, number>): number {
  return [...ends.values()].reduce((sum, end) => sum + end, 0);
}

async function logged(process: AggregatorProcess, message: string): Promise<Record<string, unknown>> {
  for (let i = 0; i < 300; i += 1) {
    const line = process
      .log()
      .split('\n')
      .find((each) => each.includes(`"msg":"${message}"`));
    if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
    await sleep(100);
  }
  throw new Error(`never logged "${message}":\n${process.log()}`);
}

describe.skipIf(isLacking)('the aggregator', () => {
  let dir = '';
  let kafka: KafkaServer;
  let redis: RedisServer;
  let run = 0;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-aggregator-'));
    [kafka, redis] = await Promise.all([startKafka({ dir }), startRedis({ dir: join(dir, 'redis') })]);
    await createTopics(kafka.brokers, { 'leastwise-dead-letters': 1 });
  });
  afterAll(async () => {
    await kafka[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  async function stageOf(): Promise<Stage> {
    run += 1;
    const topics = [`audit-${run}`, `audit-${run}-keyed`];
    await createTopics(kafka.brokers, Object.fromEntries(topics.map((topic) => [topic, 2])));
    return { brokers: kafka.brokers, redisUrl: redis.url, prefix: `${run}:`, groupId: `g-${run}`, topics };
  }

  function start(stage: Stage, environment: Readonly<Record<string, string>> = {}): AggregatorProcess {
    run += 1;
    return startProcess(stage, join(dir, `aggregator-${run}.log`), environment);
  }

  it('tells everything that is wrong with its configuration at once, and ends with 78', async () => {
    const wrong = start(await stageOf(), {
      LEASTWISE_AGGREGATOR_KAFKA_BROKERS: '',
      LEASTWISE_AGGREGATOR_HTTP_PORT: 'eighty',
      LEASTWISE_AGGREGATOR_REDIS_PASSWROD: 'hunter2',
      LEASTWISE_AGGREGATOR_STATE_DEDUPE_HOURS: '0',
    });
    expect(await wrong.ended).toBe(78);
    for (const what of ['KAFKA_BROKERS', 'HTTP_PORT', 'REDIS_PASSWROD', 'STATE_DEDUPE_HOURS']) {
      expect(wrong.log()).toContain(what);
    }
    expect(wrong.log()).not.toContain('hunter2');
  }, 30_000);

  it('refuses a Redis that may evict keys', async () => {
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      const refused = start(await stageOf());
      expect(await refused.ended).toBe(78);
      expect(refused.log()).toContain('maxmemory-policy allkeys-lru');
    } finally {
      await client.config('SET', 'maxmemory-policy', 'noeviction');
      await client.quit();
    }
  }, 30_000);

  it('refuses topics that are not there, by their names', async () => {
    const refused = start({ ...(await stageOf()), topics: ['nowhere'] });
    expect(await refused.ended).toBe(1);
    expect(refused.log()).toContain('nowhere');
  }, 60_000);

  it('is healthy and ready, counts what it does, and ends with 0 on SIGTERM', async () => {
    const stage = await stageOf();
    const records = Array.from({ length: 50 }, (_, i) => record(i));
    await produce(stage.brokers, stage.topics[0] ?? '', [
      ...records,
      ...records.slice(0, 5),
      ['bad', '{"kind":'],
    ]);
    const aggregator = start(stage, { LEASTWISE_AGGREGATOR_CLUSTER_NAME: 'prod' });
    const { store, close } = openStore(stage);
    try {
      await caughtUp(store, await endsOf(stage.brokers, stage.topics));
      const { port } = await logged(aggregator, 'serving health and metrics');
      const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${String(port)}${path}`);
      expect((await get('/healthz')).status).toBe(200);
      expect((await get('/readyz')).status).toBe(200);
      const metrics = await (await get('/metrics')).text();
      expect(metrics).toContain('leastwise_events_total{outcome="counted"} 50\n');
      expect(metrics).toContain('leastwise_events_total{outcome="repeated"} 5\n');
      expect(metrics).toContain('leastwise_events_total{outcome="late"} 0\n');
      expect(metrics).toContain('leastwise_dead_letters_total{reason="truncated"} 1\n');
      expect(metrics).toMatch(/leastwise_lag_records\{topic="audit-\d+",partition="1"\} 0\n/);
      expect(metrics).toMatch(/leastwise_last_event_age_seconds\{cluster="prod"\} \d/);
      expect(metrics).toContain('leastwise_lost_records_total 0\n');
      expect((await store.read()).map(({ cluster }) => cluster)).toEqual(['prod']);
    } finally {
      aggregator.child.kill('SIGTERM');
      expect(await aggregator.ended).toBe(0);
      await close();
    }
  }, 60_000);

  it('closes the windows of all partitions, and tells of a burst once', async () => {
    const stage = await stageOf();
    const alerts = `alerts-${run}`;
    await createTopics(stage.brokers, { [alerts]: 1 });
    const taken: unknown[] = [];
    const alertmanager = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        taken.push(...(JSON.parse(body) as unknown[]));
        response.end();
      });
    });
    await new Promise<void>((resolve) => alertmanager.listen(0, '127.0.0.1', resolve));
    const { port } = alertmanager.address() as AddressInfo;
    const environment = {
      LEASTWISE_AGGREGATOR_CLUSTER_NAME: 'prod',
      LEASTWISE_AGGREGATOR_ALERTS_ALERTMANAGERS: JSON.stringify([
        { url: `http://127.0.0.1:${String(port)}` },
      ]),
      LEASTWISE_AGGREGATOR_ALERTS_TOPIC: alerts,
      LEASTWISE_AGGREGATOR_ALERTS_EVERY: '200ms',
    };
    // In a window that ended some minutes ago, and a moment ago, so that both partitions have gone past it.
    const beginUs = (Math.floor(Date.now() / 300_000) - 2) * 300_000_000;
    const refused = (n: number, us: number): Produced => {
      const auditID = `refused-${String(n)}`;
      const user = { username: 'mallory', uid: '', groups: ['system:authenticated'], extra: [] };
      const decision = { decision: 'forbid', code: 403 } as const;
      const requestURI = `/api/v1/namespaces/shop/pods/p-${String(n)}`;
      return [
        auditID,
        auditEventLine(
          auditEvent({ auditID, receivedAtUs: us, verb: 'delete', requestURI, user, ...decision }),
        ),
      ];
    };
    const burst = Array.from({ length: 30 }, (_, n) => refused(n, beginUs + n * 1_000_000));
    const after = Array.from({ length: 10 }, (_, n) => refused(100 + n, (Date.now() - 1000) * 1000));
    await produce(stage.brokers, stage.topics[0] ?? '', [...burst, ...after]);
    const [first, second] = [start(stage, environment), start(stage, environment)];
    try {
      for (let i = 0; i < 600 && taken.length === 0; i += 1) await sleep(100);
      expect(taken[0]).toMatchObject({
        labels: { alertname: 'LeastwiseRefusedBurst', cluster: 'prod', subject: 'mallory', about: 'delete' },
        annotations: { summary: 'mallory, delete: 30 refused in 5 min; more than 10 are told' },
        startsAt: new Date(beginUs / 1000).toISOString(),
      });
      for (let i = 0; i < 100 && sumOf(await endsOf(stage.brokers, [alerts])) === 0; i += 1) await sleep(100);
      expect(sumOf(await endsOf(stage.brokers, [alerts]))).toBe(1);
    } finally {
      for (const { child } of [first, second]) child.kill('SIGTERM');
      expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
      alertmanager.close();
    }
  }, 90_000);

  it('reads everything again when the state is to be rebuilt, and is not stopped for it', async () => {
    const stage = await stageOf();
    const [topic = ''] = stage.topics;
    await produce(
      stage.brokers,
      topic,
      Array.from({ length: 40 }, (_, i) => record(i)),
    );
    const { store, close } = openStore(stage);
    const aggregator = start(stage);
    const state = (...args: string[]): Promise<Outcome> =>
      leastwise(['state', ...args, '--state', stage.redisUrl, '--state-prefix', stage.prefix]);
    try {
      await caughtUp(store, await endsOf(stage.brokers, stage.topics));
      const before = await store.read();
      const shown = await state('show', '--brokers', stage.brokers.join(','), '-o', 'json');
      const { sources } = JSON.parse(shown.stdout) as { sources: { source: string; lag: number }[] };
      expect(sources.map(({ source, lag }) => [source, lag])).toEqual(
        stage.topics.flatMap((each) => [0, 1].map((partition) => [`${each}/${partition}`, 0])).sort(),
      );
      expect((await state('rebuild', '--yes')).code).toBe(0);
      expect(await store.read()).toEqual([]);
      // A partition is claimed again with its next record.
      await produce(
        stage.brokers,
        topic,
        Array.from({ length: 40 }, (_, i) => record(i)),
      );
      await caughtUp(store, await endsOf(stage.brokers, [topic]));
      expect(await store.read()).toEqual(before);
      expect(aggregator.child.exitCode).toBeNull();
    } finally {
      aggregator.child.kill('SIGTERM');
      expect(await aggregator.ended).toBe(0);
      await close();
    }
  }, 90_000);

  it('does not take a partition that it only looked at for one that it has read', async () => {
    const stage = await stageOf();
    const [topic = ''] = stage.topics;
    await produce(
      stage.brokers,
      topic,
      Array.from({ length: 30 }, (_, i) => record(i)),
    );
    await deleteRecords(stage.brokers, topic, await endsOf(stage.brokers, [topic]));
    for (let round = 0; round < 2; round += 1) {
      const idle = start(stage);
      await logged(idle, 'partition claimed');
      await sleep(1500);
      idle.child.kill('SIGTERM');
      expect(await idle.ended).toBe(0);
    }
  }, 90_000);

  it('refuses a state that is of another Kafka', async () => {
    const stage = await stageOf();
    const client = new Redis(redis.url);
    await client.set(`${stage.prefix}log`, 'another');
    await client.quit();
    const refused = start(stage);
    expect(await refused.ended).toBe(78);
    expect(refused.log()).toContain('is of the Kafka another');
  }, 60_000);

  it('ends when Redis is away for longer than it may be, though nothing is to be done', async () => {
    const own = await startRedis({ dir: join(dir, `redis-${run}`) });
    const stage = { ...(await stageOf()), redisUrl: own.url };
    const waiting = start(stage, { LEASTWISE_AGGREGATOR_OUTAGE: '2s' });
    await logged(waiting, 'partition claimed');
    await own.kill();
    expect(await waiting.ended).toBe(1);
    expect(waiting.log()).toContain('away for too long');
  }, 60_000);

  it('refuses to go on where the state was lost, until it is told to read anew', async () => {
    const stage = await stageOf();
    await produce(
      stage.brokers,
      stage.topics[0] ?? '',
      Array.from({ length: 40 }, (_, i) => record(i)),
    );
    const { store, close } = openStore(stage);
    const client = new Redis(redis.url);
    try {
      const first = start(stage);
      await caughtUp(store, await endsOf(stage.brokers, stage.topics));
      const before = await store.read();
      first.child.kill('SIGTERM');
      expect(await first.ended).toBe(0);
      await client.del(await client.keys(`${stage.prefix}*`));
      const second = start(stage);
      expect(await second.ended).toBe(78);
      expect(second.log()).toContain('restore Redis, or let it be read again');
      expect(await store.read()).toEqual([]);
      const third = start(stage, { LEASTWISE_AGGREGATOR_STATE_REBUILD: 'true' });
      await caughtUp(store, await endsOf(stage.brokers, stage.topics));
      expect(await store.read()).toEqual(before);
      third.child.kill('SIGTERM');
      expect(await third.ended).toBe(0);
    } finally {
      await client.quit();
      await close();
    }
  }, 90_000);
});
