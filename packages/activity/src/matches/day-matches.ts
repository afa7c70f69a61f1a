import type { DetectedInEvent } from '../detect/catalogue/index.ts';
import {
  addRun,
  type Evidence,
  mergeEvidence,
  noEvidence,
  type RequestRun,
} from '../detect/detecting/evidence.ts';
import { addToKeyDay, type KeyDay, mergeKeyDay, noKeyDay } from '../detect/detecting/matches.ts';
import { CappedMap } from '../traces/capped-map.ts';

/** Of how many subjects of a day detections' finds are told apart. The matches of all others are counted. */
export const MAX_MATCHED_SUBJECTS = 500;
/** Of how many keys of one subject, detection and day. */
export const MAX_MATCHED_KEYS = 50;

/** What detections found of one subject on one day. */
export interface SubjectMatches {
  /** By detection, those that hold by themselves. */
  readonly plain: Map<string, Evidence>;
  /** By detection, then by key: those that hold if the key is new. A key stays when its evidence has been given up. */
  readonly keyed: Map<string, CappedMap<KeyDay>>;
  /** By detection, how many are told of nobody; only {@link CappedMap.other} has any. */
  readonly beyond: Map<string, number>;
}

/** By subject's key, `''` for nobody, what detections found on a day. */
export type DayMatches = CappedMap<SubjectMatches>;

/** Nothing found on a day. */
export function noMatches(): DayMatches {
  return new CappedMap(MAX_MATCHED_SUBJECTS, newSubjectMatches, addBeyond);
}

function newSubjectMatches(): SubjectMatches {
  return { plain: new Map(), keyed: new Map(), beyond: new Map() };
}

/** Counts all that was found of a subject, which is told apart no more. */
function addBeyond(into: SubjectMatches, from: SubjectMatches): void {
  for (const [id, { count }] of from.plain) countBeyond(into, id, count);
  for (const [id, keys] of from.keyed) {
    for (const { all } of [...keys.values(), keys.other]) countBeyond(into, id, all.count);
  }
  for (const [id, count] of from.beyond) countBeyond(into, id, count);
}

function countBeyond({ beyond }: SubjectMatches, id: string, count: number): void {
  if (count > 0) beyond.set(id, (beyond.get(id) ?? 0) + count);
}

/** The evidence of a detection, made if need be. */
export function evidenceOf({ plain }: Pick<SubjectMatches, 'plain'>, id: string): Evidence {
  const evidence = plain.get(id) ?? noEvidence();
  plain.set(id, evidence);
  return evidence;
}

/** The keys of a detection, made if need be. Of those beyond the cap only matches are counted. */
export function keysOf({ keyed }: Pick<SubjectMatches, 'keyed'>, id: string): CappedMap<KeyDay> {
  const keys = keyed.get(id) ?? new CappedMap(MAX_MATCHED_KEYS, noKeyDay, addCounts);
  keyed.set(id, keys);
  return keys;
}

function addCounts(into: KeyDay, from: KeyDay): void {
  into.all.count += from.all.count;
}

/** What detections found in requests that are alike, of whom, and in whose name. */
export interface FoundInRequests {
  readonly subject: string;
  readonly as: string;
  readonly matches: readonly DetectedInEvent[];
}

/** Adds what was found in new requests of a day. */
export function addMatches(
  day: DayMatches,
  { subject, as, matches }: FoundInRequests,
  run: RequestRun,
): void {
  const into = day.at(subject);
  for (const match of matches) {
    const { id, severity, says, firstSeenKey } = match;
    if (into === day.other) {
      countBeyond(into, id, run.count);
    } else if (firstSeenKey === undefined) {
      addRun(evidenceOf(into, id), { severity, says, as }, run);
    } else {
      const keys = keysOf(into, id);
      const known = keys.at(firstSeenKey);
      if (known === keys.other) known.all.count += run.count;
      else addToKeyDay(known, match, as, run);
    }
  }
}

/** Adds all matches of a day to others of it. Commutative and associative, beyond the caps too. */
export function mergeMatches(into: DayMatches, from: DayMatches): void {
  for (const [subject, matches] of from.entries()) {
    const known = into.at(subject);
    if (known === into.other) addBeyond(known, matches);
    else mergeSubject(known, matches);
  }
  addBeyond(into.other, from.other);
}

function mergeSubject(into: SubjectMatches, from: SubjectMatches): void {
  for (const [id, evidence] of from.plain) mergeEvidence(evidenceOf(into, id), evidence);
  for (const [id, keys] of from.keyed) {
    const known = keysOf(into, id);
    for (const [key, found] of keys.entries()) {
      const own = known.at(key);
      if (own === known.other) addCounts(own, found);
      else mergeKeyDay(own, found);
    }
    addCounts(known.other, keys.other);
  }
}

/**
 * Gives up what was found, but for the keys: what somebody did first is told from these for as long as counts are kept.
 */
export function forgetMatches(day: DayMatches): void {
  for (const { plain, keyed } of day.values()) {
    plain.clear();
    for (const keys of keyed.values()) {
      for (const [key] of keys.entries()) keys.set(key, noKeyDay());
      keys.other.all.count = 0;
    }
  }
}
