import type { ClusterState } from '@leastwise/rbac';
import { emptyCluster } from '@leastwise/rbac';
import { type Batch, newestOf, type SeenIdentity, type Tally } from '@leastwise/state';

import { horizonUs, withoutOld } from './expiry.ts';
import { META } from './field-names.ts';
import { encodeJournal } from './journal.ts';
import { mergeWithChanges } from './merge-changes.ts';
import { encodeNumbers, encodeWatermarks, type PartitionContent } from './partition-content.ts';
import type { PartitionWindows } from './partition-windows.ts';
import type { Remembered } from './remembered.ts';
import { MAX_DROPPED, MAX_PAIRS } from './scripts.ts';

/** Room for the fields that every commit writes. */
const MAX_FIELDS = MAX_PAIRS - 4;

/**
 * A partition in the hands of its owner, who knows everything that stands in Redis and so can say what is to stand
 * there next. What Redis did not take makes it worthless: then it has to be claimed and loaded again.
 */
export class OwnedPartition {
  readonly key: string;
  readonly token: string;
  position: string;
  readonly watermarks: Map<string, number>;
  readonly remembered: Remembered;
  readonly #windows: PartitionWindows;
  readonly #clusters: Map<string, ClusterState>;
  #tally: Tally;
  #forgottenReceived: number;
  /** Fields whose value in Redis is out of date: the journal has the new one. */
  #unwritten: Map<string, string | Buffer>;
  #hasJournal: boolean;
  readonly #garbage: Set<string>;
  readonly #keepDays: number;
  /** By cluster, before which time nothing is kept. */
  readonly #horizons = new Map<string, number>();

  constructor(key: string, token: string, content: PartitionContent, keepDays: number) {
    this.#keepDays = keepDays;
    this.key = key;
    this.token = token;
    this.position = content.position;
    this.watermarks = content.watermarks;
    this.remembered = content.remembered;
    this.#windows = content.windows;
    this.#windows.forgetClosedCells();
    this.#clusters = content.clusters;
    this.#tally = content.tally;
    this.#forgottenReceived = content.forgottenReceived;
    this.#unwritten = content.journalled;
    this.#hasJournal = content.hasJournal;
    this.#garbage = content.garbage;
    for (const name of this.#clusters.keys()) this.#horizons.set(name, this.#horizon(name));
  }

  #horizon(cluster: string): number {
    return horizonUs(this.watermarks.get(cluster), this.#keepDays);
  }

  isCounted(seen: SeenIdentity): boolean {
    return this.remembered.isCounted(seen);
  }

  /** Takes a batch in. @returns what is to be written for it: field, value, field, value, … */
  apply({ to, deltas }: Batch): (string | Buffer)[] {
    const changed = (field: string, value: string | Buffer): void => {
      this.#unwritten.set(field, value);
      this.#garbage.delete(field);
    };
    for (const [name, delta] of deltas.clusters) {
      const cluster = this.#clusters.get(name) ?? emptyCluster(name);
      this.#clusters.set(name, cluster);
      mergeWithChanges(cluster, delta, changed);
    }
    this.remembered.add(deltas, changed);
    this.#windows.add(deltas.activity, changed);
    for (const [cluster, us] of deltas.watermarks) {
      this.watermarks.set(cluster, Math.max(us, this.watermarks.get(cluster) ?? us));
    }
    this.#forget();
    const newest = (cluster: string): number | undefined => newestOf(this.#clusters, cluster);
    this.#windows.advance(this.watermarks, newest, { changed, gone: this.#gone });
    for (const [name, { firstSeenUs }] of deltas.clusters) this.#dropOld(name, firstSeenUs);
    const { late, lost } = deltas.tally;
    this.#tally = { late: this.#tally.late + late, lost: this.#tally.lost + lost };
    this.position = to;
    return this.#pairs();
  }

  /** Whether the journal grows faster than commits write it out. */
  get isBehind(): boolean {
    return this.#unwritten.size > MAX_FIELDS;
  }

  /** What is to be written to catch up, at the same position. */
  catchUp(): (string | Buffer)[] {
    return this.#pairs();
  }

  /** Some of the fields that mean nothing at this position; they are not told of again. */
  takeGarbage(): string[] {
    const fields: string[] = [];
    for (const field of this.#garbage) {
      if (fields.length === MAX_DROPPED) break;
      // What is still in the journal would come back from there.
      if (!this.#unwritten.has(field)) fields.push(field);
    }
    for (const field of fields) this.#garbage.delete(field);
    return fields;
  }

  /** What was last seen too long before the watermark goes; looked for when a day is over, and where old events came. */
  #dropOld(name: string, firstSeenUs: number): void {
    const cluster = this.#clusters.get(name);
    const beforeUs = this.#horizon(name);
    if (!cluster || (beforeUs === this.#horizons.get(name) && firstSeenUs >= beforeUs)) return;
    this.#horizons.set(name, beforeUs);
    this.#clusters.set(name, withoutOld(cluster, beforeUs, this.#gone));
  }

  readonly #gone = (field: string): void => {
    this.#unwritten.delete(field);
    this.#garbage.add(field);
  };

  #forget(): void {
    const { fields, onlyReceived } = this.remembered.forget(this.watermarks);
    this.#forgottenReceived += onlyReceived;
    for (const field of fields) this.#gone(field);
  }

  #pairs(): (string | Buffer)[] {
    const numbers = encodeNumbers({
      ...this.#tally,
      forgottenReceived: this.#forgottenReceived,
      onlyReceived: this.remembered.onlyReceived,
    });
    const pairs: (string | Buffer)[] = [META.position, this.position, META.numbers, numbers];
    if (this.watermarks.size > 0) pairs.push(META.watermarks, encodeWatermarks(this.watermarks));
    let written = 0;
    for (const [field, value] of this.#unwritten) {
      if (written === MAX_FIELDS) break;
      pairs.push(field, value);
      this.#unwritten.delete(field);
      if (value.length === 0) this.#garbage.add(field);
      written += 1;
    }
    // A command has no room for more; what is left stands in one field until the next commits find room.
    if (this.#hasJournal || this.#unwritten.size > 0) {
      pairs.push(META.journal, encodeJournal(this.#unwritten));
      this.#hasJournal = this.#unwritten.size > 0;
    }
    return pairs;
  }
}
