import { compressSync, uncompressSync } from 'snappy';
import { checkSize } from './limits.ts';

/** How Java's producer (xerial's library) begins: a magic number, its version, and the oldest that can read it. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/**
 * Decompresses snappy as Kafka has it: one raw block, as librdkafka and Go write, or xerial's framing of many, as
 * Java does.
 * @throws Error where the bytes are damaged, or would become too many
 */
export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    checkSize(declaredSize(bytes));
    return rawBlock(bytes);
  }
  const blocks = xerialBlocks(bytes);
  checkSize(blocks.reduce((sum, block) => sum + declaredSize(block), 0));
  return Buffer.concat(blocks.map(rawBlock));
}

/** One raw block, which every client reads. */
export function compressSnappy(bytes: Buffer): Buffer {
  return compressSync(bytes);
}

function rawBlock(block: Buffer): Buffer {
  const bytes = uncompressSync(block, { asBuffer: true });
  if (typeof bytes === 'string') throw new TypeError('text where bytes were asked for');
  return bytes;
}

function xerialBlocks(bytes: Buffer): readonly Buffer[] {
  const blocks: Buffer[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw new RangeError('a snappy block is cut short');
    const length = bytes.readInt32BE(at);
    const end = at + 4 + length;
    if (length <= 0 || end > bytes.length) throw new RangeError('a snappy block is cut short');
    blocks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return blocks;
}

/** The size that a raw block begins with, as a varint: the decompressor allocates it before it looks further. */
function declaredSize(block: Buffer): number {
  let size = 0;
  for (let i = 0; i < 5; i += 1) {
    const byte = block[i];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return size;
  }
  throw new RangeError('a snappy block without its size');
}
