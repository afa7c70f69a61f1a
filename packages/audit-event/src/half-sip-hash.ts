import type { Identity } from './types.ts';

/** A HalfSipHash key: its eight bytes as two little-endian words. */
export interface HalfSipKey {
  readonly k0: number;
  readonly k1: number;
}

/**
 * HalfSipHash-2-4 with 64 bits of output, over words: a keyed hash in 32-bit arithmetic only, so that nobody without
 * the key can make two inputs collide. The first four output bytes are `lo`, the others `hi`, little-endian.
 *
 * @param words - the message, four bytes a word, little-endian
 * @param count - how many of the words to read
 * @param last - the final block: up to three more bytes, and the message's length in bytes (mod 256) in the top one
 * @see https://github.com/veorq/SipHash, https://www.aumasson.jp/siphash/siphash.pdf
 */
export function halfSipHash(words: Int32Array, count: number, last: number, key: HalfSipKey): Identity {
  let v0 = key.k0;
  let v1 = key.k1 ^ 0xee;
  let v2 = 0x6c796765 ^ key.k0;
  let v3 = 0x74656462 ^ key.k1;
  let lo = 0;
  // The blocks are the words and the last one, two rounds each; then two of four rounds that give the output.
  for (let block = 0; block <= count + 2; block += 1) {
    const word = block < count ? (words[block] ?? 0) : block === count ? last : 0;
    v3 ^= word;
    if (block === count + 1) {
      v2 ^= 0xee;
    } else if (block === count + 2) {
      lo = v1 ^ v3;
      v1 ^= 0xdd;
    }
    for (let round = block > count ? 4 : 2; round > 0; round -= 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return { hi: (v1 ^ v3) >>> 0, lo: lo >>> 0 };
}

/** The key that 16 hexadecimal digits write, byte by byte; `undefined` for anything else. */
export function parseHalfSipKey(hex: string): HalfSipKey | undefined {
  if (!/^[0-9a-fA-F]{16}$/.test(hex)) return undefined;
  return { k0: littleEndian(hex.slice(0, 8)), k1: littleEndian(hex.slice(8)) };
}

function littleEndian(hex: string): number {
  let word = 0;
  for (let i = 0; i < 4; i += 1) word |= Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16) << (i * 8);
  return word;
}
