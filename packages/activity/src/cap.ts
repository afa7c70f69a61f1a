import { capHash } from '@leastwise/audit-event';

/**
 * How many subjects a window of one cluster tells apart. The requests of all others are summed up in its `other`,
 * which is shown, never dropped in silence.
 */
export const MAX_SUBJECTS = 2000;

interface Ranked {
  readonly hash: number;
  readonly key: string;
}

/** The order in which a cap keeps keys: the smallest hashes first. */
function isBeyond(a: Ranked, b: Ranked): boolean {
  return a.hash === b.hash ? a.key > b.key : a.hash > b.hash;
}

function placeFor(ranks: readonly Ranked[], ranked: Ranked): number {
  let low = 0;
  let high = ranks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = ranks[middle];
    if (other !== undefined && isBeyond(ranked, other)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The keys of full maps in the order of their hashes: a flood of new keys costs a search each, not a sort. */
const ranksOfMaps = new WeakMap<ReadonlyMap<string, unknown>, Ranked[]>();

function ranksOf(map: ReadonlyMap<string, unknown>): Ranked[] {
  const known = ranksOfMaps.get(map);
  if (known !== undefined) return known;
  const ranks = Array.from(map.keys(), (key) => ({ hash: capHash(key), key }));
  ranks.sort((a, b) => (isBeyond(a, b) ? 1 : -1));
  ranksOfMaps.set(map, ranks);
  return ranks;
}

/**
 * Which key has to leave a full map for a new one: maybe the new one itself. So the map keeps the smallest hashes of all
 * keys ever offered, whatever their order, if the caller does as told and nobody else changes a full map.
 */
export function leaverFor(map: ReadonlyMap<string, unknown>, key: string): string {
  const ranks = ranksOf(map);
  const fresh = { hash: capHash(key), key };
  const last = ranks.at(-1);
  if (last === undefined || isBeyond(fresh, last)) return key;
  ranks.pop();
  ranks.splice(placeFor(ranks, fresh), 0, fresh);
  return last.key;
}
