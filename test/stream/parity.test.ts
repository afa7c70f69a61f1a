// The same events through Kafka and Redis as through the embedded store: the same state, so the same bytes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createRandom, lacksKafka, lacksRedis, resolveKafka, resolveRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ALPHA, hasAlpha, linesIn, RECORDINGS } from '../integration/support/real-logs.ts';
import { auditIDOf, embedded, evidenceIn, reportsOfLog } from './support/evidence.ts';
import { createTopics, endsOf, produce, type Produced } from './support/kafka.ts';
import { caughtUp, openStore, type Stage, startWorker } from './support/worker.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
/** Night runs all of them. */
const isNight = process.env['LEASTWISE_NIGHTLY'] === '1';

describe.skipIf(isLacking)('parity', () => {
  let kafka: Awaited<ReturnType<typeof resolveKafka>>;
  let redis: Awaited<ReturnType<typeof resolveRedis>>;
  let dir = '';
  let run = 0;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-parity-'));
    [kafka, redis] = await Promise.all([resolveKafka(), resolveRedis()]);
  });
  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  async function stageOf(partitions: number): Promise<Stage> {
    run += 1;
    const topic = `${kafka?.prefix ?? ''}audit-${run}`;
    const topics = [topic, `${topic}-keyed`];
    const brokers = kafka?.brokers ?? [];
    await createTopics(brokers, Object.fromEntries(topics.map((each) => [each, partitions])));
    return {
      brokers,
      redisUrl: redis?.url ?? '',
      prefix: `${redis?.prefix ?? ''}${run}:`,
      groupId: `${topic}-workers`,
      topics,
    };
  }

  const cells = isNight
    ? [1, 2, 5].flatMap((workers) => [1, 6, 12].map((partitions) => [workers, partitions] as const))
    : ([
        [1, 1],
        [2, 6],
        [5, 12],
      ] as const);
  const [, log] = hasAlpha ? ['', ALPHA] : (RECORDINGS[0] ?? ['', '']);

  it.each(cells)(
    'with %i workers and %i partitions, a twentieth twice, shuffled',
    async (workers, partitions) => {
      const lines = await linesIn(log);
      const random = createRandom(workers * 100 + partitions);
      const copies = lines.filter(() => random.next() < 0.05);
      const records = random.shuffle([...lines, ...copies]).map((line): Produced => [auditIDOf(line), line]);
      const stage = await stageOf(partitions);
      const half = records.length >> 1;
      await produce(stage.brokers, stage.topics[0] ?? '', records.slice(0, half));
      const running = Array.from({ length: workers }, () => startWorker(stage));
      const { store, close } = openStore(stage);
      try {
        await produce(stage.brokers, stage.topics[0] ?? '', records.slice(half));
        await caughtUp(store, await endsOf(stage.brokers, stage.topics));
        const evidence = await evidenceIn(store);
        expect(evidence).toEqual(await embedded(lines));
        expect(evidence.reports).toEqual(reportsOfLog(lines));
        expect(evidence.reports[0]).toContain('kubectl');
        expect(evidence.reports[0]).toContain('(`D42`)');
        expect(await store.facts()).toMatchObject({ late: 0, lost: 0 });
      } finally {
        await Promise.all(running.map((worker) => worker.stop()));
        await close();
      }
    },
    120_000,
  );

  it('counts lists without a key once, however they are put together again', async () => {
    const lines = (await linesIn(log)).slice(0, 3000);
    const random = createRandom(7);
    const list = (items: readonly string[]): Produced => [
      null,
      `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join(',')}]}`,
    ];
    const lists: Produced[] = [];
    for (const order of [lines, random.shuffle(lines)]) {
      for (let at = 0; at < order.length; at += 40) lists.push(list(order.slice(at, at + 40)));
    }
    const stage = await stageOf(3);
    await produce(stage.brokers, stage.topics[0] ?? '', lists, 20);
    const running = [startWorker(stage), startWorker(stage)];
    const { store, close } = openStore(stage);
    try {
      await caughtUp(store, await endsOf(stage.brokers, stage.topics.slice(0, 1)));
      await caughtUp(store, await endsOf(stage.brokers, stage.topics));
      expect(await evidenceIn(store)).toEqual(await embedded(lines));
    } finally {
      await Promise.all(running.map((worker) => worker.stop()));
      await close();
    }
  }, 120_000);
});
