import type { DetectedInEvent, DetectionSeverity } from '../detect/catalogue/index.ts';
import {
  addRun,
  type Evidence,
  mergeEvidence,
  noEvidence,
  type RequestRun,
} from '../detect/detecting/evidence.ts';
import { CappedMap } from '../traces/capped-map.ts';
import type { FoundInRequests } from './day-matches.ts';

/** How many pairs of detection and subject a window tells apart. */
export const MAX_WINDOW_MATCHES = 200;

/** What is told at once. */
const GRAVE: readonly DetectionSeverity[] = ['CRITICAL', 'HIGH'];

/** What is to be told of a window, by {@link matchKey}. Of those beyond the cap only matches are counted. */
export type WindowMatches = CappedMap<Evidence>;

/** Nothing to tell. */
export function noWindowMatches(): WindowMatches {
  return new CappedMap(MAX_WINDOW_MATCHES, noEvidence, addCount);
}

function addCount(into: Evidence, from: Readonly<Evidence>): void {
  into.count += from.count;
}

/** The key of what a detection found of a subject; ids hold no space. */
export function matchKey(id: string, subject: string): string {
  return `${id} ${subject}`;
}

/** The detection and the subject's key that {@link matchKey} made a text of. */
export function readMatchKey(key: string): { readonly id: string; readonly subject: string } {
  const space = key.indexOf(' ');
  return { id: key.slice(0, space), subject: key.slice(space + 1) };
}

function isGrave({ severity, firstSeenKey }: DetectedInEvent): boolean {
  return firstSeenKey === undefined && GRAVE.includes(severity);
}

/** Whether something is to be told at once of a find: it is grave, and needs no past to be so. */
export function isToBeTold({ matches }: FoundInRequests): boolean {
  return matches.some(isGrave);
}

/** Adds what is to be told of new requests. */
export function addWindowMatches(into: WindowMatches, found: FoundInRequests, run: RequestRun): void {
  const { subject, as, matches } = found;
  for (const match of matches) {
    if (!isGrave(match)) continue;
    const evidence = into.at(matchKey(match.id, subject));
    if (evidence === into.other) evidence.count += run.count;
    else addRun(evidence, { severity: match.severity, says: match.says, as }, run);
  }
}

/** Adds all of a window to what else is known of it. Commutative and associative, beyond the cap too. */
export function mergeWindowMatches(into: WindowMatches, from: WindowMatches): void {
  for (const [key, evidence] of from.entries()) {
    const known = into.at(key);
    if (known === into.other) addCount(known, evidence);
    else mergeEvidence(known, evidence);
  }
  addCount(into.other, from.other);
}
