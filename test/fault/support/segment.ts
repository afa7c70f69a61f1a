import { readFile, writeFile } from 'node:fs/promises';

const [LENGTH_AT, CRC_AT, ATTRIBUTES_AT] = [8, 17, 21];

/** CRC-32C, which Kafka's batches carry. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Makes the batch that begins at an offset say that it is compressed by a codec, in the segment of a broker that does
 * not run. A broker takes no such batch from a producer.
 * @throws Error where no batch begins there
 */
export async function pretendCodec(segment: string, offset: number, codec: number): Promise<void> {
  const bytes = await readFile(segment);
  for (let at = 0; at < bytes.length;) {
    const end = at + LENGTH_AT + 4 + bytes.readInt32BE(at + LENGTH_AT);
    if (Number(bytes.readBigInt64BE(at)) === offset) {
      bytes.writeInt16BE((bytes.readInt16BE(at + ATTRIBUTES_AT) & ~7) | codec, at + ATTRIBUTES_AT);
      bytes.writeUInt32BE(crc32c(bytes.subarray(at + ATTRIBUTES_AT, end)), at + CRC_AT);
      await writeFile(segment, bytes);
      return;
    }
    at = end;
  }
  throw new Error(`no batch begins at ${offset}`);
}
