import type { OutgoingRecord } from '@leastwise/source';

/** What a record takes up in a request, beside its bytes. */
const RECORD_OVERHEAD_BYTES = 32;

/** What a record takes up in a request, about. */
export function outgoingBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + lengthOf(key) + lengthOf(value);
  for (const [name, header] of Object.entries(headers)) bytes += 4 + lengthOf(name) + lengthOf(header);
  return bytes;
}

/**
 * Cuts records into runs of at most `chunkBytes`, or of one record where it is larger: kafkajs puts all that goes to
 * one partition into one batch, which brokers refuse above a size.
 */
export function* chunksOf(
  records: readonly OutgoingRecord[],
  chunkBytes: number,
): Generator<readonly OutgoingRecord[], void> {
  let chunk: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = outgoingBytes(record);
    if (chunk.length > 0 && bytes + size > chunkBytes) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(record);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

function lengthOf(value: Uint8Array | string | null): number {
  return value === null ? 0 : Buffer.byteLength(value);
}
