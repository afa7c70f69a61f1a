import { createRequire } from 'node:module';
import fc from 'fast-check';
import type { Batch } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '@leastwise/source';
import { MAX_BATCH_RECORDS } from './codecs/limits.ts';
import { registerCodecs } from './codecs/codecs.ts';
import { type Fetched, toFetched } from './fetched.ts';
import { DamagedBatchError, readBatchHeader } from './record-batch.ts';
import { withWholeBatches } from './whole-batches.ts';

interface Message {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>;
}

type DecodeMessages = (decoder: unknown) => Promise<readonly Message[]>;
type EncodeBatch = (batch: object) => Promise<{ readonly buffer: Buffer }>;
type NewBatch = new (topic: string, from: string, data: object) => Batch;

// The replacement has to be there before kafkajs loads what decodes answers.
withWholeBatches(() => undefined);
registerCodecs();
const require = createRequire(import.meta.url);
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: EncodeBatch };
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => unknown;
const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object;
const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as DecodeMessages;
const Long = require('kafkajs/src/utils/long') as { fromValue(value: number): bigint };
const KafkaBatch = require('kafkajs/src/consumer/batch') as NewBatch;

interface Content {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestampDelta?: number;
}

interface Options {
  readonly codec?: number;
  readonly firstOffset?: number;
  readonly transactional?: boolean;
  readonly producerId?: number;
}

async function encode(contents: readonly Content[], options: Options = {}): Promise<Buffer> {
  const { codec = 0, firstOffset = 0, transactional = false, producerId = 9 } = options;
  const records = contents.map(({ headers = {}, timestampDelta = 0, ...content }, offsetDelta) =>
    encodeRecord({ ...content, headers, offsetDelta, timestampDelta }),
  );
  const { buffer } = await RecordBatch({
    compression: codec,
    records,
    transactional,
    firstTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_999,
    producerId: Long.fromValue(producerId),
    firstOffset: Long.fromValue(firstOffset),
    lastOffsetDelta: contents.length - 1,
  });
  return buffer;
}

function answer(batches: readonly Buffer[]): object {
  const bytes = Buffer.concat(batches);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return new Decoder(Buffer.concat([size, bytes]));
}

/** By kafkajs alone. */
async function plainly(...batches: readonly Buffer[]): Promise<readonly Message[]> {
  return decodeMessages(answer(batches));
}

async function fetched(
  batches: readonly Buffer[],
  from = 0,
  aborted: readonly object[] = [],
  highWatermark = '1000',
): Promise<Fetched> {
  const messages = await withWholeBatches(() => decodeMessages(answer(batches)));
  const data = { partition: 0, highWatermark, messages, abortedTransactions: aborted };
  return toFetched(new KafkaBatch('t', String(from), data));
}

const texts = (records: Iterable<LogRecord>): (string | undefined)[] =>
  Array.from(records, ({ value }) => value?.toString());

function told(records: Iterable<LogRecord>): unknown[] {
  return Array.from(records, ({ offset, timestampMs, key, value, headers }) => ({
    offset: String(offset),
    timestamp: String(timestampMs),
    key,
    value,
    headers: Object.fromEntries(headers),
  }));
}

/** A batch that ends a transaction. */
async function marker(firstOffset: number, key: readonly number[]): Promise<Buffer> {
  const bytes = await encode([{ key: String.fromCharCode(...key), value: '' }], {
    firstOffset,
    transactional: true,
  });
  bytes.writeInt16BE(bytes.readInt16BE(21) | 0x20, 21);
  return bytes;
}

