/**
 * Remembers what was made of a piece of JSON text, by its bytes, so that the few hundred users,
 * verbs and reasons of a cluster are made into strings and objects once. Bounded: a fixed number
 * of slots, in which a newer text takes the place of an older one. Crafted collisions cost the
 * remembering and nothing else, since bytes are compared in full.
 */
export class Memo<T> {
  readonly #maxLength: number;
  readonly #mask: number;
  readonly #texts: DataView;
  readonly #lengths: Uint32Array;
  readonly #values: (T | undefined)[];

  /** `slots` is a power of two; texts longer than `maxLength` bytes, a multiple of four, are never remembered. */
  constructor(slots: number, maxLength: number) {
    this.#mask = slots - 1;
    this.#maxLength = maxLength;
    this.#texts = new DataView(new ArrayBuffer(slots * maxLength));
    this.#lengths = new Uint32Array(slots);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
  }

  /** What `keep` was given for the same bytes, if it is still there. */
  find(bytes: DataView, start: number, end: number): T | undefined {
    const length = end - start;
    if (length > this.#maxLength) return undefined;
    const slot = this.#slotOf(bytes, start, end);
    if (this.#lengths[slot] !== length) return undefined;
    const texts = this.#texts;
    let other = slot * this.#maxLength;
    let at = start;
    for (; at + 4 <= end; at += 4, other += 4) {
      if (bytes.getInt32(at, true) !== texts.getInt32(other, true)) return undefined;
    }
    for (; at < end; at++, other++) if (bytes.getUint8(at) !== texts.getUint8(other)) return undefined;
    return this.#values[slot];
  }

  /** Texts that are too long are passed over. */
  keep(bytes: DataView, start: number, end: number, value: T): void {
    if (end - start > this.#maxLength) return;
    const slot = this.#slotOf(bytes, start, end);
    this.#lengths[slot] = end - start;
    this.#values[slot] = value;
    const texts = this.#texts;
    let other = slot * this.#maxLength;
    let at = start;
    for (; at + 4 <= end; at += 4, other += 4) texts.setInt32(other, bytes.getInt32(at, true), true);
    for (; at < end; at++, other++) texts.setUint8(other, bytes.getUint8(at));
  }

  /** The hash need only spread well: equality is what decides. */
  #slotOf(bytes: DataView, start: number, end: number): number {
    let hash = end - start;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ bytes.getInt32(at, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < end; at++) hash = Math.imul(hash ^ bytes.getUint8(at), 0x01000193);
    return (hash ^ (hash >>> 13)) & this.#mask;
  }
}
