import { endianness } from 'node:os';

import type { Identity } from '@leastwise/audit-event';

/** Bytes of one identity, in memory and in {@link FingerprintSet.pieces}. */
export const FINGERPRINT_BYTES = 8;

const SEGMENT_BITS = 6;
const SEGMENTS = 1 << SEGMENT_BITS;
const FIRST_CAPACITY = 8;
// Filled to 3/4 and then grown by half, a segment stays at least half full: 10.7 to 16 bytes an entry.
const MAX_LOAD = 0.75;
const GROWTH = 1.5;

// A slot's halves lie as a 64-bit integer of this machine does, so that a native sort can order slots.
const LITTLE_ENDIAN = endianness() === 'LE';
const LOW = LITTLE_ENDIAN ? 0 : 1;
const HIGH = 1 - LOW;

// Identities are keyed hashes already; this spreads hand-made ones, and makes both halves count.
function spread(hi: number, lo: number): number {
  return (Math.imul(lo, 0x9e3779b1) + Math.imul(hi, 0x85ebca6b)) >>> 0;
}

/** Open addressing with linear probing; the slot of a hash is its share of the capacity, so any capacity will do. */
class Segment {
  /** Halves as signed integers, which compare fastest. Both 0 is an empty slot. */
  #slots: Int32Array;
  #scale: number;
  #limit: number;
  size = 0;

  constructor(capacity: number) {
    this.#slots = new Int32Array(2 * capacity);
    this.#scale = capacity / 2 ** 32;
    this.#limit = Math.floor(capacity * MAX_LOAD);
  }

  /** Where the entry is, or the empty slot where it would be; as an index of its first half. */
  #find(hi: number, lo: number): number {
    const slots = this.#slots;
    let at = Math.floor(spread(hi, lo) * this.#scale) * 2;
    for (;;) {
      const low = slots[at + LOW];
      const high = slots[at + HIGH];
      if ((low === lo && high === hi) || (low === 0 && high === 0)) return at;
      at = at + 2 === slots.length ? 0 : at + 2;
    }
  }