describe('whole batches', () => {
  it('end where their records end, though the broker looked at the end before it read', async () => {
    const batches = [
      await encode([
        { key: null, value: 'a' },
        { key: null, value: 'b' },
      ]),
    ];
    expect(await fetched(batches, 0, [], '1')).toMatchObject({ to: 2, end: 2 });
    expect(await fetched(batches, 0, [], '7')).toMatchObject({ to: 2, end: 7 });
  });

  it('hold the records that kafkajs reads by itself', async () => {
    const content = fc.record({
      key: fc.option(fc.string({ unit: 'binary', maxLength: 100 })),
      value: fc.option(fc.string({ unit: 'binary', maxLength: 300 })),
      headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ maxLength: 70 }), { maxKeys: 3 }),
      timestampDelta: fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
    });
    const batch = fc.tuple(
      fc.array(content, { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 0, max: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 3 }),
        fc.nat({ max: 2 ** 40 }),
        async (all, start) => {
          const batches: Buffer[] = [];
          let firstOffset = start;
          for (const [contents, codec] of all) {
            batches.push(await encode(contents, { codec, firstOffset }));
            firstOffset += contents.length;
          }
          const wanted = await plainly(...batches);
          const { records, to } = await fetched(batches, start);
          expect(told(records)).toEqual(
            wanted.map(({ offset, timestamp, key, value, headers }) => ({
              offset,
              timestamp,
              key,
              value,
              headers,
            })),
          );
          expect(to).toBe(firstOffset);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are for who asked for them: others get single messages', async () => {
    const messages = await plainly(await encode([{ key: 'k', value: 'v' }]));
    expect(messages[0]?.value?.toString()).toBe('v');
  });

  it('give no record before the one that was asked for', async () => {
    const all = await encode(
      [...'abcdef'].map((value) => ({ key: null, value })),
      { firstOffset: 10 },
    );
    const { from, to, records } = await fetched([all], 13);
    expect([from, to, texts(records)]).toEqual([13, 16, ['d', 'e', 'f']]);
  });

  it('go on behind what compaction has emptied', async () => {
    const emptied = (await encode([{ key: null, value: 'x' }], { firstOffset: 5 })).subarray(0, 61);
    emptied.writeInt32BE(49, 8);
    emptied.writeInt32BE(3, 23);
    emptied.writeInt32BE(0, 57);
    const { to, records } = await fetched([emptied], 5);
    expect([to, texts(records)]).toEqual([9, []]);
  });

  it('take the last of two headers with one name, and the broker\u2019s time where it sets it', async () => {
    const bytes = await encode([{ key: null, value: 'v', headers: { a: '1', b: '2' } }]);
    const twice = Buffer.from(bytes);
    twice.write('a', twice.lastIndexOf('b'));
    const [record] = (await fetched([twice])).records;
    expect([...(record?.headers ?? [])].map(([name, value]) => [name, String(value)])).toEqual([['a', '2']]);
    twice.writeInt16BE(twice.readInt16BE(21) | 0x08, 21);
    const [appended] = (await fetched([twice])).records;
    expect(appended?.timestampMs).toBe(1_700_000_000_999);
  });

  it('leave out aborted transactions and the marks at their ends', async () => {
    const [aborted, committed] = await Promise.all([
      encode(
        [
          { key: null, value: 'no' },
          { key: null, value: 'no' },
        ],
        { firstOffset: 1, transactional: true },
      ),
      encode([{ key: null, value: 'yes' }], { firstOffset: 4, transactional: true }),
    ]);
    const before = await encode([{ key: '\0\0\0\0', value: 'plain' }]);
    const answers = [
      before,
      aborted,
      await marker(3, [0, 0, 0, 0]),
      committed,
      await marker(5, [0, 0, 0, 1]),
    ];
    const { to, records } = await fetched(answers, 0, [{ producerId: '9', firstOffset: '1' }]);
    expect([to, texts(records)]).toEqual([6, ['plain', 'yes']]);
  });

  it('leave out all aborted transactions that were open before, not one for each batch', async () => {
    const contents = Array.from({ length: 50 }, () => ({ key: null, value: 'no' }));
    const batches: Buffer[] = [];
    for (const [n, producerId] of [7, 8, 9].entries()) {
      batches.push(await encode(contents, { firstOffset: 100 + n * 50, transactional: true, producerId }));
    }
    const aborted = [7, 8, 9].map((producerId, n) => ({
      producerId: String(producerId),
      firstOffset: String(n),
    }));
    const { to, records } = await fetched(batches, 100, aborted);
    expect([to, texts(records)]).toEqual([250, []]);
  });

  it('end where an answer is cut', async () => {
    const [first, second] = await Promise.all([
      encode([{ key: null, value: 'a' }]),
      encode([{ key: null, value: 'b' }], { firstOffset: 1 }),
    ]);
    for (const cut of [1, 20, 60, second.length - 1]) {
      const { to, records } = await fetched([first, second.subarray(0, cut)]);
      expect([to, texts(records)]).toEqual([1, ['a']]);
    }
  });

  it.each([5, 6, 7])('are refused where codec %i is unknown, and those before are good', async (codec) => {
    const good = await encode([{ key: null, value: 'a' }], { codec: 1 });
    const bad = await encode([{ key: null, value: 'b' }], { codec: 1, firstOffset: 1 });
    bad.writeInt16BE((bad.readInt16BE(21) & ~7) | codec, 21);
    const { to, records, refused } = await fetched([good, bad]);
    expect([to, texts(records)]).toEqual([1, ['a']]);
    expect(refused).toMatch(new RegExp(`codec ${String(codec)}`));
  });

  it('are refused with more records than anybody means to send', async () => {
    const many = await encode([{ key: null, value: 'a' }], { firstOffset: 500 });
    many.writeInt32BE(MAX_BATCH_RECORDS + 1, 57);
    expect((await fetched([many], 500)).refused).toBe(`a batch of ${MAX_BATCH_RECORDS + 1} records`);
  });

  it('say so wherever they are damaged, and never read beyond their bytes', async () => {
    const contents = [...'abc'].map((value) => ({
      key: 'key',
      value: value.repeat(90),
      headers: { h: 'x' },
    }));
    const good = await encode(contents);
    let damaged = 0;
    for (let at = 61; at < good.length; at += 1) {
      for (const byte of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        try {
          for (const { value } of (await fetched([bytes])).records)
            expect(value?.length ?? 0).toBeLessThan(good.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedBatchError);
          damaged += 1;
        }
      }
    }
    expect(damaged).toBeGreaterThan(50);
  });

  it('end an answer whose length is none, and say so where an offset is not theirs', async () => {
    const bytes = await encode([{ key: null, value: 'a' }]);
    for (const length of [-12, -1, 0, 48]) {
      const wrong = Buffer.from(bytes);
      wrong.writeInt32BE(length, 8);
      expect(texts((await fetched([wrong])).records)).toEqual([]);
    }
    const far = Buffer.from(bytes);
    // The record's own distance from the first offset, as zigzag.
    far[64] = 0x7e;
    const { records } = await fetched([far]);
    expect(() => texts(records)).toThrow(DamagedBatchError);
  });

  it('have no header before the last byte of it is there', async () => {
    const bytes = await encode([{ key: null, value: 'a' }]);
    for (let end = 0; end < bytes.length; end += 1)
      expect(readBatchHeader(bytes.subarray(0, end), 0)).toBeUndefined();
    expect(readBatchHeader(bytes, 0)).toMatchObject({ firstOffset: 0, lastOffset: 0, codec: 0, count: 1 });
  });
});
