import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';

import type { KafkaMessage } from 'kafkajs';
import { CutBatchError, decompress } from './codecs/codecs.ts';
import { MAX_BATCH_RECORDS } from './codecs/limits.ts';
import {
  type BatchHeader,
  DamagedBatchError,
  readBatchHeader,
  type RecordBatch,
  recordsOf,
} from './record-batch.ts';

/** What of kafkajs's decoder is used here. */
interface KafkaDecoder {
  readonly buffer: Buffer;
  readonly offset: number;
  forward(bytes: number): void;
}

type DecodeBatch = (decoder: KafkaDecoder) => Promise<{ readonly records: readonly unknown[] }>;

/** What stands for a whole batch among kafkajs's messages: it sees one that has the batch's last offset. */
interface BatchMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  /** The batch, or why its records cannot be had. */
  readonly whole: RecordBatch | string;
}

/** Of one partition at a time, before kafkajs takes records of an aborted one for good. */
const MAX_OPEN_TRANSACTIONS = 64;
const DECODER = 'kafkajs/src/protocol/recordBatch/v0/decoder';

const readers = new AsyncLocalStorage<true>();
let isInPlace = false;

/**
 * Runs a consumer whose messages are whole batches, for {@link wholeBatchOf}: kafkajs makes some twenty objects of each
 * record, and calculates offsets and times in 64 bits. Other consumers in the process get their messages as ever.
 * @throws Error where kafkajs is not built as expected
 */
export function withWholeBatches<T>(run: () => T): T {
  putInPlace();
  return readers.run(true, run);
}

/** The batch that a message stands for, or why its records cannot be had; undefined for a single message. */
export function wholeBatchOf(message: KafkaMessage): RecordBatch | string | undefined {
  return (message as Partial<BatchMessage>).whole;
}

// kafkajs loads its decoders when it gets its first answer, so that they can be replaced until then.
function putInPlace(): void {
  if (isInPlace) return;
  const require = createRequire(import.meta.url);
  const original = require(DECODER) as unknown;
  const module = require.cache[require.resolve(DECODER)];
  if (typeof original !== 'function' || module === undefined)
    throw new Error(`${DECODER} is not as expected`);
  const decodeRecords = original as DecodeBatch;
  const decode: DecodeBatch = async (decoder) =>
    readers.getStore() ? { records: await decodeBatch(decoder) } : decodeRecords(decoder);
  module.exports = decode;
  isInPlace = true;
}

async function decodeBatch(decoder: KafkaDecoder): Promise<readonly BatchMessage[]> {
  const { buffer, offset } = decoder;
  const header = readBatchHeader(buffer, offset);
  if (header === undefined) throw new CutBatchError('the answer ends before the batch does');
  decoder.forward(header.end - offset);
  const { lastOffset, producerId, inTransaction, isControl } = header;
  const message: BatchMessage = {
    offset: String(lastOffset),
    key: isControl ? controlKey(buffer, header) : null,
    isControlRecord: isControl,
    batchContext: { producerId, inTransaction },
    whole: await opened(buffer.subarray(header.start, header.end), header),
  };
  return inTransaction && !isControl ? [...marksBefore(message), message] : [message];
}

/**
 * kafkajs takes note of one aborted transaction a message, and there may be as many open ones as there are producers: so
 * some messages come first that it takes note by, and hands over to nobody.
 */
function marksBefore(message: BatchMessage): readonly BatchMessage[] {
  const batchContext = { producerId: '-1', inTransaction: false };
  const mark = { ...message, batchContext, isControlRecord: true, whole: 'only a mark' };
  return Array.from({ length: MAX_OPEN_TRANSACTIONS }, () => mark);
}

async function opened(bytes: Buffer, header: BatchHeader): Promise<RecordBatch | string> {
  const { firstOffset, lastOffset, count, baseTimeMs, appendTimeMs, codec } = header;
  if (count > MAX_BATCH_RECORDS) return `a batch of ${count} records`;
  const plain = await decompress(codec, bytes);
  if (typeof plain === 'string') return plain;
  return { firstOffset, lastOffset, count, baseTimeMs, appendTimeMs, bytes: plain };
}

/** By its key kafkajs tells the end of a transaction from its abortion. */
function controlKey(bytes: Buffer, header: BatchHeader): Buffer | null {
  const plain = { ...header, bytes: bytes.subarray(header.start, header.end) };
  try {
    const marker = recordsOf(plain, header.firstOffset).next().value;
    return marker?.key ? Buffer.from(marker.key) : null;
  } catch (error) {
    if (error instanceof DamagedBatchError) return null;
    throw error;
  }
}
