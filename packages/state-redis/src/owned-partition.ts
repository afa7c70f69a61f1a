import type { ClusterState } from '@leastwise/rbac';
import { emptyCluster } from '@leastwise/rbac';
import { type Batch, type Deltas, newestOf, type SeenIdentity, type Tally } from '@leastwise/state';

import { horizonUs, withoutOld } from './expiry.ts';
import { META, segmentField } from './field-names.ts';
import { encodeJournal } from './journal.ts';
import { mergeWithChanges } from './merge-changes.ts';
import { encodeNumbers, encodeWatermarks, type PartitionContent } from './partition-content.ts';
import type { PartitionDays } from './partition-days.ts';
import type { PartitionWindows } from './partition-windows.ts';
import type { Remembered } from './remembered.ts';
import { MAX_DROPPED, MAX_PAIRS } from './scripts.ts';
import { encodeSegment } from './segment.ts';
import { type FoldLimits, Unfolded } from './unfolded.ts';

/** Room for what a commit writes besides fields: position, revision, numbers, watermarks, journal, segment, folded. */
const MAX_FIELDS = MAX_PAIRS - 8;

/** What an owner goes by. */
export interface OwnerOptions {
  readonly keepDays: number;
  readonly foldLimits: FoldLimits;
}

/**
 * A partition in the hands of its owner, who knows everything that stands in Redis and so can say what is to stand
 * there next. What Redis did not take makes it worthless: then it has to be claimed and loaded again.
 *
 * Most commits write what their batch adds as it is, as a segment. When there are enough of those, a commit folds: it
 * writes the sums into the fields of clusters and windows, and from then on the segments mean nothing.
 */
export class OwnedPartition {
  readonly key: string;
  readonly token: string;
  position: string;
  /** How many commits there were: what is written next is the one after. */
  revision: number;
  readonly watermarks: Map<string, number>;
  readonly remembered: Remembered;
  readonly #windows: PartitionWindows;
  readonly #days: PartitionDays;
  /** What stands in fields. */
  readonly #clusters: Map<string, ClusterState>;
  #unfolded: Unfolded;
  #tally: Tally;
  #forgottenReceived: number;
  /** Fields whose value in Redis is out of date: the journal has the new one. */
  #unwritten: Map<string, string | Buffer>;
  #hasJournal: boolean;
  /** Whether the journal in Redis lacks something that is unwritten, or says otherwise. */
  #isJournalOld = false;
  readonly #garbage: Set<string>;
  readonly #options: OwnerOptions;
  /** By cluster, before which time nothing is kept. */
  readonly #horizons = new Map<string, number>();

  /** @throws Malformed where a day is damaged */
  constructor(key: string, token: string, content: PartitionContent, options: OwnerOptions) {
    this.#options = options;
    this.key = key;
    this.token = token;
    this.position = content.position;
    this.revision = content.revision;
    this.watermarks = content.watermarks;
    this.remembered = content.remembered;
    this.#windows = content.windows;
    this.#windows.forgetClosedCells();
    this.#days = content.days;
    this.#days.own(content.watermarks);
    this.#clusters = content.clusters;
    this.#unfolded = content.unfolded;
    this.#tally = content.tally;
    this.#forgottenReceived = content.forgottenReceived;
    this.#unwritten = content.journalled;
    this.#hasJournal = content.hasJournal;
    this.#garbage = content.garbage;
    for (const name of this.watermarks.keys()) this.#horizons.set(name, this.#horizon(name));
  }

  #horizon(cluster: string): number {
    return horizonUs(this.watermarks.get(cluster), this.#options.keepDays);
  }

  isCounted(seen: SeenIdentity): boolean {
    return this.remembered.isCounted(seen);
  }

