import { capHash } from '@leastwise/audit-event';
import { expect, test } from 'vitest';

import { admit, isBeyond } from './capped.ts';

test('of two keys with one hash the greater comes after; a key comes not after itself', () => {
  const [a, b] = ['k261234', 'k32728'];
  expect(capHash(a)).toBe(capHash(b));
  expect([isBeyond(a, b), isBeyond(b, a), isBeyond(a, a)]).toEqual([false, true, false]);
  expect([isBeyond('a', 'leastwise'), isBeyond('leastwise', 'a')]).toEqual([true, false]);
});

test('a full map that has grown since, under a greater cap, still keeps the smallest', () => {
  const keys = Array.from({ length: 40 }, (_, i) => `key-${String(i)}`);
  const byHash = keys.toSorted((a, b) => (isBeyond(a, b) ? 1 : -1));
  const map = new Map<string, string>();
  const offer = (offered: readonly string[], cap: number): void => {
    for (const key of offered) if (admit(map, key, cap, () => undefined)) map.set(key, key);
  };
  offer(byHash.slice(10, 25), 10);
  expect([...map.keys()]).toEqual(byHash.slice(10, 20));
  offer(byHash.slice(25), 20);
  offer(byHash.slice(0, 10).toReversed(), 20);
  expect([...map.keys()].sort()).toEqual(byHash.slice(0, 20).sort());
});
