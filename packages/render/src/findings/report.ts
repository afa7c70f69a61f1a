import type { CheckInfo, FindingSeverity, Origin, RbacFinding } from '@leastwise/findings';

/** What was found, as every form of a report shows it. */
export interface FindingsReport {
  /** In the order in which they are shown; those that are suppressed among them. */
  readonly findings: readonly RbacFinding[];
  /** All that was looked for, found or not. */
  readonly checks: readonly CheckInfo[];
  /** Of the tool, as `leastwise --version` has it. */
  readonly toolVersion: string;
  /** Findings that are not bad enough to be among `findings`. */
  readonly below?: { readonly severity: FindingSeverity; readonly count: number };
  /** How much was looked at: without any of it, no findings would mean nothing. */
  readonly scanned?: { readonly files: number; readonly bindings: number; readonly roles: number };
}

/** A finding that somebody took responsibility for. */
export type SuppressedFinding = RbacFinding & Required<Pick<RbacFinding, 'suppressed'>>;

/** Whether somebody took responsibility for it, so that it is shown and fails nothing. */
export function isSuppressed(finding: RbacFinding): finding is SuppressedFinding {
  return finding.suppressed !== undefined;
}

/** Findings that nobody took responsibility for. */
export function openFindings({ findings }: FindingsReport): RbacFinding[] {
  return findings.filter((finding) => !isSuppressed(finding));
}

/**
 * Where a finding is shown: where its object stands or, for an object that is in no file, such as a role of the
 * cluster, the binding or role of its ways that is in one.
 */
export function originOf({ object, paths }: RbacFinding): Origin | undefined {
  return [object, ...paths.flatMap(({ binding, role }) => [binding, role])].find(
    ({ origin }) => origin !== undefined,
  )?.origin;
}

/** What the catalogue says of a finding's check; `undefined` where the report has no such check. */
export function checkOf({ checks }: FindingsReport, id: string): CheckInfo | undefined {
  return checks.find((check) => check.id === id);
}
