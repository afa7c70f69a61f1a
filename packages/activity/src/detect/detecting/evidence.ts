import type { AuditEvent } from '@leastwise/audit-event';

import { DETECTION_SEVERITIES, type DetectionSeverity } from '../catalogue/index.ts';

/** How many auditIDs a finding has at most. */
export const MAX_SAMPLES = 3;
const MAX_ID = 64;

/** A request by which a person finds the others in the log. */
export interface Sample {
  readonly us: number;
  readonly auditID: string;
}

/** What is said of a match, and of which request. */
export interface Gist extends Sample {
  readonly severity: DetectionSeverity;
  readonly says: string;
  /** In whose name the request was made; `''` where in the own one. */
  readonly as: string;
}

/** Requests that one detection is about, added up. */
export interface Evidence {
  count: number;
  firstUs: number;
  lastUs: number;
  /** The first few. */
  samples: readonly Sample[];
  /** The gravest one, of these the first. */
  gist: Gist | undefined;
}

/** Evidence of nothing. */
export function noEvidence(): Evidence {
  return { count: 0, firstUs: Infinity, lastUs: -Infinity, samples: [], gist: undefined };
}

/** What identifies a request for people; of an auditID that is too long to be one, the beginning. */
export function sampleOf({ receivedAtUs, auditID }: AuditEvent): Sample {
  return { us: receivedAtUs, auditID: auditID.slice(0, MAX_ID) };
}

/** In time, then by auditID. */
export function compareSamples(a: Sample, b: Sample): number {
  return a.us - b.us || compareTexts(a.auditID, b.auditID);
}

/** The first few of samples. */
export function firstSamples(samples: readonly Sample[]): readonly Sample[] {
  return [...samples].sort(compareSamples).slice(0, MAX_SAMPLES);
}

/** Adds one request, and what is said of it. */
export function addEvidence(into: Evidence, gist: Gist): void {
  into.count += 1;
  into.firstUs = Math.min(into.firstUs, gist.us);
  into.lastUs = Math.max(into.lastUs, gist.us);
  const last = into.samples[MAX_SAMPLES - 1];
  if (last === undefined || compareSamples(gist, last) < 0) {
    into.samples = firstSamples([...into.samples, { us: gist.us, auditID: gist.auditID }]);
  }
  into.gist = graver(into.gist, gist);
}

/** Requests that differ in nothing but auditID and time: how many, and the first few of them, at least one, in order. */
export interface RequestRun {
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly samples: readonly Sample[];
}

/** Adds requests of which the same is said. */
export function addRun(into: Evidence, said: Pick<Gist, 'severity' | 'says' | 'as'>, run: RequestRun): void {
  addCount(into, run);
  const [first] = run.samples;
  if (first === undefined) return;
  into.samples = withSamples(into.samples, run.samples);
  const { severity, says, as } = said;
  const { gist } = into;
  // Of most requests nothing else is said than of those before them.
  if (gist?.severity === severity && compareSamples(gist, first) < 0) return;
  into.gist = graver(gist, { ...first, severity, says, as });
}

function addCount(into: Evidence, { count, firstUs, lastUs }: Readonly<Omit<RequestRun, 'samples'>>): void {
  into.count += count;
  into.firstUs = Math.min(into.firstUs, firstUs);
  into.lastUs = Math.max(into.lastUs, lastUs);
}

/** The first few of both, each in order. */
function withSamples(known: readonly Sample[], more: readonly Sample[]): readonly Sample[] {
  const [first] = more;
  const last = known[MAX_SAMPLES - 1];
  const isBehind = first === undefined || (last !== undefined && compareSamples(first, last) >= 0);
  return isBehind ? known : firstSamples([...known, ...more]);
}

/** Adds evidence to other evidence, in any order. */
export function mergeEvidence(into: Evidence, from: Readonly<Evidence>): void {
  addCount(into, from);
  into.samples = withSamples(into.samples, from.samples);
  into.gist = graver(into.gist, from.gist);
}

function graver(a: Gist | undefined, b: Gist | undefined): Gist | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const order =
    compareSeverities(a.severity, b.severity) || compareSamples(a, b) || compareTexts(a.says, b.says);
  return order <= 0 ? a : b;
}

/** The gravest first. */
export function compareSeverities(a: DetectionSeverity, b: DetectionSeverity): number {
  return DETECTION_SEVERITIES.indexOf(a) - DETECTION_SEVERITIES.indexOf(b);
}

/** By code units. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
