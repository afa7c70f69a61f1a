import { CAPS, keepSmallest } from './capped.ts';
import { noBindings, unionOfBindings } from './granting-bindings.ts';
import type { Evidence } from './types.ts';

/** Microseconds of a day (UTC days have no leap seconds in Unix time). */
export const DAY_US = 86_400_000_000;

/** The day, counted from the epoch in UTC, of a time in microseconds. */
export function dayOf(us: number): number {
  return Math.floor(us / DAY_US);
}

const NO_GROUPS: readonly string[] = [];

/** Evidence of nothing: the neutral element of {@link mergeEvidence}. */
export function emptyEvidence(): Evidence {
  return {
    count: 0,
    firstSeenUs: Number.MAX_SAFE_INTEGER,
    lastSeenUs: -1,
    firstAuditID: '',
    lastAuditID: '',
    days: NO_DAYS,
    grantingGroups: NO_GROUPS,
    grantingBindings: noBindings(),
    clients: 0,
    viaRbac: false,
  };
}

/** Notes that something was seen at a time, with its sample. */
export function noteTime(evidence: Evidence, us: number, auditID: string): void {
  if (us < evidence.firstSeenUs || (us === evidence.firstSeenUs && auditID < evidence.firstAuditID)) {
    evidence.firstSeenUs = us;
    evidence.firstAuditID = auditID;
  }
  if (us > evidence.lastSeenUs || (us === evidence.lastSeenUs && auditID < evidence.lastAuditID)) {
    evidence.lastSeenUs = us;
    evidence.lastAuditID = auditID;
  }
}

const NO_DAYS: readonly number[] = [];
// Most evidence is of one day only: one list for each such day serves all of it.
const SINGLE_DAYS = new Map<number, readonly number[]>();
const MAX_SINGLE_DAYS = 10_000;

function singleDay(day: number): readonly number[] {
  const known = SINGLE_DAYS.get(day);
  if (known) return known;
  const fresh = [day];
  if (SINGLE_DAYS.size < MAX_SINGLE_DAYS) SINGLE_DAYS.set(day, fresh);
  return fresh;
}

/** An ascending list of days with one more day in it; the same list where it is in already. Lists never change. */
export function withDay(days: readonly number[], day: number): readonly number[] {
  const last = days.at(-1);
  if (last === day) return days;
  if (last === undefined) return singleDay(day);
  // By concat, since a spread keeps room for 16 more, and there are as many lists as permissions.
  if (last < day) return days.concat(day);
  return days.includes(day) ? days : [...days, day].sort((a, b) => a - b);
}

function unionOfDays(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0 || a === b) return b;
  if (b.length === 1) return withDay(a, b[0] ?? 0);
  return [...new Set([...a, ...b])].sort((left, right) => left - right);
}

/** Adds a granting group; beyond the cap, the smallest hashes stay. */
export function addGroup(evidence: Evidence, group: string): void {
  const groups = evidence.grantingGroups;
  if (group === '' || groups.includes(group)) return;
  evidence.grantingGroups = keepSmallest([...groups, group], CAPS.groups, (each) => each).sort();
}

/** Adds `from` to `into`. Commutative and associative; idempotent in all but the count. */
export function mergeEvidence(into: Evidence, from: Evidence): void {
  into.count += from.count;
  if (from.lastSeenUs >= 0) {
    noteTime(into, from.firstSeenUs, from.firstAuditID);
    noteTime(into, from.lastSeenUs, from.lastAuditID);
  }
  into.days = unionOfDays(into.days, from.days);
  for (const group of from.grantingGroups) addGroup(into, group);
  into.grantingBindings = unionOfBindings(into.grantingBindings, from.grantingBindings);
  into.clients |= from.clients;
  into.viaRbac ||= from.viaRbac;
}

/** A copy that shares nothing that changes: lists in evidence are replaced, never changed. */
export function cloneEvidence(from: Evidence): Evidence {
  return { ...from };
}

/** Evidence for what follows from something observed: the same times and samples, no count of its own. */
export function derivedEvidence(from: Evidence): Evidence {
  return { ...cloneEvidence(from), count: 0 };
}
