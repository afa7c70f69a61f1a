import type { PolicyProblem, SourcedPolicy } from '../types.ts';
import type { LintCheck, LintOptions } from './check.ts';
import { E03 } from './checks/e03-sensitive-bodies.ts';
import { W01 } from './checks/w01-shadowed.ts';
import { W02 } from './checks/w02-literal-star.ts';
import { W03 } from './checks/w03-unknown-verb.ts';
import { W04 } from './checks/w04-nameless-verbs.ts';
import { W05 } from './checks/w05-resource-star.ts';
import { W06 } from './checks/w06-all-namespaces.ts';
import { W07 } from './checks/w07-no-catch-all.ts';
import { W08 } from './checks/w08-all-stages-omitted.ts';
import { W09 } from './checks/w09-lost-stages.ts';
import { W10 } from './checks/w10-received-kept.ts';
import { W11 } from './checks/w11-managed-fields.ts';
import { W12 } from './checks/w12-hidden-subject.ts';
import { W13 } from './checks/w13-blind-detections.ts';
import { W14 } from './checks/w14-truncation.ts';
import { W15 } from './checks/w15-everybody-hidden.ts';
import { W16 } from './checks/w16-old-version.ts';
import { W17 } from './checks/w17-any-group.ts';

/** Something that lint has to say about a policy. */
export interface PolicyFinding {
  /** `E01` to `E03`, `W01` to `W17`. */
  readonly id: string;
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Where in its document the policy stands, such as `data.policy.yaml`; `''` where it is the document. */
  readonly within: string;
  /** The index of the rule that it is about, from 0; absent where it is about the policy. */
  readonly rule?: number;
  readonly reason: string;
  readonly remedy: string;
  /** W01: the indices of the rules that decide in its place, from 0. */
  readonly shadowedBy?: readonly number[];
}

/** What lint looks for, without how. */
export type LintInfo = Pick<LintCheck, 'id' | 'severity' | 'title' | 'remedy'>;

const CHECKS: readonly LintCheck[] = [
  ...[E03, W01, W02, W03, W04, W05, W06, W07, W08, W09],
  ...[W10, W11, W12, W13, W14, W15, W16, W17],
];

/** What the reader of a policy finds by itself. */
const PROBLEMS: Readonly<Record<PolicyProblem['id'], LintInfo>> = {
  E01: {
    id: 'E01',
    severity: 'error',
    title: 'the API server does not start with it',
    remedy: 'correct it: the API server refuses the whole policy',
  },
  E02: {
    id: 'E02',
    severity: 'error',
    title: 'unknown or repeated field',
    remedy: 'correct its name or its place: the API server ignores it, and the rule is wider than it looks',
  },
};

/** All that lint looks for, by id. */
export const LINT_CATALOGUE: readonly LintInfo[] = [...Object.values(PROBLEMS), ...CHECKS].map(
  ({ id, severity, title, remedy }) => ({ id, severity, title, remedy }),
);

/** What is wrong with a policy that an API server starts with, by line and id. */
export function lintPolicy(source: SourcedPolicy, options: LintOptions = {}): PolicyFinding[] {
  const { policy, apiVersion, file, within } = source;
  const findings = CHECKS.flatMap(({ id, severity, remedy, find }) =>
    find({ policy, apiVersion, options }).map(({ path, ...match }): PolicyFinding => ({
      id,
      severity,
      file,
      line: source.lineOf(path),
      within,
      ...match,
      remedy: match.remedy ?? remedy,
    })),
  );
  return findings.sort(byPlace);
}

/** What keeps a file from being read as it is written, as findings. */
export function problemFinding({ id, file, line, reason }: PolicyProblem): PolicyFinding {
  const { severity, remedy } = PROBLEMS[id];
  return { id, severity, file, line, within: '', reason, remedy };
}

function byPlace(a: PolicyFinding, b: PolicyFinding): number {
  return a.line - b.line || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
