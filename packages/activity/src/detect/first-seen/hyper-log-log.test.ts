import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  addToSketch,
  distinctIn,
  type KeyedHash,
  MAX_EXACT,
  mergeSketch,
  newSketch,
  type Sketch,
  SKETCH_ERROR,
} from './hyper-log-log.ts';

function keyed(key: string): KeyedHash {
  return (text) => {
    const bytes = createHash('sha256').update(`${key}\0${text}`).digest();
    return { hi: bytes.readUInt32LE(0), lo: bytes.readUInt32LE(4) };
  };
}

function sketchOf(texts: Iterable<string>, key = 'k'): Sketch {
  const hash = keyed(key);
  const sketch = newSketch();
  for (const text of texts) addToSketch(sketch, hash(text));
  return sketch;
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `secret-${i}`);

describe('a sketch of distinct texts', () => {
  test.each([0, 1, 3, 10, 15, 100, 1000, 3000, 10_000, 50_000])(
    'tells about %i of them, whatever the key',
    (count) => {
      const keys = count > 5000 ? ['a', 'b'] : ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
      for (const key of keys) {
        const distinct = distinctIn(sketchOf(numbered(count), key));
        expect(Math.abs(distinct - count)).toBeLessThanOrEqual(
          Math.max(count * SKETCH_ERROR * 4, count > 9 ? 1.1 : 0.2),
        );
      }
    },
  );

  test('is right on average: its error has no direction', () => {
    const count = 2500;
    const runs = Array.from({ length: 40 }, (_, key) => distinctIn(sketchOf(numbered(count), String(key))));
    const mean = runs.reduce((sum, value) => sum + value, 0) / runs.length;
    expect(Math.abs(mean / count - 1)).toBeLessThan((4 * SKETCH_ERROR) / Math.sqrt(runs.length));
    const spread = Math.sqrt(runs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / runs.length) / count;
    expect(spread).toBeLessThan(1.6 * SKETCH_ERROR);
  });

  test('counts a text once, in any order and any parts', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (some, others) => {
        const merged = sketchOf(some);
        mergeSketch(merged, sketchOf(others));
        expect(merged).toEqual(sketchOf([...others, ...some, ...some]));
      }),
    );
  });

  test('counts up to thirty-two exactly, whatever the key', () => {
    for (let count = 0; count <= MAX_EXACT; count += 1) {
      expect(distinctIn(sketchOf(numbered(count), String(count)))).toBe(count);
    }
  });

  test('is never below thirty-three beyond that, whatever texts somebody finds', () => {
    const sketch = newSketch();
    for (let lo = 0; lo < 1000; lo += 1) addToSketch(sketch, { hi: 7, lo: lo << 11 });
    expect(distinctIn(sketch)).toBe(MAX_EXACT + 1);
  });

  test('uses fifty-three bits of a hash', () => {
    const sketch = sketchOf(numbered(MAX_EXACT + 1));
    sketch.registers?.fill(0);
    addToSketch(sketch, { hi: 0, lo: 0 });
    addToSketch(sketch, { hi: 0xffffffff, lo: 0 });
    addToSketch(sketch, { hi: 0x00400000, lo: 1 << 11 });
    addToSketch(sketch, { hi: 0x00800001, lo: 0 });
    expect([0, 1023, 1, 2].map((index) => sketch.registers?.[index])).toEqual([44, 1, 43, 22]);
  });
});
