import { type DetectedInEvent, DETECTIONS } from '../catalogue/index.ts';
import { MAX_KEYS, newFirstSeenState, observeFirstSeen } from '../first-seen/index.ts';
import { BoundedMap } from './bounded-map.ts';
import {
  addEvidence,
  addRun,
  type Evidence,
  type Gist,
  mergeEvidence,
  noEvidence,
  type RequestRun,
  type Sample,
} from './evidence.ts';
import type { DetectionFinding } from './finding.ts';

/** Of each detection, how many days of how many subjects are told apart. */
const MAX_DAYS_OF_SUBJECTS = 20_000;
/** Of each detection, how many subjects' keys are remembered. */
const MAX_SUBJECTS = 2000;

/** Matches of one key on one day: all of them, and those that are matches where the key is known too. */
export interface KeyDay {
  readonly all: Evidence;
  readonly ifKnown: Evidence;
}

/** A day on which nothing was found. */
export function noKeyDay(): KeyDay {
  return { all: noEvidence(), ifKnown: noEvidence() };
}

/** Adds the requests of a run to what was found of its key on its day. */
export function addToKeyDay(into: KeyDay, match: DetectedInEvent, as: string, run: RequestRun): void {
  const { severity, says, severityIfKnown } = match;
  addRun(into.all, { severity, says, as }, run);
  if (severityIfKnown !== undefined) addRun(into.ifKnown, { severity: severityIfKnown, says, as }, run);
}

/** Adds what was found of a key on a day to what else was. */
export function mergeKeyDay(into: KeyDay, from: Readonly<KeyDay>): void {
  mergeEvidence(into.all, from.all);
  mergeEvidence(into.ifKnown, from.ifKnown);
}

type KeysOfSubject = BoundedMap<Map<number, KeyDay>>;

/** The matches of one detection. */
interface OfDetection {
  /** Those that hold by themselves: by day and subject. */
  readonly plain: BoundedMap<Evidence>;
  /** Those that hold if their key is new: by subject, then by key. */
  readonly keyed: BoundedMap<KeysOfSubject>;
}

/** One match, of whom and of which request. */
export interface Matched {
  readonly match: DetectedInEvent;
  /** The subject's key, `''` for nobody. */
  readonly subject: string;
  readonly day: number;
  readonly sample: Sample;
  readonly as: string;
}

/** A finding without what the catalogue says of its detection; `subject` is a key. */
export type Found = Omit<DetectionFinding, 'kind' | 'title' | 'subject'> & { readonly subject: string };

function ofDetection(): OfDetection {
  return {
    plain: new BoundedMap(MAX_DAYS_OF_SUBJECTS, noEvidence),
    keyed: new BoundedMap(MAX_SUBJECTS, () => new BoundedMap(MAX_KEYS, () => new Map<number, KeyDay>())),
  };
}

/** What the catalogue found in single events, by detection, subject and day. */
export class Matches {
  readonly #byId = new Map(DETECTIONS.map(({ id }) => [id, ofDetection()]));

  /** Adds one match of a request. */
  add({ match, subject, day, sample, as }: Matched): void {
    const { id, severity, says, severityIfKnown, firstSeenKey } = match;
    const into = this.#byId.get(id);
    const gist: Gist = { us: sample.us, auditID: sample.auditID, severity, says, as };
    if (firstSeenKey === undefined) {
      const evidence = into?.plain.use(`${String(day)} ${subject}`);
      if (evidence) addEvidence(evidence, gist);
      return;
    }
    const days = into?.keyed.use(subject)?.use(firstSeenKey);
    if (days === undefined) return;
    const known = days.get(day) ?? noKeyDay();
    days.set(day, known);
    addEvidence(known.all, gist);
    if (severityIfKnown !== undefined) {
      addEvidence(known.ifKnown, { ...gist, severity: severityIfKnown });
    }
  }

  /** Adds matches of one day that were added up before. */
  merge(
    { id, subject, day }: { readonly id: string; readonly subject: string; readonly day: number },
    evidence: Readonly<Evidence>,
  ): void {
    const into = this.#byId.get(id)?.plain.use(`${String(day)} ${subject}`, evidence.count);
    if (into) mergeEvidence(into, evidence);
  }

  /** The same of matches that hold if their key is new. */
  mergeKey(
    { id, subject, day, key }: Readonly<Record<'id' | 'subject' | 'key', string>> & { readonly day: number },
    found: Readonly<KeyDay>,
  ): void {
    const { count } = found.all;
    const days = this.#byId.get(id)?.keyed.use(subject, count)?.use(key, count);
    if (days === undefined) return;
    const known = days.get(day) ?? noKeyDay();
    days.set(day, known);
    mergeKeyDay(known, found);
  }

  /**
   * One finding for each detection, subject and day.
   * @param firstDayOf - of a subject by its key, the first day on which it was seen
   */
  *findings(firstDayOf: (subject: string) => number): Generator<Found> {
    for (const [id, { plain, keyed }] of this.#byId) {
      const byDay = new Map<string, Evidence>(plain.entries());
      for (const [subject, keys] of keyed.entries()) {
        for (const [day, evidence] of newOnes(keys, firstDayOf(subject))) {
          const place = `${String(day)} ${subject}`;
          // A new one: what is known is asked again.
          const sum = noEvidence();
          mergeEvidence(sum, byDay.get(place) ?? noEvidence());
          mergeEvidence(sum, evidence);
          byDay.set(place, sum);
        }
      }
      for (const [place, evidence] of byDay) {
        const found = foundOf(id, place.slice(place.indexOf(' ') + 1), evidence);
        if (found) yield found;
      }
    }
  }

  /** By detection, how many matches were beyond what is told apart. */
  *beyond(): Generator<readonly [id: string, requests: number]> {
    for (const [id, { plain, keyed }] of this.#byId) {
      const ofKeys = keyed.entries().reduce((sum, [, keys]) => sum + keys.beyond, 0);
      yield [id, plain.beyond + keyed.beyond + ofKeys];
    }
  }
}

/** Of one subject, the evidence of keys that are new on a day, and of those that are a match though they are known. */
function* newOnes(
  keys: KeysOfSubject,
  firstDay: number,
): Generator<readonly [day: number, evidence: Evidence]> {
  const state = { ...newFirstSeenState(), firstDay };
  const inTime = keys
    .entries()
    .flatMap(([key, days]) => [...days].map(([day, evidence]) => ({ day, key, ...evidence })))
    // By day; the keys of a day stay in their order.
    .sort((a, b) => a.day - b.day);
  for (const { day, key, all, ifKnown } of inTime) {
    const verdict = observeFirstSeen(state, key, day);
    if (verdict === 'first-seen') yield [day, all];
    else if (ifKnown.count > 0) yield [day, ifKnown];
  }
}

function foundOf(id: string, subject: string, evidence: Evidence): Found | undefined {
  const { count, firstUs, lastUs, samples, gist } = evidence;
  if (gist === undefined) return undefined;
  const { severity, says, as } = gist;
  return { id, severity, subject, startUs: firstUs, endUs: lastUs + 1, says, as, count, samples };
}
