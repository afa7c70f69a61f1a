import { capHash } from '@leastwise/audit-event';

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
  /** That one cell, or what is summed up in one overflow, names as granting. */
  bindings: 32,
} as const;

/** Whether `a` comes after `b` in the order in which caps keep keys: the smallest hashes first. */
export function isBeyond(a: string, b: string): boolean {
  const left = capHash(a);
  const right = capHash(b);
  return left === right ? a > b : left > right;
}

/** A list that one item was added to, without the last one in hash order where it has more than `cap` now. */
export function keepSmallest<T>(items: readonly T[], cap: number, keyOf: (item: T) => string): T[] {
  if (items.length <= cap) return [...items];
  const last = items.reduce((a, b) => (isBeyond(keyOf(b), keyOf(a)) ? b : a));
  return items.filter((each) => each !== last);
}

/** The keys of a full map as a heap with the last one in hash order at the top: a flood costs a logarithm a key. */
const heaps = new WeakMap<Map<string, unknown>, string[]>();

function siftUp(heap: string[], from: number): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const [child = '', above = ''] = [heap[at], heap[parent]];
    if (!isBeyond(child, above)) return;
    heap[at] = above;
    heap[parent] = child;
    at = parent;
  }
}

function siftDown(heap: string[]): void {
  let at = 0;
  for (;;) {
    let last = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && isBeyond(heap[child] ?? '', heap[last] ?? '')) last = child;
    }
    if (last === at) return;
    const [moved = '', below = ''] = [heap[at], heap[last]];
    heap[at] = below;
    heap[last] = moved;
    at = last;
  }
}

function heapOf(map: Map<string, unknown>): string[] {
  const known = heaps.get(map);
  if (known && known.length === map.size) return known;
  const heap: string[] = [];
  for (const key of map.keys()) siftUp(heap, heap.push(key) - 1);
  heaps.set(map, heap);
  return heap;
}

/**
 * Makes room for `key` in a map that keeps the `cap` smallest hashes. Which keys stay depends only on
 * the set of all keys ever offered, not on their order: so nobody else may take keys out of such a map.
 * @returns whether the key may be put in, which the caller then does; what had to leave for it is handed to `evict`.
 */
export function admit<V>(
  map: Map<string, V>,
  key: string,
  cap: number,
  evict: (value: V, key: string) => void,
): boolean {
  if (map.size < cap) return true;
  const heap = heapOf(map);
  const last = heap[0] ?? '';
  if (isBeyond(key, last)) return false;
  const value = map.get(last);
  map.delete(last);
  heap[0] = key;
  siftDown(heap);
  if (value !== undefined) evict(value, last);
  return true;
}
