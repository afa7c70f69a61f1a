import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedStore } from '@leastwise/source/conformance';
import { lacksKafka, startKafka } from '@leastwise/testkit';
import type { KafkaServer } from '@leastwise/testkit';
import { numbered, runInBackground, storedNumbers, upTo } from './testing/background.ts';
import {
  createTopic,
  quickOptions,
  recreateTopic,
  testClient,
  truncate,
  uniqueTopic,
  withAdmin,
} from './testing/kafka-fixture.ts';

describe.skipIf(await lacksKafka())('openKafkaLog under faults', { timeout: 60_000 }, () => {
  let dir = '';
  let kafka: KafkaServer | undefined;
  let brokers: readonly string[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lw-kafka-faults-'));
    kafka = await startKafka({ dir });
    brokers = kafka.brokers;
  }, 300_000);

  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  it('loses and repeats nothing while workers come and go under load', async () => {
    const topic = uniqueTopic('rebalance-');
    await createTopic(brokers, topic, 6);
    const store = new SharedStore();
    const options = { ...quickOptions(brokers, topic), batchRecords: 50 };
    const hooks = {
      async onTake(_batch: unknown, alive: () => Promise<void>) {
        await sleep(3);
        await alive();
      },
    };
    await using first = runInBackground(options, store.handler('first', hooks));
    let appended = 0;
    const append = async (count: number): Promise<void> => {
      await first.log.writer.append(topic, numbered(appended, count));
      appended += count;
    };
    for (let round = 0; round < 3; round += 1) {
      await append(1000);
      await using second = runInBackground(options, store.handler(`second-${String(round)}`, hooks));
      await append(1000);
      await second.until('a share', () => second.log.progress().length === 3);
      await append(1000);
      await second.stop();
    }
    await first.until('everything', () => store.count() >= appended);
    await first.stop();
    expect(storedNumbers(store)).toEqual(upTo(appended));
  });

  it('reports what retention takes from under it while it reads', async () => {
    const topic = uniqueTopic('retention-');
    await createTopic(brokers, topic, 1);
    const store = new SharedStore();
    let isHeld = true;
    const options = { ...quickOptions(brokers, topic), batchRecords: 10, readAheadBytes: 1000 };
    await using worker = runInBackground(
      options,
      store.handler('a', {
        async onTake(_batch, alive) {
          while (isHeld) {
            await sleep(20);
            await alive();
          }
        },
      }),
    );
    for (let i = 0; i < 5; i += 1) {
      await worker.log.writer.append(topic, numbered(i * 100, 100));
      await sleep(300);
    }
    await truncate(brokers, { topic, partition: 0 }, 450);
    isHeld = false;
    await worker.until('the rest', () => store.of({ topic, partition: 0 }).position === 500);
    await worker.stop();
    const { lost, records } = store.of({ topic, partition: 0 });
    const lostRecords = lost.reduce((sum, [from, to]) => sum + to - from, 0);
    expect(lost).toHaveLength(1);
    expect(lost[0]?.[1]).toBe(450);
    expect(records.length + lostRecords).toBe(500);
  });

  it('ends where a topic is made anew while it reads', async () => {
    const topic = uniqueTopic('recreated-');
    await createTopic(brokers, topic, 1);
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.log.writer.append(topic, numbered(0, 100));
    await worker.until('all', () => store.count() === 100);
    await recreateTopic(brokers, topic, 1);
    expect(await worker.failure()).toMatchObject({ name: 'LogError', failure: 'recreated' });
    expect(store.count()).toBe(100);
  });

  it('reads partitions that are added', async () => {
    const topic = uniqueTopic('grown-');
    await createTopic(brokers, topic, 1);
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.log.writer.append(topic, numbered(0, 100));
    await worker.until('all', () => store.count() === 100);
    await withAdmin(brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }));
    const producer = testClient(brokers).producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'x', partition: 3, headers: { number: '100' } }] });
    await producer.disconnect();
    await worker.until('the new partition', () => store.count() === 101);
    expect(worker.log.progress()).toHaveLength(4);
    await worker.stop();
  });

  it('waits for a store that is slower than the session, without losing its partitions', async () => {
    const topic = uniqueTopic('slow-');
    await createTopic(brokers, topic, 2);
    const store = new SharedStore();
    let slowest = 0;
    const options = { ...quickOptions(brokers, topic), sessionTimeoutMs: 2000 };
    await using worker = runInBackground(
      options,
      store.handler('a', {
        // Without a single call of `alive`.
        async onTake({ partition }) {
          if (partition.partition === 0 && slowest === 0) {
            slowest = 5000;
            await sleep(slowest);
          }
        },
      }),
    );
    const producer = testClient(brokers).producer();
    await producer.connect();
    let number = 0;
    const send = (partition: number): Promise<unknown> =>
      producer.send({ topic, messages: [{ value: 'x', partition, headers: { number: String(number++) } }] });
    await send(0);
    await worker.until('the slow batch', () => slowest > 0);
    for (let i = 0; i < 20; i += 1) await send(i % 2);
    // The other partition does not wait with it.
    await worker.until(
      'the other partition',
      () => store.of({ topic, partition: 1 }).records.length === 10,
      3000,
    );
    expect(store.of({ topic, partition: 0 }).records).toHaveLength(0);
    await worker.until('the slow one', () => store.count() === 21);
    await producer.disconnect();
    await worker.stop();
    expect(store.calls.filter((call) => call.includes(' claim '))).toHaveLength(2);
    expect(storedNumbers(store)).toEqual(upTo(21));
  });

  it('tells a worker that slept through its session, which then begins anew', async () => {
    const topic = uniqueTopic('asleep-');
    await createTopic(brokers, topic, 1);
    const store = new SharedStore();
    const seen: unknown[] = [];
    const options = { ...quickOptions(brokers, topic), sessionTimeoutMs: 1500 };
    await using worker = runInBackground(
      options,
      store.handler('a', {
        async onTake(_batch, alive) {
          if (seen.length > 0) return;
          // Nothing of this process runs, as under SIGSTOP; the broker takes it for dead.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
          await alive().catch((error: unknown) => {
            seen.push(error);
            throw error;
          });
        },
      }),
    );
    await worker.log.writer.append(topic, numbered(0, 100));
    await worker.until('all', () => store.count() === 100);
    await worker.stop();
    expect(seen).toMatchObject([{ code: 'LW_REVOKED' }]);
    expect(storedNumbers(store)).toEqual(upTo(100));
  });

  it('reads on behind transactions, aborted ones too', async () => {
    const topic = uniqueTopic('transactions-');
    await createTopic(brokers, topic, 1);
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    const producer = testClient(brokers).producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    let number = 0;
    for (let i = 0; i < 6; i += 1) {
      const transaction = await producer.transaction();
      const isKept = i % 2 === 0;
      await transaction.send({
        topic,
        messages: [{ value: 'x', headers: { number: String(isKept ? number++ : 999) } }],
      });
      await (isKept ? transaction.commit() : transaction.abort());
      // So that some answers hold nothing but what is left out.
      await sleep(200);
    }
    await producer.disconnect();
    await worker.until('the end', () => worker.log.progress()[0]?.position === 12);
    await worker.log.writer.append(topic, numbered(number, 10));
    await worker.until('what follows', () => store.count() === number + 10);
    await worker.stop();
    expect(storedNumbers(store)).toEqual(upTo(number + 10));
    expect(store.of({ topic, partition: 0 }).lost).toEqual([]);
  });

  it('goes on when a broker that was killed is back', async () => {
    const topic = uniqueTopic('killed-');
    await createTopic(brokers, topic, 3);
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.log.writer.append(topic, numbered(0, 300));
    await worker.until('all', () => store.count() === 300);
    await kafka?.kill();
    const appending = worker.log.writer.append(topic, numbered(300, 300));
    await sleep(3000);
    await kafka?.restart();
    await appending;
    // An answer may have been lost, so that some are there twice.
    await worker.until('the rest', () => new Set(storedNumbers(store)).size === 600);
    await worker.stop();
  });

  it('gives up on brokers that stay away', async () => {
    const store = new SharedStore();
    const options = { ...quickOptions(['127.0.0.1:9'], 'none'), outageMs: 1500 };
    await using worker = runInBackground(options, store.handler('a'));
    expect(await worker.failure()).toMatchObject({ failure: 'unreachable' });
    await expect(worker.log.writer.append('none', numbered(0, 1))).rejects.toMatchObject({
      failure: 'unreachable',
    });
  });

  it('ends soon when aborted while brokers are away', async () => {
    const options = quickOptions(['127.0.0.1:9'], 'none');
    await using worker = runInBackground(options, new SharedStore().handler('a'));
    await sleep(300);
    await worker.stop();
  });

  it('commits positions as advice, and never reads on from them', async () => {
    const topic = uniqueTopic('advice-');
    await createTopic(brokers, topic, 1);
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.log.writer.append(topic, numbered(0, 100));
    await worker.until('all', () => store.count() === 100);
    await worker.stop();
    const committed = await withAdmin(brokers, (admin) =>
      admin.fetchOffsets({ groupId: topic, topics: [topic] }),
    );
    expect(committed[0]?.partitions[0]?.offset).toBe('100');
    const fresh = new SharedStore();
    await using again = runInBackground(quickOptions(brokers, topic), fresh.handler('b'));
    await again.until('all again', () => fresh.count() === 100);
    await again.stop();
  });
});
