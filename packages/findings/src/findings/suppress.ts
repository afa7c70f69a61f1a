import type { AuditInput } from '../input.ts';
import type { RbacFinding } from '../types.ts';
import { subjectOf } from '../checks/subject-of.ts';
import { matchesSubject } from '../violation-policy/match.ts';
import type { Suppression } from '../violation-policy/policy.ts';
import { matchesGlob } from '@leastwise/rbac';

const DAY_MS = 86_400_000;

/** Whether the last day of a suppression is over. */
function isOver({ until }: Suppression, nowMs: number): boolean {
  return nowMs >= Date.parse(until) + DAY_MS;
}

function fits({ check, subject, namespace, object }: Suppression, finding: RbacFinding): boolean {
  if (check !== finding.check) return false;
  const about = finding.subject && subjectOf(finding.subject);
  if (subject !== undefined && (about === undefined || !matchesSubject(subject, about))) return false;
  if (
    namespace !== undefined &&
    (finding.namespace === undefined || !matchesGlob(namespace, finding.namespace))
  ) {
    return false;
  }
  if (object === undefined) return true;
  const { kind, name, namespace: place } = finding.object;
  return (
    matchesGlob(object.name, name) &&
    (object.kind === undefined || object.kind === kind) &&
    (object.namespace === undefined || matchesGlob(object.namespace, place ?? ''))
  );
}

/** Findings with the marks of those who answer for them; of several the one that holds longest. */
export interface Suppressed {
  readonly findings: readonly RbacFinding[];
  readonly expired: readonly Suppression[];
  readonly idle: readonly Suppression[];
}

/** Marks findings that somebody took responsibility for, and tells which suppressions do nothing. */
export function suppress(
  findings: readonly RbacFinding[],
  suppressions: readonly Suppression[],
  { nowMs }: Pick<AuditInput, 'nowMs'>,
): Suppressed {
  const expired = suppressions.filter((each) => isOver(each, nowMs));
  const inForce = suppressions
    .filter((each) => !isOver(each, nowMs))
    .sort((a, b) => (a.until === b.until ? a.line - b.line : a.until > b.until ? -1 : 1));
  const used = new Set<Suppression>();
  const marked = findings.map((finding) => {
    const fitting = inForce.filter((each) => fits(each, finding));
    for (const each of fitting) used.add(each);
    const [by] = fitting;
    if (by === undefined) return finding;
    const { owner, until, reason } = by;
    return { ...finding, suppressed: { owner, until, reason } };
  });
  return { findings: marked, expired, idle: inForce.filter((each) => !used.has(each)) };
}
