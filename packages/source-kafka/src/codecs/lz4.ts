import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { checkSize, MAX_BATCH_BYTES } from './limits.ts';

const MAGIC = 0x184d2204;
const BLOCK_BYTES: readonly number[] = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

/**
 * Decompresses one LZ4 frame.
 * @throws Error where the bytes are damaged, or would become too many
 */
export function decompressLz4(bytes: Buffer): Buffer {
  checkSize(frameSize(bytes));
  return decompressFrameSync(bytes);
}

/** One frame of independent blocks, which is all that Java's consumer reads. */
export function compressLz4(bytes: Buffer): Buffer {
  return compressFrameSync(bytes);
}

/**
 * What a frame decompresses to, or something above it that is small enough: the decompressor itself knows no bound.
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
function frameSize(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('not an LZ4 frame');
  const flags = bytes.readUInt8(4);
  const blockBytes = BLOCK_BYTES[(bytes.readUInt8(5) >> 4) & 7] ?? 0;
  const checksumBytes = flags & 0x10 ? 4 : 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  const blocks: { readonly bytes: Buffer; readonly isPlain: boolean }[] = [];
  for (;;) {
    if (at + 4 > bytes.length) throw new RangeError('an LZ4 frame is cut short');
    const head = bytes.readUInt32LE(at);
    if (head === 0) break;
    const length = head & 0x7fffffff;
    if (at + 4 + length > bytes.length) throw new RangeError('an LZ4 frame is cut short');
    blocks.push({ bytes: bytes.subarray(at + 4, at + 4 + length), isPlain: head > 0x7fffffff });
    at += 4 + length + checksumBytes;
  }
  // Producers fill their blocks, so that the quick bound is nearly always good enough.
  if (blocks.length * blockBytes <= MAX_BATCH_BYTES) return blocks.length * blockBytes;
  return blocks.reduce(
    (sum, block) => sum + (block.isPlain ? block.bytes.length : blockSize(block.bytes)),
    0,
  );
}

/** The exact size of a block, by the lengths of its literals and matches. */
function blockSize(block: Buffer): number {
  let size = 0;
  let at = 0;

  function length(nibble: number): number {
    let sum = nibble;
    if (nibble < 15) return sum;
    for (;;) {
      const byte = block[at] ?? 0;
      at += 1;
      sum += byte;
      if (byte < 255) return sum;
    }
  }

  while (at < block.length) {
    const token = block[at] ?? 0;
    at += 1;
    const literals = length(token >> 4);
    at += literals;
    size += literals;
    if (at >= block.length) break;
    at += 2;
    size += length(token & 15) + 4;
  }
  return size;
}
