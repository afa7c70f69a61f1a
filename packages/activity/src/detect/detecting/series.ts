import { capHash, type Permission } from '@leastwise/audit-event';

import { type ResourceClass, resourceClassOf, type VerbClass, verbClassOf } from '../../classes.ts';
import { windowOf } from '../../windows.ts';
import { compareTexts, firstSamples, type Sample } from './evidence.ts';
import { DayCounts, WINDOWS_OF_DAY } from './day-counts.ts';

/** How many samples of a day are kept: a burst is most of its day, so that some are of it. */
const MAX_DAY_SAMPLES = 16;

interface Hashed extends Sample {
  readonly hash: number;
}

function compareHashed(a: Hashed, b: Hashed): number {
  return a.hash - b.hash || a.us - b.us || compareTexts(a.auditID, b.auditID);
}

/** What one subject asked of one kind: how often in each window of five minutes, with samples of each day. */
export class Series {
  readonly counts = new DayCounts();
  readonly #samples = new Map<number, readonly Hashed[]>();

  /** Counts one request. */
  add(sample: Sample): void {
    const window = windowOf('5m', sample.us);
    this.counts.add(window);
    const day = Math.floor(window / WINDOWS_OF_DAY);
    const known = this.#samples.get(day) ?? [];
    const hashed = {
      us: sample.us,
      auditID: sample.auditID,
      hash: capHash(`${String(sample.us)} ${sample.auditID}`),
    };
    const last = known[MAX_DAY_SAMPLES - 1];
    if (last !== undefined && compareHashed(hashed, last) >= 0) return;
    this.#samples.set(day, [...known, hashed].sort(compareHashed).slice(0, MAX_DAY_SAMPLES));
  }

  /** Forgets the days before one. */
  forgetBefore(day: number): void {
    this.counts.forgetBefore(day);
    for (const each of this.#samples.keys()) if (each < day) this.#samples.delete(each);
  }

  /** Some of the requests from one window up to before another one, of the same day. */
  samplesIn(from: number, to: number): readonly Sample[] {
    const day = this.#samples.get(Math.floor(from / WINDOWS_OF_DAY)) ?? [];
    const inside = day.filter(({ us }) => windowOf('5m', us) >= from && windowOf('5m', us) < to);
    return firstSamples(inside.map(({ us, auditID }) => ({ us, auditID })));
  }
}

/** Which subject's requests of which kind are counted apart. */
export interface SeriesKey {
  readonly subject: string;
  readonly verb: VerbClass;
  readonly resource: ResourceClass;
}

/** The text of a key, in which the classes come first since they hold no spaces. */
export function seriesKeyText(subject: string, permission: Permission): string {
  return `${verbClassOf(permission)} ${resourceClassOf(permission)} ${subject}`;
}

/** The key that {@link seriesKeyText} wrote. */
export function parseSeriesKey(text: string): SeriesKey {
  const [verb = '', resource = ''] = text.split(' ', 2);
  return {
    // Written by seriesKeyText, of its own classes.
    verb: verb as VerbClass,
    resource: resource as ResourceClass,
    subject: text.slice(verb.length + resource.length + 2),
  };
}
