/**
 * How large one cluster's state may grow. Whatever goes beyond is summed up in an `overflow` that is
 * shown, never dropped in silence: names widen to unnamed, rules and subjects mark a policy incomplete.
 */
export const CAPS = {
  subjects: 200_000,
  rules: 20_000,
  names: 256,
  /** Refused requests are cheap to send, so they get little room. */
  deniedRules: 100,
  deniedNames: 16,
  namespaces: 100_000,
  groups: 32,
} as const;

/** A 32-bit hash of a string (FNV-1a with a final mix). It decides what a cap keeps, so it must never change. */
export function capHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}

/** Whether `a` comes after `b` in the order in which caps keep keys: the smallest hashes first. */
export function isBeyond(a: string, b: string): boolean {
  const left = capHash(a);
  const right = capHash(b);
  return left === right ? a > b : left > right;
}

// The last key in hash order of each full map: found once, so that a flood of new keys costs a comparison each.
const lastKeys = new WeakMap<Map<string, unknown>, string>();

function lastKeyOf(map: Map<string, unknown>): string {
  const known = lastKeys.get(map);
  if (known !== undefined && map.has(known)) return known;
  let last: string | undefined;
  for (const key of map.keys()) if (last === undefined || isBeyond(key, last)) last = key;
  const found = last ?? '';
  lastKeys.set(map, found);
  return found;
}

/**
 * Makes room for `key` in a map that keeps the `cap` smallest hashes. Which keys stay depends only on
 * the set of all keys ever offered, not on their order.
 * @returns whether the key may be put in; what had to leave for it is handed to `evict`.
 */
export function admit<V>(map: Map<string, V>, key: string, cap: number, evict: (value: V) => void): boolean {
  if (map.size < cap) {
    const known = lastKeys.get(map);
    if (known !== undefined && isBeyond(key, known)) lastKeys.delete(map);
    return true;
  }
  const last = lastKeyOf(map);
  if (isBeyond(key, last)) return false;
  const value = map.get(last);
  map.delete(last);
  lastKeys.delete(map);
  if (value !== undefined) evict(value);
  return true;
}
