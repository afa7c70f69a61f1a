import fc from 'fast-check';
import { expect, test } from 'vitest';

import { leaverFor } from './cap.ts';

const full = (...keys: string[]): ReadonlyMap<string, number> => new Map(keys.map((key) => [key, 0]));

test('the smallest hashes stay', () => {
  expect(leaverFor(full('a', 'leastwise'), 'ü')).toBe('ü');
  expect(leaverFor(full('a', 'leastwise'), '')).toBe('');
  expect(leaverFor(full('a', 'ü', ''), 'leastwise')).toBe('ü');
  expect(leaverFor(full('ü', '', 'leastwise'), 'a')).toBe('ü');
  expect(leaverFor(full('leastwise', ''), 'a')).toBe('');
});

test('in a flood of keys, the ones that stay are those that no other order would keep', () => {
  const keep = (keys: readonly string[]): Map<string, number> => {
    const map = new Map<string, number>();
    for (const key of keys) {
      if (!map.has(key) && map.size >= 20) {
        const leaver = leaverFor(map, key);
        if (leaver === key) continue;
        expect(map.delete(leaver)).toBe(true);
      }
      map.set(key, 0);
    }
    return map;
  };
  const floods = fc.uniqueArray(fc.string({ maxLength: 3 }), { minLength: 30, maxLength: 300 });
  fc.assert(
    fc.property(floods, (keys) => {
      expect([...keep(keys).keys()].sort()).toEqual([...keep(keys.toSorted()).keys()].sort());
    }),
  );
});

test('of two keys with one hash the greater leaves', () => {
  const [a, b] = ['k261234', 'k32728'];
  expect([leaverFor(full(a), b), leaverFor(full(b), a)]).toEqual([b, b]);
});

test('nothing fits into a map for none', () => {
  expect(leaverFor(new Map(), 'a')).toBe('a');
});
