import type { Identity } from './types.ts';

/** A HalfSipHash key: its eight bytes as two little-endian words. */
export interface HalfSipKey {
  readonly k0: number;
  readonly k1: number;
}

/** The four words that a HalfSipHash has made of a key and the words so far. */
export type HalfSipState = [v0: number, v1: number, v2: number, v3: number];

/** Begins a hash with 64 bits of output. */
export function beginHalfSip({ k0, k1 }: HalfSipKey): HalfSipState {
  return [k0, k1 ^ 0xee, 0x6c796765 ^ k0, 0x74656462 ^ k1];
}

/** Takes in words of the message: four bytes each, little-endian. */
export function absorbHalfSip(state: HalfSipState, words: Int32Array, count: number): void {
  mix(state, words, count, 2);
}

/**
 * Ends a hash. The first four output bytes are `lo`, the others `hi`, little-endian.
 *
 * @param last - the final block: up to three more bytes, and the message's length in bytes (mod 256) in the top one
 */
export function endHalfSip(state: HalfSipState, last: number, into: { hi: number; lo: number }): void {
  block[0] = last;
  mix(state, block, 1, 2);
  block[0] = 0;
  state[2] ^= 0xee;
  mix(state, block, 1, 4);
  into.lo = (state[1] ^ state[3]) >>> 0;
  state[1] ^= 0xdd;
  mix(state, block, 1, 4);
  into.hi = (state[1] ^ state[3]) >>> 0;
}

const block = new Int32Array(1);

function mix(state: HalfSipState, words: Int32Array, count: number, rounds: number): void {
  let [v0, v1, v2, v3] = state;
  for (let at = 0; at < count; at += 1) {
    const word = words[at] ?? 0;
    v3 ^= word;
    for (let round = rounds; round > 0; round -= 1) {
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
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

/**
 * HalfSipHash-2-4 with 64 bits of output, over words: a keyed hash in 32-bit arithmetic only, so that nobody without
 * the key can make two inputs collide.
 *
 * @param words - the message, as {@link absorbHalfSip} takes it
 * @param count - how many of the words to read
 * @param last - as {@link endHalfSip} takes it
 * @see https://github.com/veorq/SipHash, https://www.aumasson.jp/siphash/siphash.pdf
 */
export function halfSipHash(words: Int32Array, count: number, last: number, key: HalfSipKey): Identity {
  const state = beginHalfSip(key);
  absorbHalfSip(state, words, count);
  const identity = { hi: 0, lo: 0 };
  endHalfSip(state, last, identity);
  return identity;
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
