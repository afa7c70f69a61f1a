import { CAPS, isBeyond } from './capped.ts';
import type { Evidence } from './types.ts';

/** Microseconds of a day (UTC days have no leap seconds in Unix time). */
export const DAY_US = 86_400_000_000;

/** The day, counted from the epoch in UTC, of a time in microseconds. */
export function dayOf(us: number): number {
  return Math.floor(us / DAY_US);
}

const NO_GROUPS: string[] = [];

/** Evidence of nothing: the neutral element of {@link mergeEvidence}. */
export function emptyEvidence(): Evidence {
  return {
    count: 0,
    firstSeenUs: Number.MAX_SAFE_INTEGER,
    lastSeenUs: -1,
    firstAuditID: '',
    lastAuditID: '',
    days: [],
    grantingGroups: NO_GROUPS,
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

/** Adds a day to an ascending list, once. */
export function addDay(days: number[], day: number): void {
  const last = days.at(-1);
  if (last === day) return;
  if (last === undefined || last < day) {
    days.push(day);
    return;
  }
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((days[middle] ?? 0) < day) low = middle + 1;
    else high = middle;
  }
  if (days[low] !== day) days.splice(low, 0, day);
}

/** Adds a granting group; beyond the cap, the smallest hashes stay. */
export function addGroup(evidence: Evidence, group: string): void {
  const groups = evidence.grantingGroups;
  if (group === '' || groups.includes(group)) return;
  let kept = [...groups, group];
  if (kept.length > CAPS.groups) {
    const last = kept.reduce((a, b) => (isBeyond(b, a) ? b : a));
    kept = kept.filter((each) => each !== last);
  }
  evidence.grantingGroups = kept.sort();
}

/** Adds `from` to `into`. Commutative and associative; idempotent in all but the count. */
export function mergeEvidence(into: Evidence, from: Evidence): void {
  into.count += from.count;
  if (from.lastSeenUs >= 0) {
    noteTime(into, from.firstSeenUs, from.firstAuditID);
    noteTime(into, from.lastSeenUs, from.lastAuditID);
  }
  for (const day of from.days) addDay(into.days, day);
  for (const group of from.grantingGroups) addGroup(into, group);
  into.clients |= from.clients;
  into.viaRbac ||= from.viaRbac;
}

/** A copy that shares nothing that changes. */
export function cloneEvidence(from: Evidence): Evidence {
  return { ...from, days: [...from.days] };
}

/** Evidence for what follows from something observed: the same times and samples, no count of its own. */
export function derivedEvidence(from: Evidence): Evidence {
  return { ...cloneEvidence(from), count: 0 };
}
