/** A source of numbers that is the same on every machine for the same seed. Not for secrets. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** An integer in [0, below). */
  int(below: number): number;
  /** @throws RangeError for an empty list */
  pick<T>(items: readonly T[]): T;
  /** A copy in another order. */
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * Mulberry32, seeded.
 * @param seed - used modulo 2^32
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  function int(below: number): number {
    return Math.floor(next() * below);
  }
  return {
    next,
    int,
    pick: (items) => at(items, int(items.length)),
    shuffle: (items) => shuffled(items, int),
  };
}

function at<T>(items: readonly T[], index: number): T {
  if (index >= items.length) throw new RangeError('nothing to pick from an empty list');
  return items[index] as T; // a checked index
}

function shuffled<T>(items: readonly T[], int: (below: number) => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = int(last + 1);
    const moved = at(result, last);
    result[last] = at(result, other);
    result[other] = moved;
  }
  return result;
}
