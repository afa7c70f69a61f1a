import { FINDING_SEVERITIES, type FindingSeverity } from './types.ts';

/** 0 for the worst. */
export function severityRank(severity: FindingSeverity): number {
  return FINDING_SEVERITIES.indexOf(severity);
}

function atRank(rank: number): FindingSeverity {
  return FINDING_SEVERITIES[Math.min(Math.max(rank, 0), FINDING_SEVERITIES.length - 1)] ?? 'INFO';
}

/** The worse of two. */
export function worse(one: FindingSeverity, other: FindingSeverity): FindingSeverity {
  return severityRank(one) <= severityRank(other) ? one : other;
}

/** The worst of several; `undefined` of none. */
export function worstOf(severities: Iterable<FindingSeverity>): FindingSeverity | undefined {
  let worst: FindingSeverity | undefined;
  for (const each of severities) worst = worst === undefined ? each : worse(worst, each);
  return worst;
}

/** One step worse, as far as there is one. */
export function raised(severity: FindingSeverity): FindingSeverity {
  return atRank(severityRank(severity) - 1);
}

/** One step better, as far as there is one. */
export function lowered(severity: FindingSeverity): FindingSeverity {
  return atRank(severityRank(severity) + 1);
}

/** Whether it is HIGH or worse. */
export function isGrave(severity: FindingSeverity): boolean {
  return severityRank(severity) <= severityRank('HIGH');
}
