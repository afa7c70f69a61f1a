import { clientsOf, type Evidence, type PolicyRule, type SubjectPolicy } from '@leastwise/rbac';

import { counted } from './progress.ts';
import { formatTime } from './summary.ts';

/** Why a rule is there, on one line: count, days, first and last seen, a sample, the clients. */
export function whyLine(evidence: Evidence): string {
  const days = evidence.days.length;
  const parts = [
    `${counted(evidence.count, 'request')} on ${counted(days, 'day')}`,
    `first ${formatTime(evidence.firstSeenUs)}`,
    `last ${formatTime(evidence.lastSeenUs)}`,
    `e.g. auditID ${evidence.lastAuditID}`,
    `by ${clientsOf(evidence).join(', ')}`,
  ];
  if (evidence.grantingGroups.length > 0) parts.push(`granted through ${evidence.grantingGroups.join(', ')}`);
  return parts.join('; ');
}

/** The comment of each rule of some policies: its evidence. */
export function whyComments(policies: readonly SubjectPolicy[]): (rule: PolicyRule) => string[] {
  const evidenceOf = new Map(
    policies.flatMap(({ ruleEvidence }) =>
      ruleEvidence.map(({ rule, evidence }) => [rule, evidence] as const),
    ),
  );
  return (rule) => {
    const evidence = evidenceOf.get(rule);
    return evidence ? [whyLine(evidence)] : [];
  };
}
