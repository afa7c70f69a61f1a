import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createXxh64 } from './xxh64.ts';

const MASK = (1n << 64n) - 1n;
const P = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** The specification, word by word, in BigInt. */
function reference(bytes: Uint8Array): bigint {
  const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & MASK;
  const round = (acc: bigint, input: bigint): bigint =>
    (rotate((acc + input * P[1]) & MASK, 31n) * P[0]) & MASK;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lanes = [(P[0] + P[1]) & MASK, P[1], 0n, (MASK + 1n - P[0]) & MASK];
  let at = 0;
  for (; at + 32 <= bytes.length; at += 32) {
    for (let i = 0; i < 4; i += 1) lanes[i] = round(lanes[i] ?? 0n, view.getBigUint64(at + i * 8, true));
  }
  const turns = [1n, 7n, 12n, 18n];
  let hash: bigint = P[4];
  if (bytes.length >= 32) {
    hash = lanes.reduce((sum, lane, i) => (sum + rotate(lane, turns[i] ?? 0n)) & MASK, 0n);
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * P[0] + P[3]) & MASK;
  }
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P[0] + P[3]) & MASK;
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (rotate(hash ^ ((BigInt(view.getUint32(at, true)) * P[0]) & MASK), 23n) * P[1] + P[2]) & MASK;
  }
  for (; at < bytes.length; at += 1) {
    hash = (rotate(hash ^ ((BigInt(view.getUint8(at)) * P[4]) & MASK), 11n) * P[0]) & MASK;
  }
  hash = ((hash ^ (hash >> 33n)) * P[1]) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P[2]) & MASK;
  return hash ^ (hash >> 32n);
}

describe('createXxh64', () => {
  it('gives the published digest of no bytes', () => {
    // XXH64 of '' with seed 0 is ef46db3751d8e999 (xxHash specification, test vectors).
    expect(createXxh64().low32()).toBe(0x51d8e999);
  });

  it('equals the specification for any bytes and any splitting', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 8 }), (pieces) => {
        const hash = createXxh64();
        for (const piece of pieces) hash.update(piece);
        expect(hash.low32()).toBe(Number(reference(Buffer.concat(pieces)) & 0xffff_ffffn));
      }),
    );
  });
});
