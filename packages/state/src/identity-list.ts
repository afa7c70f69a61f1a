import { FingerprintSet } from './fingerprint-set.ts';
import type { SeenIdentities, SeenIdentity } from './types.ts';

/**
 * Identities without repetition, in the order in which they came. Kept by columns: a batch has ten thousands of them, and an
 * object for each would live just long enough to be what its worker collects garbage for.
 */
export class IdentityList implements SeenIdentities {
  readonly #his: number[] = [];
  readonly #los: number[] = [];
  readonly #clusters: string[] = [];
  readonly #hours: number[] = [];
  readonly #known: FingerprintSet;

  /** @param expected - how many are to come; only a hint */
  constructor(expected: number) {
    this.#known = new FingerprintSet(expected);
  }

  get length(): number {
    return this.#his.length;
  }

  /** @returns whether it was not yet in the list. */
  add({ hi, lo, cluster, hour }: SeenIdentity): boolean {
    if (!this.#known.add(hi, lo)) return false;
    this.#his.push(hi);
    this.#los.push(lo);
    this.#clusters.push(cluster);
    this.#hours.push(hour);
    return true;
  }

  *[Symbol.iterator](): Generator<SeenIdentity, void> {
    for (let i = 0; i < this.#his.length; i += 1) {
      const [hi = 0, lo = 0, hour = 0] = [this.#his[i], this.#los[i], this.#hours[i]];
      yield { hi, lo, cluster: this.#clusters[i] ?? '', hour };
    }
  }
}
