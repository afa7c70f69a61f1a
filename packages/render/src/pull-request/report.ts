import type { Permission, Subject } from '@leastwise/audit-event';
import type { PolicyRule } from '@leastwise/rbac';

import type { ManifestValue } from '../order-object.ts';
import type { ObservedPermission, RemarkedPermission } from '../policy-report.ts';

/** How bad a finding is, the worst first. */
export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO'] as const;

/** One of {@link SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number];

/** A risk that a check of RBAC found. */
export interface RiskFinding {
  /** Equal for what is one finding before and after a merge. */
  readonly key: string;
  /** Of the check: `R030`. */
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong: a sentence with names in it, unescaped. */
  readonly what: string;
  /** How what the check finds is put right, without links. */
  readonly remedy: string;
}

/** A permission that is taken away, and why that is safe. */
export interface RemovedPermission {
  readonly permission: Permission;
  /** Microseconds since the epoch; `undefined` where no use is known. */
  readonly lastUsedUs: number | undefined;
  /** For how many days it has not been used; where no use is known, all days on which one would have been seen. */
  readonly unusedDays: number;
  /** For how many days a use would have been seen. */
  readonly observableDays: number;
}

/** A rule and where it holds: in a namespace, or cluster-wide where that is `''`. */
export interface ScopedRule {
  readonly namespace: string;
  readonly rule: PolicyRule;
}

/** Refused requests and the rule that would allow them. */
export interface RefusedRule extends ScopedRule {
  readonly requests: number;
}

/** The rules of one scope as they are approved and as they are proposed. */
export interface RuleChange {
  /** `''`: cluster-wide. */
  readonly namespace: string;
  readonly before: readonly PolicyRule[];
  readonly after: readonly PolicyRule[];
}

/** What a pull request changes for one subject. */
export interface SubjectChange {
  readonly subject: Subject;
  /** Where its files are: in the folders of these namespaces, and in the cluster's. */
  readonly namespaces: readonly string[];
  readonly hasClusterFolder: boolean;
  /** How many permissions its files grant at the base branch. */
  readonly granted: number;
  /** How many permissions it used in the window. */
  readonly used: number;
  /** How many permissions its files grant after the merge. */
  readonly proposed: number;
  /** What is granted anew. The sample auditID is the earliest, which more requests do not change. */
  readonly added: readonly ObservedPermission[];
  readonly removed: readonly RemovedPermission[];
  /** What was used and would be refused after the merge. Empty means: every use of the window was asked again. */
  readonly broken: readonly Permission[];
  /** What stays granted though no use is known, and why. */
  readonly unproven: readonly RemarkedPermission[];
  /** Used, and not granted because of the verb. */
  readonly withheld: readonly Permission[];
  readonly refused: readonly RefusedRule[];
  /** What the checks find before and after the merge; absent where they did not run. */
  readonly risk?: { readonly before: readonly RiskFinding[]; readonly after: readonly RiskFinding[] };
  readonly rules: readonly RuleChange[];
}

/** What a proposal rests on. */
export interface ObservationWindow {
  /** Microseconds since the epoch. */
  readonly firstEventUs: number;
  readonly lastEventUs: number;
  /** Number of days (UTC) with events. */
  readonly daysWithEvents: number;
  /** Events that came too late for counts; their permissions are known all the same. */
  readonly lateEvents: number;
  /** Events that are known to be lost; what only they showed is missing. */
  readonly lostEvents: number;
}

/** How people steer what is proposed. */
export interface ReviewControls {
  /** Of the label that makes a pull request be left alone. */
  readonly stopLabel: string;
  /** Path of the file with the team's choices, `leastwise.yaml`. */
  readonly teamFile: string;
  /** What to write there to keep a rule of this pull request; its words belong to the reader of that file. */
  readonly pin: ManifestValue;
  /** What to write there to ignore a subject of this pull request. Keys of both are words of that file. */
  readonly ignore: ManifestValue;
}

/** Where files of the repository can be read: URLs as `markdownUrl` wants them. */
export interface RepositoryLinks {
  readonly base: string;
  readonly branch: string;
}

/** Everything that a pull request says: plain values, strings unescaped, lists in any order. */
export interface PullRequestReport {
  readonly kind: 'additions' | 'removals';
  readonly cluster: string;
  /** Whose policies these are. */
  readonly group: string;
  /** Those that it changes; at least one. */
  readonly subjects: readonly SubjectChange[];
  /** Subjects of this group about which nothing is proposed for now, and why. */
  readonly heldBack: readonly { readonly subject: Subject; readonly remark: string }[];
  /** What could not be seen, as plain sentences. */
  readonly blindSpots: readonly string[];
  readonly window: ObservationWindow;
  /** Version of this program. */
  readonly version: string;
  readonly controls: ReviewControls;
  /** Path of the file that holds the whole text where the body cannot; see `pullRequestOverflowPath`. */
  readonly overflowPath: string;
  /** Path of the report with the exact numbers, where one is published. */
  readonly evidencePath?: string;
  /** Absent where the repository cannot be read in a browser. */
  readonly links?: RepositoryLinks;
}

/** What a forge takes: at most so many UTF-16 code units, and no more bytes of UTF-8 than that. */
export interface TextLimits {
  readonly title: number;
  readonly body: number;
}