  #isEmpty(at: number): boolean {
    return this.#slots[at] === 0 && this.#slots[at + 1] === 0;
  }

  has(hi: number, lo: number): boolean {
    return !this.#isEmpty(this.#find(hi, lo));
  }

  add(hi: number, lo: number): boolean {
    let at = this.#find(hi, lo);
    if (!this.#isEmpty(at)) return false;
    if (this.size >= this.#limit) {
      this.#grow();
      at = this.#find(hi, lo);
    }
    this.#slots[at + LOW] = lo;
    this.#slots[at + HIGH] = hi;
    this.size += 1;
    return true;
  }

  delete(hi: number, lo: number): boolean {
    let hole = this.#find(hi, lo);
    if (this.#isEmpty(hole)) return false;
    const slots = this.#slots;
    // Close the hole: an entry moves back unless its own place lies between the hole and where it is.
    for (let at = hole; ;) {
      at = at + 2 === slots.length ? 0 : at + 2;
      if (this.#isEmpty(at)) break;
      const home = Math.floor(spread(slots[at + HIGH] ?? 0, slots[at + LOW] ?? 0) * this.#scale) * 2;
      const stays = hole <= at ? hole < home && home <= at : hole < home || home <= at;
      if (stays) continue;
      slots.copyWithin(hole, at, at + 2);
      hole = at;
    }
    slots.fill(0, hole, hole + 2);
    this.size -= 1;
    return true;
  }

  // Hashes keep their order from one capacity to the next, so this walks both tables from start to end.
  #grow(): void {
    const old = this.#slots;
    const capacity = Math.ceil((old.length / 2) * GROWTH);
    const slots = new Int32Array(2 * capacity);
    const scale = capacity / 2 ** 32;
    for (let from = 0; from < old.length; from += 2) {
      const lo = old[from + LOW] ?? 0;
      const hi = old[from + HIGH] ?? 0;
      if (lo === 0 && hi === 0) continue;
      let at = Math.floor(spread(hi, lo) * scale) * 2;
      while (slots[at] !== 0 || slots[at + 1] !== 0) at = at + 2 === slots.length ? 0 : at + 2;
      slots[at + LOW] = lo;
      slots[at + HIGH] = hi;
    }
    this.#slots = slots;
    this.#scale = scale;
    this.#limit = Math.floor(capacity * MAX_LOAD);
  }

  /** The entries, ascending, 8 little-endian bytes each. */
  sorted(): Buffer {
    const entries = new Int32Array(2 * this.size);
    let filled = 0;
    for (let at = 0; at < this.#slots.length; at += 2) {
      if (this.#isEmpty(at)) continue;
      entries[filled] = this.#slots[at] ?? 0;
      entries[filled + 1] = this.#slots[at + 1] ?? 0;
      filled += 2;
    }
    new BigUint64Array(entries.buffer).sort();
    const bytes = Buffer.from(entries.buffer);
    return LITTLE_ENDIAN ? bytes : bytes.swap64();
  }
}

/**
 * A set of 64-bit identities in at most 16 bytes each (8 kB for the empty set), for hashes that an
 * attacker cannot choose. It grows in 64 parts, so that growing needs little memory beside it and
 * never pauses for long.
 */
export class FingerprintSet {
  readonly #segments: readonly Segment[];
  // An empty slot is all zeros, so that identity stands apart.
  #hasZero = false;

  /** @param expected - how many identities are to come; only a hint. */
  constructor(expected = 0) {
    const share = Math.ceil((expected / SEGMENTS / MAX_LOAD) * 1.05);
    const capacity = Math.max(FIRST_CAPACITY, share);
    this.#segments = Array.from({ length: SEGMENTS }, () => new Segment(capacity));
  }

  get size(): number {
    let size = this.#hasZero ? 1 : 0;
    for (const segment of this.#segments) size += segment.size;
    return size;
  }

  // By the leading bits, so that the segments one after the other are in ascending order.
  #segmentOf(hi: number): Segment {
    const segment = this.#segments[hi >>> (32 - SEGMENT_BITS)];
    if (!segment) throw new RangeError('an identity consists of 32-bit halves');
    return segment;
  }

  has(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) return this.#hasZero;
    return this.#segmentOf(hi).has(hi | 0, lo | 0);
  }

  /** @returns whether it was not yet in the set. */
  add(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) {
      const isNew = !this.#hasZero;
      this.#hasZero = true;
      return isNew;
    }
    return this.#segmentOf(hi).add(hi | 0, lo | 0);
  }

  /** @returns whether it was in the set. */
  delete(hi: number, lo: number): boolean {
    if ((hi | lo) === 0) {
      const had = this.#hasZero;
      this.#hasZero = false;
      return had;
    }
    return this.#segmentOf(hi).delete(hi | 0, lo | 0);
  }

  /** The identities, ascending. */
  *entries(): Generator<Identity, void> {
    for (const piece of this.pieces()) {
      for (let at = 0; at < piece.length; at += FINGERPRINT_BYTES) {
        yield { hi: piece.readUInt32LE(at + 4), lo: piece.readUInt32LE(at) };
      }
    }
  }

  /**
   * The identities, ascending, as little-endian 64-bit integers, in pieces of whole identities: one
   * piece at a time is in memory. The same set gives the same bytes.
   */
  *pieces(): Generator<Buffer, void> {
    if (this.#hasZero) yield Buffer.alloc(FINGERPRINT_BYTES);
    for (const segment of this.#segments) {
      if (segment.size > 0) yield segment.sorted();
    }
  }

  /** All of {@link FingerprintSet.pieces} at once. */
  toBytes(): Buffer {
    return Buffer.concat([...this.pieces()]);
  }

  /**
   * Adds the identities of a piece.
   * @throws RangeError where `bytes` does not consist of whole identities.
   */
  addBytes(bytes: Uint8Array): void {
    if (bytes.length % FINGERPRINT_BYTES !== 0) throw new RangeError('a part of an identity is missing');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += FINGERPRINT_BYTES) {
      this.add(view.getUint32(at + 4, true), view.getUint32(at, true));
    }
  }

  /**
   * The set that {@link FingerprintSet.toBytes} came from.
   * @throws RangeError where `bytes` does not consist of whole identities.
   */
  static fromBytes(bytes: Uint8Array): FingerprintSet {
    const set = new FingerprintSet(bytes.length / FINGERPRINT_BYTES);
    set.addBytes(bytes);
    return set;
  }
}
