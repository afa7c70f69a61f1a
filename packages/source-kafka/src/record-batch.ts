import type { LogRecord } from '@leastwise/source';

/** The bytes of a header, up to its number of records. */
const HEADER_BYTES = 61;
/** The first offset and the length, which the length does not count. */
const UNCOUNTED_BYTES = 12;
const LENGTH_AT = 8;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const BASE_TIME_AT = 27;
const MAX_TIME_AT = 35;
const PRODUCER_AT = 43;
const COUNT_AT = 57;
const CODEC_BITS = 0x07;
const APPEND_TIME_BIT = 0x08;
const TRANSACTION_BIT = 0x10;
const CONTROL_BIT = 0x20;

/**
 * What the header of a record batch says, of message format 2.
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export interface BatchHeader {
  readonly firstOffset: number;
  /** Of the records that it was made of: compaction may have taken the last ones out. */
  readonly lastOffset: number;
  /** By its number: 0 where nothing is compressed. */
  readonly codec: number;
  /** How many records it says that it has. */
  readonly count: number;
  /** What the times of its records are counted from, in milliseconds since the epoch. */
  readonly baseTimeMs: number;
  /** The time of all its records, where the broker sets it. */
  readonly appendTimeMs: number | undefined;
  readonly producerId: string;
  readonly inTransaction: boolean;
  readonly isControl: boolean;
  /** Where its records begin, maybe compressed, and where they end. */
  readonly start: number;
  readonly end: number;
}

/** A batch whose records lie one after the other in `bytes`. */
export interface RecordBatch extends Pick<
  BatchHeader,
  'firstOffset' | 'lastOffset' | 'count' | 'baseTimeMs' | 'appendTimeMs'
> {
  readonly bytes: Buffer;
}

/** The records of a batch are not what its format says. */
export class DamagedBatchError extends Error {
  override readonly name = 'DamagedBatchError';
}

/**
 * Reads the header of the batch that begins at an index.
 * @returns undefined where the bytes end before the batch does, as at the end of an answer of bounded size
 */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined;
  const end = at + UNCOUNTED_BYTES + bytes.readInt32BE(at + LENGTH_AT);
  if (end > bytes.length || end < at + HEADER_BYTES) return undefined;
  const firstOffset = Number(bytes.readBigInt64BE(at));
  const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT);
  const isAppendTime = (attributes & APPEND_TIME_BIT) !== 0;
  return {
    firstOffset,
    lastOffset: firstOffset + bytes.readInt32BE(at + LAST_DELTA_AT),
    codec: attributes & CODEC_BITS,
    count: bytes.readInt32BE(at + COUNT_AT),
    baseTimeMs: Number(bytes.readBigInt64BE(at + BASE_TIME_AT)),
    appendTimeMs: isAppendTime ? Number(bytes.readBigInt64BE(at + MAX_TIME_AT)) : undefined,
    producerId: String(bytes.readBigInt64BE(at + PRODUCER_AT)),
    inTransaction: (attributes & TRANSACTION_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    start: at + HEADER_BYTES,
    end,
  };
}

/**
 * Reads the records of a batch, from an offset on. Keys, values and headers are views into its bytes.
 * @throws DamagedBatchError where they are not what the format says
 */
export function* recordsOf(batch: RecordBatch, from: number): Generator<LogRecord, void> {
  const fields = new Fields(batch.bytes);
  for (let read = 0; read < batch.count; read += 1) {
    const record = readRecord(fields, batch);
    // A position beyond the batch would skip what is there.
    if (record.offset < batch.firstOffset || record.offset > batch.lastOffset) {
      throw new DamagedBatchError('a record is not of its batch');
    }
    if (record.offset >= from) yield record;
  }
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();
const NOTHING = Buffer.alloc(0);

function readRecord(fields: Fields, { firstOffset, baseTimeMs, appendTimeMs }: RecordBatch): LogRecord {
  fields.begin();
  // Attributes, of which there are none yet.
  fields.skip(1);
  const timestampMs = baseTimeMs + fields.number();
  const offset = firstOffset + fields.number();
  const key = fields.bytes();
  const value = fields.bytes();
  const headers = readHeaders(fields);
  fields.finish();
  return { offset, timestampMs: appendTimeMs ?? timestampMs, key, value, headers };
}

function readHeaders(fields: Fields): ReadonlyMap<string, Uint8Array> {
  const count = fields.number();
  if (count === 0) return NO_HEADERS;
  const headers = new Map<string, Uint8Array>();
  for (let read = 0; read < count; read += 1) {
    const name = fields.bytes()?.toString('utf8') ?? '';
    headers.set(name, fields.bytes() ?? NOTHING);
  }
  return headers;
}

/** Reads what records are made of. */
class Fields {
  readonly #all: Buffer;
  #at = 0;
  /** Where the record ends. */
  #end: number;

  constructor(all: Buffer) {
    this.#all = all;
    this.#end = all.length;
  }

  /** Goes to the next record. */
  begin(): void {
    this.#end = this.#all.length;
    const length = this.number();
    this.#end = this.#after(length);
  }

  /** Ends the record: nothing of it may be left. */
  finish(): void {
    if (this.#at !== this.#end) throw new DamagedBatchError('a record is longer than what is in it');
  }

  skip(length: number): void {
    this.#at = this.#after(length);
  }

  /** A number of variable length: seven bits a byte, the lowest ones first, the lowest of all for the sign. */
  number(): number {
    const first = this.#byte();
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    // In floating point, since times may need more than 32 bits. What is beyond 2^53 is wrong anyway, and bounded.
    let value = first & 0x7f;
    for (let scale = 0x80; scale <= 2 ** 63; scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new DamagedBatchError('a number is too long');
  }

  /** Bytes behind their length; null where that is -1. */
  bytes(): Buffer | null {
    const length = this.number();
    if (length === -1) return null;
    const start = this.#at;
    this.#at = this.#after(length);
    return this.#all.subarray(start, this.#at);
  }

  #byte(): number {
    const byte = this.#all[this.#at];
    if (byte === undefined || this.#at >= this.#end) throw new DamagedBatchError('a record ends too soon');
    this.#at += 1;
    return byte;
  }

  #after(length: number): number {
    const after = this.#at + length;
    if (length < 0 || after > this.#end) throw new DamagedBatchError('a record has a wrong length');
    return after;
  }
}
