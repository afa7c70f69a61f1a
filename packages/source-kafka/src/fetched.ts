import type { LogRecord } from '@leastwise/source';
import type { Batch, KafkaMessage } from 'kafkajs';
import { fetchedOffset } from './client.ts';
import { type RecordBatch, recordsOf } from './record-batch.ts';
import { wholeBatchOf } from './whole-batches.ts';

/** What one answer of a broker holds of a partition. */
export interface Fetched {
  /** The offset that was asked for. */
  readonly from: number;
  /**
   * Read out of the answer as they are asked for, so that they do not outlive it.
   * @throws DamagedBatchError behind the last one that is good
   */
  readonly records: Iterable<LogRecord>;
  /** The first offset after it. */
  readonly to: number;
  /** One above the newest record of the partition. */
  readonly end: number;
  /** About what it takes up in memory. */
  readonly bytes: number;
  /** Why nothing can be read from `to` on. */
  readonly refused?: string;
}

const RECORD_OVERHEAD_BYTES = 200;

/** Takes a batch of kafkajs over. Records before a refused batch are good. */
export function toFetched(batch: Batch): Fetched {
  const from = fetchedOffset(batch);
  const parts: (RecordBatch | LogRecord)[] = [];
  let to = from;
  let bytes = 0;
  for (const message of batch.messages) {
    const part = wholeBatchOf(message) ?? toRecord(message);
    if (typeof part === 'string')
      return { from, records: new Records(parts, from), to, end: endOf(batch, to), bytes, refused: part };
    parts.push(part);
    to = Number(message.offset) + 1;
    bytes += 'bytes' in part ? part.bytes.length : sizeOf(part);
  }
  to = Number(batch.lastOffset()) + 1;
  return { from, records: new Records(parts, from), to, end: endOf(batch, to), bytes };
}

/** A broker looks at the high watermark before it reads: what has come in between may lie beyond it. */
function endOf({ highWatermark }: Batch, to: number): number {
  return Math.max(Number(highWatermark), to);
}

/** The records of an answer, from an offset on: a batch may begin before the record that was asked for. */
class Records implements Iterable<LogRecord> {
  readonly #parts: readonly (RecordBatch | LogRecord)[];
  readonly #from: number;

  constructor(parts: readonly (RecordBatch | LogRecord)[], from: number) {
    this.#parts = parts;
    this.#from = from;
  }

  *[Symbol.iterator](): Generator<LogRecord, void> {
    for (const part of this.#parts) {
      if ('bytes' in part) yield* recordsOf(part, this.#from);
      else yield part;
    }
  }
}

/** A record that kafkajs has read: in a format before batches. */
function toRecord({ offset, timestamp, key, value, headers = {} }: KafkaMessage): LogRecord {
  const named = Object.entries(headers).map(([name, all]): [string, Uint8Array] => {
    const last = Array.isArray(all) ? all.at(-1) : all;
    return [name, Buffer.from(last ?? '')];
  });
  return { offset: Number(offset), timestampMs: Number(timestamp), key, value, headers: new Map(named) };
}

/** About what a record takes up. */
export function sizeOf({ key, value, headers }: LogRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, header] of headers) bytes += name.length + header.length;
  return bytes;
}
