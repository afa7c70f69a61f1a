import type { AuditPolicy, AuditRule, PolicyPath, Requester } from '../types.ts';

/** What lint may know besides the policy. */
export interface LintOptions {
  /** Whose permissions are learnt from the log that this policy makes: W12 names rules that hide them. */
  readonly learned?: readonly Requester[];
  /** Whether the API server truncates large events (`--audit-log-truncate-enabled` or the webhook's): without W14. */
  readonly truncates?: boolean;
}

/** What a check looks at. */
export interface LintSubject {
  readonly policy: AuditPolicy;
  readonly apiVersion: string;
  readonly options: LintOptions;
}

/** Something that a check found. */
export interface LintMatch {
  /** The field that has to change. */
  readonly path: PolicyPath;
  /** The index of the rule that it is about, from 0. */
  readonly rule?: number;
  /** What is wrong, for people; text of the policy in it is quoted and cut. */
  readonly reason: string;
  /** Where it differs from the check's own. */
  readonly remedy?: string;
  /** The indices of the rules that catch all that this one would, from 0. */
  readonly shadowedBy?: readonly number[];
}

/** One thing that lint looks for. */
export interface LintCheck {
  readonly id: string;
  readonly severity: 'error' | 'warning';
  /** A few words, in the form of a title. */
  readonly title: string;
  readonly remedy: string;
  readonly find: (subject: LintSubject) => readonly LintMatch[];
}

/** What a check finds in each rule by itself. */
export function inRules(
  { policy }: LintSubject,
  find: (rule: AuditRule, path: PolicyPath, index: number) => readonly Omit<LintMatch, 'rule'>[],
): LintMatch[] {
  return policy.rules.flatMap((rule, index) =>
    find(rule, ['rules', index], index).map((match) => ({ ...match, rule: index })),
  );
}

/** Rules as people count them, from 1: `rule 3`, `rules 2 and 5`, `rules 1, 2 and 3`. */
export function ruleNames(indices: readonly number[]): string {
  const numbers = indices.map((index) => String(index + 1));
  const last = numbers.pop() ?? '';
  return numbers.length === 0 ? `rule ${last}` : `rules ${numbers.join(', ')} and ${last}`;
}

/** `rule 3 logs`, `rules 1 and 2 log`. */
export function rulesLog(indices: readonly number[]): string {
  return `${ruleNames(indices)} ${indices.length === 1 ? 'logs' : 'log'}`;
}
