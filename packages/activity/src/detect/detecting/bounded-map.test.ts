import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { BoundedMap } from './bounded-map.ts';

function used(keys: readonly string[], max: number): BoundedMap<{ count: number }> {
  const map = new BoundedMap(max, () => ({ count: 0 }));
  for (const key of keys) {
    const value = map.use(key);
    if (value) value.count += 1;
  }
  return map;
}

describe('a bounded map', () => {
  const keys = fc.array(fc.string({ maxLength: 2 }), { maxLength: 80 });

  test('keeps the same keys in any order, whole, and counts all that is beyond', () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 8 }), (all, max) => {
        const map = used(all, max);
        const entries = map.entries();
        const other = used(all.toSorted(), max);
        expect(other.entries()).toEqual(entries);
        expect(other.beyond).toBe(map.beyond);
        expect(entries.length).toBe(Math.min(max, new Set(all).size));
        expect(entries.reduce((sum, [, { count }]) => sum + count, 0) + map.beyond).toBe(all.length);
        for (const [key, { count }] of entries) {
          expect(count).toBe(all.filter((each) => each === key).length);
          expect(map.get(key)?.count).toBe(count);
        }
      }),
    );
  });

  test('gives its entries by their keys', () => {
    const entries = used(['b', 'a', 'c', 'B'], 9).entries();
    expect(entries.map(([key]) => key)).toEqual(['B', 'a', 'b', 'c']);
  });
});
