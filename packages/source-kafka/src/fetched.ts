import type { Batch, KafkaMessage } from 'kafkajs';
import type { LogRecord } from '@leastwise/source';
import { refusalOf } from './codecs/refusal.ts';
import { fetchedOffset } from './client.ts';

/** What one answer of a broker holds of a partition. */
export interface Fetched {
  /** The offset that was asked for. */
  readonly from: number;
  readonly records: readonly LogRecord[];
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
const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** Takes a batch of kafkajs over. Records before a refused batch are good. */
export function toFetched(batch: Batch): Fetched {
  const from = fetchedOffset(batch);
  const end = Number(batch.highWatermark);
  const records: LogRecord[] = [];
  let bytes = 0;
  for (const message of batch.messages) {
    const refused = refusalOf(message.value);
    if (refused !== undefined) {
      return { from, records, to: (records.at(-1)?.offset ?? from - 1) + 1, end, bytes, refused };
    }
    records.push(toRecord(message));
    bytes += bytesOf(message);
  }
  return { from, records, to: Number(batch.lastOffset()) + 1, end, bytes };
}

function toRecord({ offset, timestamp, key, value, headers }: KafkaMessage): LogRecord {
  return { offset: Number(offset), timestampMs: Number(timestamp), key, value, headers: toHeaders(headers) };
}

/** About what a record takes up. */
export function sizeOf({ key, value, headers }: LogRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, header] of headers) bytes += name.length + header.length;
  return bytes;
}

function bytesOf({ key, value }: KafkaMessage): number {
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
}

function toHeaders(headers: KafkaMessage['headers']): ReadonlyMap<string, Uint8Array> {
  if (headers === undefined) return NO_HEADERS;
  let map: Map<string, Uint8Array> | undefined;
  for (const name of Object.keys(headers)) {
    const all = headers[name];
    const last: unknown = Array.isArray(all) ? all.at(-1) : all;
    map ??= new Map();
    map.set(name, last instanceof Uint8Array ? last : Buffer.from(typeof last === 'string' ? last : ''));
  }
  return map ?? NO_HEADERS;
}
