import { expect, test } from 'vitest';

import { createRandom } from './random.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const numbers = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 8 }, () => random.int(1000));
  };
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
});

test('numbers stay in range and fill it', () => {
  const random = createRandom(1);
  const counts = new Map<number, number>();
  for (let i = 0; i < 10_000; i += 1) {
    const number = random.int(10);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(Math.min(...counts.values())).toBeGreaterThan(800);
});

test('a shuffle keeps every item and its argument', () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = createRandom(3).shuffle(items);
  expect(shuffled).not.toEqual(items);
  expect([...shuffled].sort()).toEqual(items);
  expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('an empty list has nothing to pick', () => {
  expect(() => createRandom(1).pick([])).toThrow(RangeError);
});
