import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedStore } from '@leastwise/source/conformance';
import { lacksKafka, resolveKafka } from '@leastwise/testkit';
import type { ResolvedKafka } from '@leastwise/testkit';
import { openKafkaWriter } from './index.ts';
import { numbered, runInBackground, storedNumbers, upTo } from './testing/background.ts';
import { createTopic, quickOptions, testClient, uniqueTopic } from './testing/kafka-fixture.ts';

const JAVA_LIBS = join(homedir(), '.cache', 'leastwise-test', 'kafka-4.1.1', 'libs');
const PRODUCE = fileURLToPath(new URL('testing/java/Produce.java', import.meta.url));
const HAS_NATIVE_ZSTD = Reflect.has(await import('node:zlib'), 'zstdCompressSync');

describe.skipIf(await lacksKafka())('records of Kafka', { timeout: 60_000 }, () => {
  let kafka: ResolvedKafka | undefined;
  let brokers: readonly string[] = [];
  let prefix = '';

  beforeAll(async () => {
    kafka = await resolveKafka();
    ({ brokers, prefix } = kafka ?? { brokers, prefix });
  }, 300_000);

  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
  });

  async function newTopic(partitions: number, config?: Readonly<Record<string, string>>): Promise<string> {
    const topic = uniqueTopic(prefix);
    await createTopic(brokers, topic, partitions, config);
    return topic;
  }

  it('are read in every codec that we can write', async () => {
    const topic = await newTopic(2);
    const producer = testClient(brokers).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const { None, GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes;
    const codecs = [None, GZIP, Snappy, LZ4, ...(HAS_NATIVE_ZSTD ? [ZSTD] : [])];
    for (const [i, compression] of codecs.entries()) {
      await producer.send({
        topic,
        compression,
        messages: upTo(200).map((n) => ({
          key: String(n),
          value: 'leastwise '.repeat(n),
          headers: { number: String(i * 200 + n) },
        })),
      });
    }
    await producer.disconnect();
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.until('all', () => store.count() === codecs.length * 200);
    await worker.stop();
    expect(storedNumbers(store)).toEqual(upTo(codecs.length * 200));
  });

  it.skipIf(!existsSync(JAVA_LIBS))(
    'are read in every codec of the Java client: xerial framing, lz4, zstd',
    async () => {
      const topic = await newTopic(2);
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
      await promisify(execFile)('java', [
        ...['-XX:TieredStopAtLevel=1', '-cp', join(JAVA_LIBS, '*'), PRODUCE],
        ...[brokers.join(','), topic, '1000', ...codecs],
      ]);
      const store = new SharedStore();
      await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
      await worker.until('all', () => store.count() === codecs.length * 1000);
      await worker.stop();
      expect(storedNumbers(store)).toEqual(upTo(codecs.length * 1000));
      const records = [...store.partitions.values()].flatMap((stored) => stored.records);
      for (const { value, headers } of records) {
        const number = Number(Buffer.from(headers.get('number') ?? []));
        const text = `${codecs[Math.floor(number / 1000)] ?? ''} ${String(number)} ${'padding '.repeat(40)}`;
        expect(Buffer.from(value ?? []).toString()).toBe(text);
      }
    },
  );

  it.each(['none', 'gzip', 'snappy', 'lz4'] as const)(
    'are appended in chunks that a broker takes: %s',
    async (codec) => {
      const topic = await newTopic(1);
      await using writer = openKafkaWriter({ brokers, compression: codec });
      // One batch of them would be 12 MB.
      const text = Array.from({ length: 4000 }, (_, i) => String((i * 7919) % 10_007))
        .join('')
        .slice(0, 12_000);
      await writer.append(topic, numbered(0, 1000, text));
      const store = new SharedStore();
      await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
      await worker.until('all', () => store.count() === 1000);
      await worker.stop();
      expect(storedNumbers(store)).toEqual(upTo(1000));
    },
  );

  it('are appended in smaller chunks where a topic takes less, and one that is too large is named', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '20000' });
    await using writer = openKafkaWriter({ brokers, compression: 'none' });
    await writer.append(topic, numbered(0, 100, 'x'.repeat(3000)));
    const huge = { key: 'the huge one', value: 'x'.repeat(30_000), headers: { source: 'a-topic' } };
    const error: unknown = await writer.append(topic, [...numbered(100, 3), huge]).catch((e: unknown) => e);
    expect(error).toMatchObject({ failure: 'refused' });
    expect(String(error)).toMatch(/30\d\d\d bytes \(key "the huge one", "source": "a-topic"\)/);
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.until('all', () => store.count() === 103);
    await worker.stop();
  });

  it('that cannot be decompressed stop their partition, and no other', async () => {
    const topic = await newTopic(2);
    const producer = testClient(brokers).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    let number = 0;
    const send = (partition: number, value: Buffer | string): Promise<unknown> =>
      producer.send({
        topic,
        compression: kafkajs.CompressionTypes.GZIP,
        messages: [{ partition, value, headers: { number: String(number++) } }],
      });
    await send(0, 'good');
    await send(1, 'good');
    // A broker looks at the compressed size alone.
    await send(0, Buffer.alloc(80 * 1024 * 1024));
    await send(0, 'good, but behind it');
    await send(1, 'good');
    const store = new SharedStore();
    const stopped: string[] = [];
    const options = {
      ...quickOptions(brokers, topic),
      stuckAfterMs: 1500,
      onStopped: ({ partition }: { readonly partition: number }, reason: string) => {
        stopped.push(`${String(partition)}: ${reason}`);
      },
    };
    await using worker = runInBackground(options, store.handler('a'));
    await worker.until('a stopped partition', () => stopped.length > 0);
    await send(1, 'good');
    await producer.disconnect();
    await worker.until('the other partition', () => store.of({ topic, partition: 1 }).records.length === 3);
    // It is not taken for stuck.
    await setTimeout(3000);
    await worker.stop();
    expect(stopped).toHaveLength(1);
    expect(stopped[0]).toMatch(/^0: gzip: /);
    expect(store.of({ topic, partition: 0 }).position).toBe(1);
  });

  it('have the partition that the Java client gives their keys', async () => {
    const topic = await newTopic(7);
    await using writer = openKafkaWriter({ brokers });
    // What org.apache.kafka.common.utils.Utils.murmur2 makes of them, by its own tests.
    const known: readonly (readonly [string, number])[] = [
      ['21', -973932308],
      ['foobar', -790332482],
      ['a-little-bit-long-string', -985981536],
    ];
    await writer.append(
      topic,
      known.map(([key], i) => ({ key, value: null, headers: { number: String(i) } })),
    );
    const store = new SharedStore();
    await using worker = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    await worker.until('all', () => store.count() === known.length);
    await worker.stop();
    for (const [key, hash] of known) {
      const partition = (hash & 0x7fffffff) % 7;
      const keys = store
        .of({ topic, partition })
        .records.map((record) => Buffer.from(record.key ?? []).toString());
      expect(keys).toContain(key);
    }
  });

  it('come from all topics of a pattern, and from those that appear later', async () => {
    const stem = uniqueTopic(prefix);
    await createTopic(brokers, `${stem}.one`, 1);
    await createTopic(brokers, `${stem}.two`, 2);
    await createTopic(brokers, `not-${stem}.one`, 1);
    const store = new SharedStore();
    const options = {
      ...quickOptions(brokers, stem),
      topics: [new RegExp(`${stem.replaceAll('.', '\\.')}\\..*`)],
    };
    await using worker = runInBackground(options, store.handler('a'));
    const { writer } = worker.log;
    await writer.append(`${stem}.one`, numbered(0, 10));
    await writer.append(`${stem}.two`, numbered(10, 10));
    await writer.append(`not-${stem}.one`, numbered(999, 1));
    await worker.until('both', () => store.count() === 20);
    await createTopic(brokers, `${stem}.three`, 1);
    await writer.append(`${stem}.three`, numbered(20, 10));
    await worker.until('the third', () => store.count() === 30);
    await worker.stop();
    expect(storedNumbers(store)).toEqual(upTo(30));
  });

  it('are missed by name where a topic is not there, or waited for', async () => {
    const topic = uniqueTopic(prefix);
    const store = new SharedStore();
    await using refused = runInBackground(quickOptions(brokers, topic), store.handler('a'));
    const error = await refused.failure();
    expect(error).toMatchObject({ failure: 'refused' });
    expect(error.message).toContain(topic);

    const options = { ...quickOptions(brokers, topic), missingTopics: 'wait' as const };
    await using waiting = runInBackground(options, store.handler('b'));
    await createTopic(brokers, topic, 1);
    await waiting.log.writer.append(topic, numbered(0, 10));
    await waiting.until('all', () => store.count() === 10);
    await waiting.stop();
  });
});
