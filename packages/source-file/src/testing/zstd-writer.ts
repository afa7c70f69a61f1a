import { createXxh64 } from '../xxh64.ts';

/** One block of a frame made by hand: stored bytes, or one byte repeated. */
export type ZstdBlock = Uint8Array | { readonly repeat: number; readonly byte: number };

/** A zstd frame of stored and run-length blocks (RFC 8878 §3.1.1), which needs no compressor. */
export function zstdFrame(
  blocks: readonly ZstdBlock[],
  options: { window?: number; checksum?: boolean; descriptor?: number } = {},
): Buffer {
  const hash = createXxh64();
  const parts: Buffer[] = [
    Buffer.from([
      0x28,
      0xb5,
      0x2f,
      0xfd,
      options.descriptor ?? (options.checksum === false ? 0 : 4),
      options.window ?? 0x38,
    ]),
  ];
  const all = blocks.length === 0 ? [new Uint8Array(0)] : blocks;
  for (const [i, block] of all.entries()) {
    const last = i === all.length - 1 ? 1 : 0;
    const stored = block instanceof Uint8Array;
    const size = stored ? block.length : block.repeat;
    const head = Buffer.alloc(3);
    head.writeUIntLE(size * 8 + (stored ? 0 : 2) + last, 0, 3);
    parts.push(head, stored ? Buffer.from(block) : Buffer.from([block.byte]));
    hash.update(stored ? block : Buffer.alloc(block.repeat, block.byte));
  }
  if (options.checksum === false) return Buffer.concat(parts);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(hash.low32());
  return Buffer.concat([...parts, sum]);
}

/** A skippable frame. */
export function skippableFrame(bytes: Uint8Array): Buffer {
  const head = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}
