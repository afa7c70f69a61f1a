import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { checkSize, MAX_BATCH_BYTES } from './limits.ts';

const MAGIC = 0xfd2fb528;
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;

type Native = (bytes: Buffer, options?: { readonly maxOutputLength: number }) => Buffer;

/**
 * Decompresses zstd: by Node's own where there is one (22.15 and later), by fzstd elsewhere.
 * @throws Error where the bytes are damaged, or would become too many
 */
export function decompressZstd(bytes: Buffer): Buffer {
  const native = nativeFunction('zstdDecompressSync');
  return native === undefined
    ? decompressZstdByFzstd(bytes)
    : native(bytes, { maxOutputLength: MAX_BATCH_BYTES });
}

/** @throws Error where this Node has no zstd: there is no other compressor here */
export function compressZstd(bytes: Buffer): Buffer {
  const native = nativeFunction('zstdCompressSync');
  if (native === undefined) throw new Error('zstd is only compressed by Node 22.15 and later');
  return native(bytes);
}

/**
 * {@link decompressZstd} where Node has none. Checksums of frames are not verified.
 * @see https://www.rfc-editor.org/rfc/rfc8878#name-frames
 */
export function decompressZstdByFzstd(bytes: Buffer): Buffer {
  const output: Uint8Array[] = [];
  let total = 0;
  let at = 0;
  while (at < bytes.length) {
    const frame = parseFrame(bytes, at);
    const decompress = new Decompress((piece) => {
      total += piece.length;
      checkSize(total);
      output.push(piece);
    });
    if (frame.blocks.length > 0) decompress.push(plainHeader(frame.windowBytes));
    for (const block of frame.blocks) decompress.push(block);
    at = frame.end;
  }
  return Buffer.concat(output, total);
}

interface Frame {
  readonly blocks: readonly Buffer[];
  /** What has to be kept of the output; never more than there can be of it. */
  readonly windowBytes: number;
  readonly end: number;
}

function parseFrame(bytes: Buffer, start: number): Frame {
  if (start + 8 > bytes.length) throw new RangeError('a zstd frame is cut short');
  const magic = bytes.readUInt32LE(start);
  if (magic >>> 4 === 0x184d2a5) {
    return { blocks: [], windowBytes: 0, end: start + 8 + bytes.readUInt32LE(start + 4) };
  }
  if (magic !== MAGIC) throw new RangeError('not a zstd frame');
  const descriptor = bytes.readUInt8(start + 4);
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const declared = isSingle ? Infinity : windowOf(bytes.readUInt8(start + 5));
  const { blocks, most, end } = parseBlocks(
    bytes,
    start + 5 + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes,
  );
  checkSize(most - MAX_BLOCK_BYTES);
  return {
    blocks,
    windowBytes: Math.min(declared, Math.max(most, MAX_BLOCK_BYTES)),
    end: end + (descriptor & 4 ? 4 : 0),
  };
}

function parseBlocks(
  bytes: Buffer,
  start: number,
): { readonly blocks: readonly Buffer[]; readonly most: number; readonly end: number } {
  const blocks: Buffer[] = [];
  let most = 0;
  let at = start;
  for (;;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) throw new RangeError('a zstd frame is cut short');
    const head = bytes.readUIntLE(at, BLOCK_HEADER_BYTES);
    const size = head >> 3;
    const type = (head >> 1) & 3;
    if (type === 3 || size > MAX_BLOCK_BYTES) throw new RangeError('a zstd block of no known kind');
    const end = at + BLOCK_HEADER_BYTES + (type === 1 ? 1 : size);
    if (end > bytes.length) throw new RangeError('a zstd frame is cut short');
    blocks.push(bytes.subarray(at, end));
    most += type === 2 ? MAX_BLOCK_BYTES : size;
    at = end;
    if (head & 1) return { blocks, most, end };
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/**
 * The header in the one form that fzstd reads well: 18 bytes (it waits for as many before it looks), no single
 * segment (it reads sizes of eight bytes wrongly), and a window no larger than the content (it allocates it).
 */
function plainHeader(windowBytes: number): Buffer {
  const header = Buffer.alloc(18);
  header.set([0x28, 0xb5, 0x2f, 0xfd, 0xc3]);
  let descriptor = 0;
  while (windowOf(descriptor) < windowBytes) descriptor += 1;
  header[5] = descriptor;
  return header;
}

/** The typings of the oldest supported Node do not know zstd. */
function nativeFunction(name: 'zstdCompressSync' | 'zstdDecompressSync'): Native | undefined {
  const found: unknown = Reflect.get(zlib, name);
  return typeof found === 'function' ? (found as Native) : undefined;
}
