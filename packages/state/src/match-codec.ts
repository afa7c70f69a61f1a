import {
  type ActivityDay,
  type ActivityWindow,
  dayFor,
  dayStartUs,
  type DayMatches,
  DETECTION_SEVERITIES,
  type DetectionSeverity,
  type Evidence,
  type KeyDay,
  keysOf,
  matchKey,
  mergeDay,
  mergeEvidence,
  mergeWindowMatches,
  noEvidence,
  noKeyDay,
  noMatches,
  noWindowMatches,
  readMatchKey,
  type Sample,
  type SubjectMatches,
  windowStartUs,
} from '@leastwise/activity';

import { type Fields, Malformed } from './fields.ts';

/*
 * What detections found, in lists of JSON values that say nothing of where they belong:
 *
 *   matches   of one subject and day: [detection, evidence …],
 *             [detection, matches of keys beyond the cap, [key, evidence or null, evidence where it is known or null …] …]
 *   beyond    of a day: [detection, matches of subjects beyond the cap …]
 *   told      of a window of five minutes: [matches beyond the cap, detection, subject's key, evidence …]
 *
 *   evidence  count, first, last time, severity, what is said, in whose name, time and auditID of the request that it is said
 *             of, [time, auditID of a sample …]
 *
 * Times are microseconds since the start of the day or window. Everything is in order, so the same finds are the same lists.
 */

const DAY_US = 86_400_000_000;
const WINDOW_US = 300_000_000;
const DETECTION = /^D\d\d$/;

/** The time that evidence lies in. */
interface Span {
  readonly startUs: number;
  readonly lengthUs: number;
}

function ofDay(day: number): Span {
  return { startUs: dayStartUs(day), lengthUs: DAY_US };
}

function ofWindow({ kind, number }: Pick<ActivityWindow, 'kind' | 'number'>): Span {
  return { startUs: windowStartUs(kind, number), lengthUs: WINDOW_US };
}

function encodeFound(
  { count, firstUs, lastUs, gist, samples }: Evidence,
  { startUs }: Span,
): unknown[] | null {
  if (gist === undefined) return null;
  const { severity, says, as, us, auditID } = gist;
  const sampled = samples.flatMap((sample) => [sample.us - startUs, sample.auditID]);
  return [count, firstUs - startUs, lastUs - startUs, severity, says, as, us - startUs, auditID, sampled];
}

function readFound(fields: Fields | undefined, span: Span): Evidence {
  if (fields === undefined) return noEvidence();
  const time = (from: Fields): number => span.startUs + from.integer(0, span.lengthUs - 1);
  const [count, firstUs, lastUs] = [fields.integer(1), time(fields), time(fields)];
  const [severity, says, as] = [readSeverity(fields.string()), fields.string(), fields.string()];
  const gist = { severity, says, as, us: time(fields), auditID: fields.string() };
  const samples: Sample[] = [];
  const sampled = fields.list();
  while (sampled.more()) samples.push({ us: time(sampled), auditID: sampled.string() });
  fields.end();
  const evidence = noEvidence();
  mergeEvidence(evidence, { count, firstUs, lastUs, gist, samples });
  return evidence;
}

function readSeverity(text: string): DetectionSeverity {
  const severity = DETECTION_SEVERITIES.find((each) => each === text);
  if (severity === undefined) throw new Malformed('a severity of an unknown kind');
  return severity;
}

function readDetection(fields: Fields): string {
  const id = fields.string();
  if (!DETECTION.test(id)) throw new Malformed('a detection is missing');
  return id;
}

function byId<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What was found of a subject on a day. */
export function encodeMatches(day: number, { plain, keyed }: SubjectMatches): unknown[] {
  const span = ofDay(day);
  return [
    byId(plain).flatMap(([id, evidence]) => [id, encodeFound(evidence, span)]),
    byId(keyed).flatMap(([id, keys]) => [
      id,
      keys.other.all.count,
      keys
        .entries()
        .flatMap(([key, { all, ifKnown }]) => [key, encodeFound(all, span), encodeFound(ifKnown, span)]),
    ]),
  ];
}

/** The same without what is given up before the rest: see `forgetMatches`. Nothing where nothing would be left. */
export function encodeMatchKeys(day: number, matches: SubjectMatches): unknown[] | undefined {
  if (matches.keyed.size === 0) return undefined;
  const only = noMatches();
  const into = only.at('');
  for (const [id, keys] of matches.keyed)
    for (const [key] of keys.entries()) keysOf(into, id).set(key, noKeyDay());
  return encodeMatches(day, into);
}

/** Adds what {@link encodeMatches} or {@link encodeMatchKeys} wrote. @throws Malformed */
export function readMatches(into: ActivityDay, subject: string, fields: Fields): void {
  const span = ofDay(into.day);
  // A subject's part of a day is a day, and merges as one.
  const part = dayFor(new Map(), into.day, into.limits);
  const matches = part.matches.at(subject);
  const plain = fields.list();
  while (plain.more()) matches.plain.set(readDetection(plain), readFound(plain.list(), span));
  const keyed = fields.list();
  while (keyed.more()) {
    const keys = keysOf(matches, readDetection(keyed));
    keys.other.all.count = keyed.integer(0);
    const entries = keyed.list();
    while (entries.more()) keys.set(entries.string(), readKeyDay(entries, span));
  }
  mergeDay(into, part);
}

function readKeyDay(fields: Fields, span: Span): KeyDay {
  return { all: readFound(fields.optionalList(), span), ifKnown: readFound(fields.optionalList(), span) };
}

/** How much was found of subjects beyond the cap. */
export function encodeBeyond({ other }: DayMatches): unknown[] {
  return byId(other.beyond).flat();
}

/** Adds what {@link encodeBeyond} wrote. @throws Malformed */
export function readBeyond({ other }: DayMatches, fields: Fields): void {
  while (fields.more()) {
    const id = readDetection(fields);
    other.beyond.set(id, (other.beyond.get(id) ?? 0) + fields.integer(0));
  }
}

/** What is to be told of a window; `undefined` where that is nothing. */
export function encodeTold(window: ActivityWindow): unknown[] | undefined {
  const { found } = window;
  if (found === undefined) return undefined;
  const span = ofWindow(window);
  return [
    found.other.count,
    ...found.entries().flatMap(([key, evidence]) => {
      const { id, subject } = readMatchKey(key);
      return [id, subject, encodeFound(evidence, span)];
    }),
  ];
}

/** Adds what {@link encodeTold} wrote. @throws Malformed */
export function readTold(window: ActivityWindow, fields: Fields): void {
  const span = ofWindow(window);
  const found = noWindowMatches();
  found.other.count = fields.integer(0);
  while (fields.more()) {
    const key = matchKey(readDetection(fields), fields.string());
    found.set(key, readFound(fields.list(), span));
  }
  window.found ??= noWindowMatches();
  mergeWindowMatches(window.found, found);
}
