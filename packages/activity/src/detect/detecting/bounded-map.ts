import { capHash } from '@leastwise/audit-event';

interface Ranked {
  readonly hash: number;
  readonly key: string;
}

function compareRanks(a: Ranked, b: Ranked): number {
  return a.hash - b.hash || (a.key < b.key ? -1 : Number(a.key > b.key));
}

/**
 * Values by keys, so many and no more: those of the smallest hashes are kept, the same ones in any order. Each use of a
 * key is counted, and what is beyond is told by {@link BoundedMap.beyond}. It is cut only when it is twice too large, so
 * that a flood of keys costs a sort for every so many.
 */
export class BoundedMap<V extends object> {
  #entries = new Map<string, { uses: number; readonly value: V }>();
  readonly #max: number;
  readonly #make: () => V;
  /** The last rank that was kept: what is behind it never will be. */
  #last: Ranked | undefined;
  #beyond = 0;

  /** @param make - an empty value */
  constructor(max: number, make: () => V) {
    this.#max = max;
    this.#make = make;
  }

  /** The value of a key for one or more uses of it; `undefined` where the key is beyond the bound. */
  use(key: string, uses = 1): V | undefined {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.uses += uses;
      return known.value;
    }
    if (this.#last !== undefined && compareRanks({ hash: capHash(key), key }, this.#last) > 0) {
      this.#beyond += uses;
      return undefined;
    }
    const value = this.#make();
    this.#entries.set(key, { uses, value });
    if (this.#entries.size >= 2 * this.#max) this.#cut();
    // Cutting may have taken the new one away; what is added to it then is lost with it, and counted.
    return value;
  }

  /** The keys that are kept and their values, by code units. */
  entries(): [key: string, value: V][] {
    this.#cut();
    return [...this.#entries]
      .map(([key, { value }]): [string, V] => [key, value])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** The value of a key, without a use of it. Ask when all was added. */
  get(key: string): V | undefined {
    this.#cut();
    return this.#entries.get(key)?.value;
  }

  /** How many uses were of keys that are not kept. */
  get beyond(): number {
    this.#cut();
    return this.#beyond;
  }

  #cut(): void {
    if (this.#entries.size <= this.#max) return;
    const ranked = [...this.#entries.keys()].map((key) => ({ hash: capHash(key), key })).sort(compareRanks);
    this.#last = ranked[this.#max - 1];
    for (const { key } of ranked.slice(this.#max)) {
      this.#beyond += this.#entries.get(key)?.uses ?? 0;
      this.#entries.delete(key);
    }
  }
}
