import { DamageError } from './raw-bytes.ts';
import type { ByteReader } from './byte-reader.ts';

/** The header of one zstd frame (RFC 8878 §3.1.1.1). */
export interface ZstdFrameHeader {
  /** As it was in the stream, magic number included. */
  readonly bytes: Uint8Array;
  readonly windowBytes: number;
  /** The decompressed size, where the frame tells it; it may lie. */
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/** What a zstd stream consists of, in order: header, blocks, end; header, … Skippable frames are skipped. */
export type ZstdPart =
  | { readonly kind: 'header'; readonly header: ZstdFrameHeader }
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  /** `checksum` is the stored low half of the content's XXH64; `bytes` are its four bytes, or none. */
  | { readonly kind: 'end'; readonly bytes: Uint8Array; readonly checksum: number | undefined };

/**
 * Larger windows are refused, as the zstd command refuses them without `--memory`: a frame of 20 bytes may
 * ask for 2 GiB. 128 MiB is what `--long` and `--ultra` need.
 */
export const MAX_WINDOW_BYTES = 1 << 27;

/** RFC 8878 §3.1.1.2.4: no block, stored or decompressed, is larger. */
export const MAX_BLOCK_BYTES = 1 << 17;

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIP_STEP_BYTES = 1 << 16;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/** Whether these four bytes begin a zstd frame, a skippable one included. */
export function isZstdMagic(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const magic = littleEndian(bytes, 0, 4);
  return magic === MAGIC || isSkippable(magic);
}

/**
 * Takes a zstd stream apart, without decompressing. Knowing where frames and blocks lie is what keeps memory
 * bounded (one block makes at most 128 KiB, but a stream of 16 KiB may make half a gigabyte), and what no
 * decompressor at hand does right: fzstd recurses once a frame and ignores checksums, and that of Node ends
 * with the first frame (https://github.com/nodejs/node/issues/64741).
 *
 * @throws DamageError where the stream is cut, is not zstd, or needs a dictionary or too large a window.
 */
export async function* zstdParts(reader: ByteReader): AsyncGenerator<ZstdPart, void> {
  for (;;) {
    const start = await reader.peek(5);
    if (start.length === 0 && reader.failure === undefined) return;
    if (start.length < 4) throw cut(reader);
    const magic = littleEndian(start, 0, 4);
    if (isSkippable(magic)) {
      await skipFrame(reader);
      continue;
    }
    if (magic !== MAGIC) throw new DamageError('bytes that are not zstd follow the last frame');
    const header = await takeHeader(reader, start[4]);
    yield { kind: 'header', header };
    yield* blocks(reader);
    const bytes = await takeAll(reader, header.hasChecksum ? 4 : 0);
    yield { kind: 'end', bytes, checksum: header.hasChecksum ? littleEndian(bytes, 0, 4) : undefined };
  }
}

async function* blocks(reader: ByteReader): AsyncGenerator<ZstdPart, void> {
  for (let last = false; !last;) {
    const head = await reader.peek(3);
    if (head.length < 3) throw cut(reader);
    const value = littleEndian(head, 0, 3);
    last = (value & 1) === 1;
    const type = (value >>> 1) & 3;
    const size = value >>> 3;
    if (size > MAX_BLOCK_BYTES || type === 3) throw new DamageError('a damaged zstd block');
    // A run-length block (type 1) stores the one byte that it repeats `size` times.
    yield { kind: 'block', bytes: await takeAll(reader, 3 + (type === 1 ? 1 : size)) };
  }
}

async function takeHeader(reader: ByteReader, descriptor: number | undefined): Promise<ZstdFrameHeader> {
  if (descriptor === undefined) throw cut(reader);
  if ((descriptor & 8) !== 0) throw new DamageError('a zstd frame of an unknown version');
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryAt = singleSegment ? 5 : 6;
  const dictionaryBytes = DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  const sizeAt = dictionaryAt + dictionaryBytes;
  const sizeFlag = (descriptor >>> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  const bytes = await takeAll(reader, sizeAt + sizeBytes);
  if (littleEndian(bytes, dictionaryAt, dictionaryBytes) !== 0) {
    throw new DamageError('a zstd frame that needs a dictionary');
  }
  const content = littleEndian(bytes, sizeAt, sizeBytes) + (sizeFlag === 1 ? 256 : 0);
  const contentBytes = sizeBytes === 0 ? undefined : content;
  const windowBytes = singleSegment ? content : windowOf(bytes[5] ?? 0);
  if (windowBytes > MAX_WINDOW_BYTES) {
    throw new DamageError(`a zstd frame with a window of ${String(windowBytes)} bytes (at most 128 MiB)`);
  }
  return { bytes, windowBytes, contentBytes, hasChecksum: (descriptor & 4) !== 0 };
}

/** RFC 8878 §3.1.1.1.2: five bits of exponent, three of mantissa. */
function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

async function skipFrame(reader: ByteReader): Promise<void> {
  const head = await takeAll(reader, 8);
  for (let left = littleEndian(head, 4, 4); left > 0;) {
    const step = Math.min(left, SKIP_STEP_BYTES);
    await takeAll(reader, step);
    left -= step;
  }
}

async function takeAll(reader: ByteReader, count: number): Promise<Uint8Array> {
  const bytes = await reader.take(count);
  if (bytes.length < count) throw cut(reader);
  return bytes;
}

/** Why the stream ends here: what its reader failed with, or nothing but its end. */
function cut({ failure }: ByteReader): Error {
  return failure instanceof Error ? failure : new DamageError('the zstd stream is cut off');
}

function isSkippable(magic: number): boolean {
  return magic >= SKIPPABLE_MAGIC && magic <= SKIPPABLE_MAGIC + 15;
}

/** Up to eight bytes; exact up to 2^53, and larger than any limit here beyond. */
function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i -= 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
