import { type Evidence, emptyEvidence, type NamedBinding, withBinding } from '@leastwise/rbac';

import { MAX_CLIENTS, MAX_DAY } from './checks.ts';
import { type Fields, Malformed } from './fields.ts';

/**
 * Evidence as a list of JSON values; `null` where there is none. Read back by {@link readEvidence}. Bindings come last,
 * and only where there are any: so evidence without them is what it was before there were bindings.
 */
export type EncodedEvidence = readonly unknown[] | null;

// [first day, how many, first day, how many, …]: requests come day after day, for months.
function encodeDays(days: readonly number[]): number[] {
  const ranges: number[] = [];
  let next = Number.NaN;
  for (const day of days) {
    if (day === next) ranges[ranges.length - 1] = (ranges.at(-1) ?? 0) + 1;
    else ranges.push(day, 1);
    next = day + 1;
  }
  return ranges;
}

function readDays(ranges: Fields): number[] {
  const days: number[] = [];
  let next = -MAX_DAY;
  while (ranges.more()) {
    const start = ranges.integer(next, MAX_DAY);
    const end = start + ranges.integer(1, MAX_DAY - start + 1);
    for (let day = start; day < end; day += 1) days.push(day);
    // A range that begins where the last one ended would have been one with it.
    next = end + 1;
  }
  return days;
}

// [key, last day, key, last day, …]
function readBindings(pairs: Fields): readonly NamedBinding[] {
  let bindings: readonly NamedBinding[] = [];
  let last: string | undefined;
  do {
    const key = pairs.string();
    if (last !== undefined && key <= last) throw new Malformed('bindings are out of order');
    bindings = withBinding(bindings, key, pairs.integer(-MAX_DAY, MAX_DAY));
    last = key;
  } while (pairs.more());
  return bindings;
}

/** The inverse of {@link readEvidence}. */
export function encodeEvidence(evidence: Evidence | undefined): EncodedEvidence {
  if (!evidence) return null;
  const { count, firstSeenUs, lastSeenUs, firstAuditID, lastAuditID } = evidence;
  const { days, grantingGroups, grantingBindings, clients, viaRbac } = evidence;
  return [
    count,
    firstSeenUs,
    lastSeenUs,
    firstAuditID,
    lastAuditID,
    encodeDays(days),
    grantingGroups,
    clients,
    viaRbac ? 1 : 0,
    ...(grantingBindings.length === 0
      ? []
      : [grantingBindings.flatMap(({ key, lastDay }) => [key, lastDay])]),
  ];
}

/** The JSON text of {@link encodeEvidence}, made without the lists: stores write more of it than of anything else. */
export function evidenceText(evidence: Evidence): string {
  const { count, firstSeenUs, lastSeenUs, firstAuditID, lastAuditID } = evidence;
  const { days, grantingGroups, grantingBindings, clients, viaRbac } = evidence;
  const first = JSON.stringify(firstAuditID);
  const last = lastAuditID === firstAuditID ? first : JSON.stringify(lastAuditID);
  const ranges = days.length === 1 ? `${days[0] ?? 0},1` : encodeDays(days).join(',');
  const groups = grantingGroups.length === 0 ? '[]' : JSON.stringify(grantingGroups);
  const seen = `${count},${firstSeenUs},${lastSeenUs},${first},${last}`;
  const rest = `${groups},${clients},${viaRbac ? 1 : 0}`;
  if (grantingBindings.length === 0) return `[${seen},[${ranges}],${rest}]`;
  const bindings = grantingBindings.map(({ key, lastDay }) => `${JSON.stringify(key)},${lastDay}`).join(',');
  return `[${seen},[${ranges}],${rest},[${bindings}]]`;
}

/** The evidence in a list of fields, all of which are read. */
export function readEvidence(fields: Fields): Evidence {
  const evidence = emptyEvidence();
  evidence.count = fields.integer(0);
  evidence.firstSeenUs = fields.integer();
  evidence.lastSeenUs = fields.integer();
  evidence.firstAuditID = fields.string();
  evidence.lastAuditID = fields.string();
  evidence.days = readDays(fields.list());
  evidence.grantingGroups = fields.list().strings();
  evidence.clients = fields.integer(0, MAX_CLIENTS);
  evidence.viaRbac = fields.integer(0, 1) === 1;
  if (fields.more()) evidence.grantingBindings = readBindings(fields.list());
  fields.end();
  return evidence;
}
