import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FingerprintSet } from './fingerprint-set.ts';

// Few values, and the ones at the edges, so that entries meet, collide and wrap around.
const half = fc.oneof(
  fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const identity = fc.record({ hi: half, lo: half });

function keyOf(identity: { hi: number; lo: number }): bigint {
  return (BigInt(identity.hi) << 32n) | BigInt(identity.lo);
}

function ascending(keys: Iterable<bigint>): bigint[] {
  return [...keys].sort((a, b) => (a < b ? -1 : 1));
}

describe('FingerprintSet', () => {
  it('is the set of what was added and not deleted, in any order', () => {
    const step = fc.record({ identity, isDelete: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const set = new FingerprintSet();
        const model = new Set<bigint>();
        for (const { identity, isDelete } of steps) {
          const key = keyOf(identity);
          if (isDelete) expect(set.delete(identity.hi, identity.lo)).toBe(model.delete(key));
          else {
            expect(set.add(identity.hi, identity.lo)).toBe(!model.has(key));
            model.add(key);
          }
          expect(set.has(identity.hi, identity.lo)).toBe(!isDelete);
        }
        expect(set.size).toBe(model.size);
        expect([...set.entries()].map(keyOf)).toEqual(ascending(model));
      }),
    );
  });

  it('keeps every entry when deleting from long runs of occupied slots', () => {
    const set = new FingerprintSet();
    // One segment, filled until probing wraps around its end.
    for (let lo = 1; lo <= 3000; lo += 1) set.add(0, lo);
    for (let lo = 1; lo <= 3000; lo += 2) expect(set.delete(0, lo)).toBe(true);
    for (let lo = 1; lo <= 3000; lo += 1) expect(set.has(0, lo)).toBe(lo % 2 === 0);
    expect(set.size).toBe(1500);
  });

  it('tells apart the halves, and knows the identity of zeros', () => {
    const set = new FingerprintSet();
    expect(set.has(0, 0)).toBe(false);
    expect(set.add(1, 0)).toBe(true);
    expect(set.has(0, 1)).toBe(false);
    expect(set.has(0, 0)).toBe(false);
    expect(set.add(0, 0)).toBe(true);
    expect(set.add(0, 0)).toBe(false);
    expect(set.size).toBe(2);
    expect(set.delete(0, 0)).toBe(true);
    expect(set.delete(0, 0)).toBe(false);
    expect(set.size).toBe(1);
  });

  it('has the same bytes for the same set, and gives the set back from them', () => {
    fc.assert(
      fc.property(fc.array(identity, { maxLength: 300 }), (identities) => {
        const set = new FingerprintSet();
        for (const { hi, lo } of identities) set.add(hi, lo);
        const reversed = new FingerprintSet(1000);
        for (const { hi, lo } of [...identities].reverse()) reversed.add(hi, lo);
        reversed.add(7, 7);
        if (!set.has(7, 7)) reversed.delete(7, 7);
        const bytes = set.toBytes();
        expect(reversed.toBytes().equals(bytes)).toBe(true);
        expect(bytes.length).toBe(8 * set.size);
        expect(FingerprintSet.fromBytes(bytes).toBytes().equals(bytes)).toBe(true);
      }),
    );
  });

  it('writes ascending little-endian integers, whatever the machine', () => {
    const set = new FingerprintSet();
    set.add(0xfedcba98, 0x76543210);
    set.add(0, 0);
    set.add(0, 0x01020304);
    expect(set.toBytes().toString('hex')).toBe(
      ['0000000000000000', '0403020100000000', '1032547698badcfe'].join(''),
    );
  });

  it('refuses bytes that end within an identity', () => {
    expect(() => FingerprintSet.fromBytes(new Uint8Array(12))).toThrow(RangeError);
  });

  it('holds consecutive hand-made identities without crowding', () => {
    const set = new FingerprintSet();
    for (let i = 0; i < 100_000; i += 1) {
      set.add(0, i);
      set.add(i, 0);
    }
    expect(set.size).toBe(199_999);
  });
});
