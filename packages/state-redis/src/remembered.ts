import type { Identity } from '@leastwise/audit-event';
import {
  FINGERPRINT_BYTES,
  FingerprintSet,
  hourOf,
  type SeenIdentities,
  type SeenIdentity,
} from '@leastwise/state';

import { identitiesField } from './field-names.ts';

/** What is remembered of identities: counted, known under another identity, only received. */
export type SetName = 'c' | 'r' | 'v';

/** The identities of one hour of a cluster, which are forgotten together. */
interface Bucket {
  readonly cluster: string;
  readonly hour: number;
}

const PIECE_BYTES = 4096;

/** One set of a bucket: for look-up here, and as pieces in Redis, of which only the last one still grows. */
class RememberedSet {
  readonly identities: FingerprintSet;
  pieces = 0;
  #last: Buffer = NO_BYTES;
  #lastLength = 0;
  #isLastChanged = false;
  /** Full pieces that are not in Redis yet, by number. */
  readonly #changed: (readonly [piece: number, bytes: Buffer])[] = [];

  /** @param expected - how many are to come; only a hint */
  constructor(expected: number) {
    this.identities = new FingerprintSet(expected);
  }

  /** Reads a piece; pieces come in any order. */
  load(bytes: Buffer, piece: number): void {
    const length = bytes.length - (bytes.length % FINGERPRINT_BYTES);
    this.identities.addBytes(bytes.subarray(0, length));
    if (piece < this.pieces) return;
    this.pieces = piece + 1;
    this.#last = Buffer.alloc(Math.max(PIECE_BYTES, length));
    this.#lastLength = bytes.copy(this.#last, 0, 0, length);
  }

