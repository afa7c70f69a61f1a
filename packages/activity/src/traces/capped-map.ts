import { leaverFor } from '../cap.ts';

/**
 * Values by keys that others choose, so many and no more: it keeps the smallest hashes, the same ones in any order, and
 * the values of all others are merged into {@link CappedMap.other}.
 */
export class CappedMap<V> {
  /** The sum of what is beyond the cap. */
  readonly other: V;
  readonly #entries = new Map<string, V>();
  readonly #max: number;
  readonly #make: () => V;
  readonly #merge: (into: V, from: V) => void;

  /**
   * @param make - an empty value
   * @param merge - adds a value to another; commutative, for the sum not to depend on an order
   */
  constructor(max: number, make: () => V, merge: (into: V, from: V) => void) {
    this.#max = max;
    this.#make = make;
    this.#merge = merge;
    this.other = make();
  }

  /** The value to add to for a key: its own, or `other`. */
  at(key: string): V {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#max) {
      const leaver = leaverFor(this.#entries, key);
      if (leaver === key) return this.other;
      const leaving = this.#entries.get(leaver);
      if (leaving !== undefined) this.#merge(this.other, leaving);
      this.#entries.delete(leaver);
    }
    const fresh = this.#make();
    this.#entries.set(key, fresh);
    return fresh;
  }

  /** The value that a key has of its own. */
  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Puts a value in the place of what a key has, as {@link CappedMap.at} would make it. */
  set(key: string, value: V): void {
    const known = this.at(key);
    if (known === this.other) this.#merge(this.other, value);
    else this.#entries.set(key, value);
  }

  /** The values that are told apart, in no particular order. */
  values(): IterableIterator<V> {
    return this.#entries.values();
  }

  /** The keys that have values of their own, by code units. */
  entries(): [key: string, value: V][] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Requests that are counted up. */
export interface Count {
  requests: number;
  refused: number;
}

/** A count of nothing. */
export function noCount(): Count {
  return { requests: 0, refused: 0 };
}

/** Adds a count to another. */
export function addCount(into: Count, from: Readonly<Count>): void {
  into.requests += from.requests;
  into.refused += from.refused;
}

/** Counts of keys, so many and no more. */
export function cappedCounts(max: number): CappedMap<Count> {
  return new CappedMap(max, noCount, addCount);
}