  /** Takes a batch in. @returns what is to be written for it: field, value, field, value, … */
  apply({ to, deltas }: Batch): (string | Buffer)[] {
    this.remembered.add(deltas, this.#changed);
    for (const [cluster, us] of deltas.watermarks) {
      this.watermarks.set(cluster, Math.max(us, this.watermarks.get(cluster) ?? us));
    }
    this.#forget();
    this.#windows.add(deltas.activity);
    this.#days.add(deltas.activity);
    const { late, lost } = deltas.tally;
    this.#tally = { late: this.#tally.late + late, lost: this.#tally.lost + lost };
    this.position = to;
    const own = this.#mustFold(deltas) ? this.#fold(deltas) : this.#segment(deltas);
    return this.#pairs(own);
  }

  /** Whether the journal grows faster than commits write it out. */
  get isBehind(): boolean {
    return this.#unwritten.size > MAX_FIELDS;
  }

  /** What is to be written to catch up, at the same position. */
  catchUp(): (string | Buffer)[] {
    return this.#pairs([]);
  }

  /**
   * Evidence that is too old goes when a day is over, and where old events came. All that came before has to be in its
   * sums then: whether a cell is too old is asked of the whole of it.
   */
  #mustFold({ clusters, watermarks }: Deltas): boolean {
    if (this.#unfolded.isFull(this.#options.foldLimits)) return true;
    for (const name of watermarks.keys()) {
      const known = this.#horizons.get(name);
      if (known === undefined) this.#horizons.set(name, this.#horizon(name));
      else if (known !== this.#horizon(name)) return true;
    }
    for (const [name, { firstSeenUs }] of clusters) {
      if (firstSeenUs < (this.#horizons.get(name) ?? -Infinity)) return true;
    }
    return false;
  }

  #segment(deltas: Deltas): (string | Buffer)[] {
    if (deltas.clusters.size === 0 && deltas.activity.size === 0) return [];
    const bytes = encodeSegment(deltas);
    const revision = this.revision + 1;
    this.#unfolded.add(revision, deltas.clusters, bytes.length);
    return [segmentField(revision), bytes];
  }

  #fold({ clusters }: Deltas): (string | Buffer)[] {
    for (const deltas of [this.#unfolded.clusters, clusters]) {
      for (const [name, delta] of deltas) {
        const cluster = this.#clusters.get(name) ?? emptyCluster(name);
        this.#clusters.set(name, cluster);
        mergeWithChanges(cluster, delta, this.#changed);
      }
    }
    for (const field of this.#unfolded.fields) this.#garbage.add(field);
    this.#unfolded = new Unfolded();
    const newest = (cluster: string): number | undefined => newestOf(this.#clusters, cluster);
    const listener = { changed: this.#changed, gone: this.#gone };
    this.#windows.fold(this.watermarks, newest, listener);
    this.#days.fold(this.watermarks, newest, listener);
    for (const name of this.#clusters.keys()) this.#dropOld(name, clusters.get(name)?.firstSeenUs);
    return [META.folded, String(this.revision + 1)];
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

  /** What was last seen too long before the watermark goes. @param firstSeenUs - the oldest of what has just come */
  #dropOld(name: string, firstSeenUs = Infinity): void {
    const cluster = this.#clusters.get(name);
    const beforeUs = this.#horizon(name);
    if (!cluster || (beforeUs === this.#horizons.get(name) && firstSeenUs >= beforeUs)) return;
    this.#horizons.set(name, beforeUs);
    this.#clusters.set(name, withoutOld(cluster, beforeUs, this.#gone));
  }

  readonly #changed = (field: string, value: string | Buffer): void => {
    this.#unwritten.set(field, value);
    this.#garbage.delete(field);
    this.#isJournalOld = true;
  };

  readonly #gone = (field: string): void => {
    if (this.#unwritten.delete(field)) this.#isJournalOld = true;
    this.#garbage.add(field);
  };

  #forget(): void {
    const { fields, onlyReceived } = this.remembered.forget(this.watermarks);
    this.#forgottenReceived += onlyReceived;
    for (const field of fields) this.#gone(field);
  }

  #pairs(own: readonly (string | Buffer)[]): (string | Buffer)[] {
    this.revision += 1;
    const numbers = encodeNumbers({
      ...this.#tally,
      forgottenReceived: this.#forgottenReceived,
      onlyReceived: this.remembered.onlyReceived,
    });
    const pairs: (string | Buffer)[] = [META.position, this.position, META.revision, String(this.revision)];
    pairs.push(META.numbers, numbers, ...own);
    if (this.watermarks.size > 0) pairs.push(META.watermarks, encodeWatermarks(this.watermarks));
    let written = 0;
    for (const [field, value] of this.#unwritten) {
      if (written === MAX_FIELDS) break;
      pairs.push(field, value);
      this.#unwritten.delete(field);
      if (value.length === 0) this.#garbage.add(field);
      written += 1;
    }
    this.#addJournal(pairs);
    return pairs;
  }

  /**
   * A command has no room for more; what is left stands in one field until the next commits find room. As long as
   * nothing changes they leave it as it is: what they take out of it says the same as its field.
   */
  #addJournal(pairs: (string | Buffer)[]): void {
    const isNeeded = this.#unwritten.size > 0;
    if (isNeeded ? this.#isJournalOld : this.#hasJournal) {
      pairs.push(META.journal, encodeJournal(this.#unwritten));
    }
    this.#hasJournal = isNeeded;
    this.#isJournalOld = false;
  }
}