  add({ hi, lo }: Identity): boolean {
    if (!this.identities.add(hi, lo)) return false;
    if (this.#lastLength === this.#last.length) this.#begin();
    this.#last.writeUInt32LE(lo, this.#lastLength);
    this.#last.writeUInt32LE(hi, this.#lastLength + 4);
    this.#lastLength += FINGERPRINT_BYTES;
    this.#isLastChanged = true;
    return true;
  }

  #begin(): void {
    if (this.#isLastChanged) this.#changed.push([this.pieces - 1, this.#last]);
    this.pieces += 1;
    this.#last = Buffer.allocUnsafeSlow(PIECE_BYTES);
    this.#lastLength = 0;
  }

  /** The pieces that changed since they were asked for last. */
  *takeChanged(): Generator<readonly [piece: number, bytes: Buffer], void> {
    yield* this.#changed;
    // A copy, since the piece grows on while this is on its way.
    if (this.#isLastChanged) {
      yield [this.pieces - 1, Buffer.from(this.#last.subarray(0, this.#lastLength))];
    }
    this.#changed.length = 0;
    this.#isLastChanged = false;
  }
}

const NO_BYTES = Buffer.alloc(0);
const SETS = ['c', 'r', 'v'] as const;

/** The sets of a bucket, of which most are never needed. */
class BucketSets {
  readonly #sets = new Map<SetName, RememberedSet>();
  /** Of `v`, those in neither of the others. */
  #onlyReceived: FingerprintSet | undefined;

  get(name: SetName): RememberedSet | undefined {
    return this.#sets.get(name);
  }

  /** @param like - sets of another hour, which say about how many are to come */
  of(name: SetName, like?: BucketSets): RememberedSet {
    let set = this.#sets.get(name);
    if (!set) {
      set = new RememberedSet(like?.get(name)?.identities.size ?? 0);
      this.#sets.set(name, set);
    }
    return set;
  }

  has(name: SetName, { hi, lo }: Identity): boolean {
    return this.#sets.get(name)?.identities.has(hi, lo) === true;
  }

  get onlyReceived(): number {
    return this.#onlyReceived?.size ?? 0;
  }

  /** Brings `onlyReceived` up to date for an identity that came into one of the sets. */
  settle(identity: Identity): void {
    // Where nothing was only received, and that is nearly everywhere, there is nothing to settle.
    if (!this.#sets.has('v')) return;
    const { hi, lo } = identity;
    const isOpen = this.has('v', identity) && !this.has('c', identity) && !this.has('r', identity);
    if (isOpen) (this.#onlyReceived ??= new FingerprintSet()).add(hi, lo);
    else this.#onlyReceived?.delete(hi, lo);
  }
}

/** Takes a field with its new bytes. */
export type Written = (field: string, bytes: Buffer) => void;

/**
 * The identities of a partition's requests, by cluster and hour, as long as they may come again. An hour that is
 * `dedupeHours` before its cluster's watermark is forgotten, and only the number of requests that never got an
 * outcome is kept.
 */
export class Remembered {
  readonly #dedupeHours: number;
  readonly #buckets = new Map<string, Map<number, BucketSets>>();
  /** The bucket that was found last. */
  #last: (Bucket & { readonly sets: BucketSets }) | undefined;

  constructor(dedupeHours: number) {
    this.#dedupeHours = dedupeHours;
  }

  /** Requests of the hours that are remembered of which nothing but RequestReceived was seen. */
  get onlyReceived(): number {
    let sum = 0;
    for (const hours of this.#buckets.values()) {
      for (const sets of hours.values()) sum += sets.onlyReceived;
    }
    return sum;
  }

  isCounted(seen: SeenIdentity): boolean {
    return this.#find(seen)?.has('c', seen) === true;
  }

  /** Reads a piece of a set. {@link Remembered.loaded} comes after the last one. */
  load(set: SetName, bucket: Bucket, piece: number, bytes: Buffer): void {
    (this.#find(bucket) ?? this.#make(bucket)).of(set).load(bytes, piece);
  }

  /** All pieces were read. */
  loaded(): void {
    for (const hours of this.#buckets.values()) {
      for (const sets of hours.values()) {
        for (const identity of sets.get('v')?.identities.entries() ?? []) sets.settle(identity);
      }
    }
  }

  /** Adds what a batch saw, and tells which fields that changes. */
  add(seen: Readonly<Record<'counted' | 'resolved' | 'received', SeenIdentities>>, written: Written): void {
    const touched = new Map<BucketSets, Bucket>();
    const put = (name: SetName, identities: SeenIdentities): void => {
      let last: BucketSets | undefined;
      for (const identity of identities) {
        const sets = this.#find(identity) ?? this.#make(identity);
        if (sets !== last) touched.set(sets, identity);
        last = sets;
        (sets.get(name) ?? sets.of(name, this.#before(identity))).add(identity);
        sets.settle(identity);
      }
    };
    put('c', seen.counted);
    put('r', seen.resolved);
    put('v', seen.received);
    for (const [sets, bucket] of touched) {
      for (const name of SETS) {
        for (const [piece, bytes] of sets.get(name)?.takeChanged() ?? []) {
          written(identitiesField(name, bucket, piece), bytes);
        }
      }
    }
  }

  /** Whether an hour is remembered at a watermark. */
  isRemembered(hour: number, watermarkUs: number | undefined): boolean {
    return watermarkUs === undefined || hourOf(watermarkUs) - hour <= this.#dedupeHours;
  }

  /**
   * Forgets what is too old at these watermarks.
   * @returns the fields that held it, and how many requests in it never got an outcome
   */
  forget(watermarks: ReadonlyMap<string, number>): { fields: string[]; onlyReceived: number } {
    const fields: string[] = [];
    let onlyReceived = 0;
    for (const [cluster, hours] of this.#buckets) {
      for (const [hour, sets] of hours) {
        if (this.isRemembered(hour, watermarks.get(cluster))) continue;
        hours.delete(hour);
        this.#last = undefined;
        onlyReceived += sets.onlyReceived;
        for (const name of SETS) {
          const pieces = sets.get(name)?.pieces ?? 0;
          for (let piece = 0; piece < pieces; piece += 1) {
            fields.push(identitiesField(name, { cluster, hour }, piece));
          }
        }
      }
    }
    return { fields, onlyReceived };
  }

  /** Requests come hour after hour, so the bucket that was asked for last is the one. */
  #find({ cluster, hour }: Bucket): BucketSets | undefined {
    const last = this.#last;
    if (last?.hour === hour && last.cluster === cluster) return last.sets;
    const sets = this.#buckets.get(cluster)?.get(hour);
    if (sets) this.#last = { cluster, hour, sets };
    return sets;
  }

  #before({ cluster, hour }: Bucket): BucketSets | undefined {
    return this.#buckets.get(cluster)?.get(hour - 1);
  }

  #make({ cluster, hour }: Bucket): BucketSets {
    let hours = this.#buckets.get(cluster);
    if (!hours) {
      hours = new Map();
      this.#buckets.set(cluster, hours);
    }
    const sets = new BucketSets();
    hours.set(hour, sets);
    return sets;
  }
}
