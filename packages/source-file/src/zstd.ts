import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { ByteReader } from './byte-reader.ts';
import { DamageError, messageOf } from './raw-bytes.ts';
import type { RawBytes } from './raw-bytes.ts';
import { createXxh64 } from './xxh64.ts';
import { ZlibPump } from './zlib-pump.ts';
import type { ZlibStream } from './zlib-pump.ts';
import { MAX_BLOCK_BYTES, zstdParts } from './zstd-frames.ts';
import type { ZstdFrameHeader, ZstdPart } from './zstd-frames.ts';

/** Decompresses the parts of one frame, in order. Output is at most one block a call. */
export interface ZstdFrameDecoder {
  /** @throws Error of any kind where the part is damaged. */
  decode(part: Exclude<ZstdPart, { kind: 'header' }>): Promise<readonly Uint8Array[]>;
  close(): void;
}

/** Begins a frame. */
export type ZstdFrameDecoderFactory = (header: ZstdFrameHeader) => ZstdFrameDecoder;

/**
 * Decompresses zstd (RFC 8878): any number of frames, skippable ones among them, checksums verified.
 * Holds one window (at most 128 MiB) and one block.
 *
 * @throws DamageError where the stream is cut or damaged, after what is good was delivered.
 */
export async function* unzstd(
  bytes: RawBytes,
  beginFrame: ZstdFrameDecoderFactory = defaultDecoder(),
): AsyncGenerator<Uint8Array, void> {
  const reader = new ByteReader(bytes);
  let frame: ZstdFrameDecoder | undefined;
  try {
    for await (const part of zstdParts(reader)) {
      if (part.kind === 'header') {
        frame?.close();
        frame = beginFrame(part.header);
        continue;
      }
      if (frame !== undefined) yield* await decoded(frame, part);
    }
  } finally {
    frame?.close();
    await reader.close();
  }
}

async function decoded(
  frame: ZstdFrameDecoder,
  part: Exclude<ZstdPart, { kind: 'header' }>,
): Promise<readonly Uint8Array[]> {
  try {
    return await frame.decode(part);
  } catch (cause) {
    throw new DamageError(`the zstd stream is damaged: ${messageOf(cause)}`, { cause });
  }
}

/** Node's own zstd (22.15 and later, ten times faster) where there is one, fzstd elsewhere. */
function defaultDecoder(): ZstdFrameDecoderFactory {
  return nativeZstdDecoder() ?? fzstdDecoder;
}

/** A frame decoded by node:zlib, or undefined where this Node has no zstd. */
export function nativeZstdDecoder(): ZstdFrameDecoderFactory | undefined {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create !== 'function') return undefined;
  return (header) => {
    // The typings of the oldest supported Node do not know it.
    const pump = new ZlibPump((create as () => ZlibStream)());
    let begun = false;
    return {
      async decode(part) {
        const bytes = begun ? part.bytes : Buffer.concat([header.bytes, part.bytes]);
        begun = true;
        if (bytes.length > 0) await pump.write(bytes);
        if (part.kind === 'end') await pump.finish();
        if (pump.failure !== undefined) throw pump.failure;
        return pump.take();
      },
      close() {
        pump.close();
      },
    };
  };
}

/** A frame decoded by fzstd, with the checks that it leaves out: checksum and declared size. */
export function fzstdDecoder(header: ZstdFrameHeader): ZstdFrameDecoder {
  let output: Uint8Array[] = [];
  let total = 0;
  const hash = createXxh64();
  const decompress = new Decompress((bytes) => {
    output.push(bytes);
  });
  decompress.push(plainHeader(header));
  return {
    async decode(part) {
      await Promise.resolve();
      output = [];
      if (part.kind === 'block') decompress.push(part.bytes);
      for (const bytes of output) {
        if (bytes.length > MAX_BLOCK_BYTES) throw new Error('a block larger than 128 KiB');
        total += bytes.length;
        if (header.hasChecksum) hash.update(bytes);
      }
      if (total > (header.contentBytes ?? Infinity)) throw new Error('more content than the frame declares');
      if (part.kind === 'end') {
        if (total !== (header.contentBytes ?? total)) throw new Error('less content than the frame declares');
        if (part.checksum !== undefined && part.checksum !== hash.low32())
          throw new Error('a wrong checksum');
      }
      return output;
    },
    close() {
      output = [];
    },
  };
}

/**
 * The header in the one form that fzstd reads well: 18 bytes (it waits for as many before it looks), no single
 * segment (it reads sizes of eight bytes wrongly), and a window no larger than the content (it allocates it).
 */
function plainHeader({ windowBytes, contentBytes }: ZstdFrameHeader): Uint8Array {
  const needed = Math.min(windowBytes, contentBytes ?? windowBytes);
  const header = Buffer.alloc(18);
  header.set([0x28, 0xb5, 0x2f, 0xfd, 0xc3]);
  for (let descriptor = 0; ; descriptor += 1) {
    const base = 2 ** (10 + (descriptor >>> 3));
    if (base + (base / 8) * (descriptor & 7) < needed) continue;
    header[5] = descriptor;
    return header;
  }
}
