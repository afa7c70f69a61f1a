import { MAX_BATCH_RECORDS } from './limits.ts';

/** What of a record batch's header lies just before its records. */
export interface BatchHeader {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly codec: number;
  readonly records: number;
}

/** A batch whose records cannot be had, in one partition or another. */
export interface RefusedBatch extends BatchHeader {
  readonly reason: string;
}

const HEADER_BYTES = 61;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const COUNT_AT = 57;
/** The header from the leader's epoch on, which the length of a batch counts. */
const COUNTED_HEADER_BYTES = 49;

const refusedValues = new WeakMap<ArrayBufferLike, string>();
const refusedBatches: RefusedBatch[] = [];
let refusals = 0;

/** What ends the decoding of one partition, and of it alone: kafkajs takes it for the cut end of an answer. */
class CutBatchError extends Error {
  override readonly name = 'KafkaJSPartialMessageError';
}

/**
 * Reads the header of the batch that compressed records belong to. A codec is given nothing else, but its buffer is
 * a view into the broker's answer, in which the header comes first.
 * @returns undefined where `compressed` is not such a view
 */
export function batchHeader(compressed: Buffer): BatchHeader | undefined {
  if (compressed.byteOffset < HEADER_BYTES) return undefined;
  const header = Buffer.from(compressed.buffer, compressed.byteOffset - HEADER_BYTES, HEADER_BYTES);
  const isHeader =
    header.readInt8(MAGIC_AT) === 2 &&
    header.readInt32BE(LENGTH_AT) === COUNTED_HEADER_BYTES + compressed.length;
  if (!isHeader) return undefined;
  const firstOffset = Number(header.readBigInt64BE(0));
  return {
    firstOffset,
    lastOffset: firstOffset + header.readInt32BE(LAST_DELTA_AT),
    codec: header.readInt16BE(ATTRIBUTES_AT) & 7,
    records: header.readInt32BE(COUNT_AT),
  };
}

/**
 * Stands in for the records of a batch that cannot be decompressed, so that the other partitions of the same answer
 * are not lost with it: as many records as the batch has, each of which {@link refusalOf} knows. They carry the last
 * offset of the batch, since kafkajs drops what lies before the offset that it asked for.
 * @throws Error one that ends this partition's part of the answer, where the batch has too many records to stand in for
 */
export function refuse(compressed: Buffer, reason: string): Buffer {
  const header = batchHeader(compressed);
  if (header === undefined) throw new CutBatchError(reason);
  refusals += 1;
  refusedBatches.push({ ...header, reason });
  if (refusedBatches.length > 100) refusedBatches.shift();
  if (header.records > MAX_BATCH_RECORDS) throw new CutBatchError(reason);
  const record = standIn(header.lastOffset - header.firstOffset);
  const records = Buffer.alloc(record.length * header.records);
  for (let at = 0; at < records.length; at += record.length) record.copy(records, at);
  refusedValues.set(records.buffer, reason);
  return records;
}

/** Why the batch of this record was refused; undefined for a real record. */
export function refusalOf(value: Buffer | null): string | undefined {
  return refusals === 0 || value === null ? undefined : refusedValues.get(value.buffer);
}

/** Why a batch with this offset was refused lately, in whatever partition. */
export function recentRefusalAt(offset: number): string | undefined {
  return refusedBatches.findLast(
    ({ firstOffset, lastOffset }) => firstOffset <= offset && offset <= lastOffset,
  )?.reason;
}

/** A record of one byte, without a key and headers. */
function standIn(offsetDelta: number): Buffer {
  const body = Buffer.concat([Buffer.from([0, 0]), varint(offsetDelta), Buffer.from([1, 2, 0, 0])]);
  return Buffer.concat([varint(body.length), body]);
}

/** Zigzag, as records have it. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
