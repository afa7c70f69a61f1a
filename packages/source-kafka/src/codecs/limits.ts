/**
 * What one batch may decompress to. Brokers bound the compressed size alone (1 MB by default, 8 MB where lines of
 * an audit log are long), and a few hundred bytes can stand for gigabytes.
 */
export const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/**
 * How many records one batch may hold. kafkajs passes them all as arguments of one call, which overflows the stack
 * somewhat above; librdkafka puts at most 10,000 into a batch.
 */
export const MAX_BATCH_RECORDS = 100_000;

/** @throws RangeError where `bytes` is more than a batch may have */
export function checkSize(bytes: number): void {
  if (bytes > MAX_BATCH_BYTES) {
    throw new RangeError(`decompresses to more than ${MAX_BATCH_BYTES} bytes`);
  }
}
