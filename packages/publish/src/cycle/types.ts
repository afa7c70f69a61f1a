import type { PolicyObservability } from '@leastwise/audit-policy';
import type { ClusterState, PolicyOptions, RbacObject, SubjectScore } from '@leastwise/rbac';
import type { RepositoryLinks } from '@leastwise/render';

import type { ConductSettings, Proposal, ReviewOutcome, ReviewPlan, ReviewPorts } from '../conduct/index.ts';
import type { InferredPolicy } from '../policies.ts';
import type { ForgeError, KeyedIssue, PullRequests, Remote } from '../review.ts';
import type { CodeownersDialect, LeftOutReason, TeamProblem, WaitReason } from '../team/index.ts';
import { TEAM_FILE_PATH } from '../team/index.ts';
import type { ActivityReportSettings, ObservedActivity } from './activity-reports.ts';

/** What the state knows, read at one moment. */
export interface ObservedState {
  readonly clusters: readonly ClusterState[];
  /** Events that came too late for counts. */
  readonly late: number;
  /** Events that were lost before they were read. */
  readonly lost: number;
  /** What people did; absent where no reports of that are wanted. */
  readonly activity?: ObservedActivity;
}

/** How a cycle goes about its work. */
export interface CycleSettings {
  /** The branch that changes are proposed to. */
  readonly base: string;
  readonly directly: ConductSettings['directly'];
  /**
   * Knobs of the configuration; those of `leastwise.yaml` count before them. Its `existing`, `includeDenied` and
   * `namespace` do not count: the bootstrap defaults of the version are granted elsewhere, and the team says the rest.
   */
  readonly options: PolicyOptions;
  /** Of this program. */
  readonly version: string;
  readonly codeownersDialect: CodeownersDialect;
  /** URL below which the files of the base branch can be read in a browser; it ends in the branch's name. */
  readonly links?: RepositoryLinks['base'];
  /** Whether the policy report of each cluster is written to the repository. */
  readonly publishesReports: boolean;
  /** How reports of what people did are made; without it there are none, and those that are there stay. */
  readonly activityReports?: ActivityReportSettings;
  /** All RBAC of a cluster by its name; absent where nobody knows. Old bindings can be retired only where it is known. */
  readonly existing?: ReadonlyMap<string, readonly RbacObject[]>;
  /**
   * By cluster, what its audit policy lets one see; absent where nobody knows. What it does not log is never called
   * unused there; elsewhere everything counts as logged.
   */
  readonly auditPolicies?: ReadonlyMap<string, PolicyObservability>;
  /** Clusters, by name, whose policies are given with the outcome; of none without it. */
  readonly tellsPoliciesOf?: ReadonlySet<string>;
  /** By cluster, keys of subjects with open detections: nothing is added for them. */
  readonly held?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Why something unused is not proposed to be removed; `not-logged`: the audit policy does not log every use of it. */
export type HoldReason = WaitReason | 'not-logged';

/** Told now and then during long work: `done` of `total` subjects; for `verify`, of proposals about policies. */
export type OnProgress = (what: 'infer' | 'verify' | 'propose', done: number, total: number) => void;

/** What a cycle works on. */
export interface CyclePorts {
  readonly remote: Remote;
  /** `undefined` for a remote without pull requests. */
  readonly pulls: PullRequests | undefined;
  /**
   * Awaited before each call that changes something; what it throws ends everything there. Issues and comments come
   * as `comment`, with the branch or the issue's key.
   */
  readonly onStep?: ReviewPorts['onStep'];
  readonly onProgress?: OnProgress;
  /** Microseconds since the epoch; for the watch after a merge only, never in what is rendered for review. */
  readonly nowUs: number;
}

/**
 * Why nothing, or nothing more, is proposed for a subject. A closed set, for metrics. Beside the reasons of the team:
 *
 * - `refused`: another subject's objects would stand in the same place.
 * - `unreadable`: one of its files cannot be read, or holds what is not ours to write.
 * - `foreign-file`: a file of a person stands where one of its files is or would be.
 * - `held`: it has open detections, so nothing is added.
 */
export type WithheldReason = LeftOutReason | 'refused' | 'unreadable' | 'foreign-file' | 'held';

/** A comment that is kept as one by its key. */
export interface KeyedComment {
  readonly number: number;
  readonly key: string;
  readonly body: string;
}

/** The proven policy of a subject that the team does not leave out. */
export interface ManagedPolicy extends InferredPolicy {
  /** Why it must not be applied as it is, in a sentence that may hold names of others; absent where it may. */
  readonly withheld?: string;
}

/** What a cycle found, and did. */
export interface CycleOutcome {
  readonly plan: ReviewPlan;
  readonly proposals: readonly Proposal[];
  /** How many subjects nothing is proposed for, by reason. Reasons of nobody are absent. */
  readonly withheld: ReadonlyMap<WithheldReason, number>;
  /** How many subjects hold something unused that is not proposed to be removed yet; one may have several reasons. */
  readonly waiting: ReadonlyMap<HoldReason, number>;
  /** What a person has to look at, one line each, printable: lines of CODEOWNERS, files in the way, calls that failed. */
  readonly problems: readonly string[];
  /** The issues about old bindings, to be kept as they are here. */
  readonly issues: readonly KeyedIssue[];
  /** Comments on merged pull requests whose subjects are refused what was taken away. */
  readonly comments: readonly KeyedComment[];
  /**
   * By cluster, the policies of its subjects in the order of their keys: of the clusters of `tellsPoliciesOf` of which
   * anything was observed. They are those that the cycle inferred, not copies.
   */
  readonly policies: ReadonlyMap<string, readonly ManagedPolicy[]>;
  /** By cluster, how much its subjects use of what they are granted: of those of `policies` whose RBAC is known. */
  readonly scores: ReadonlyMap<string, readonly SubjectScore[]>;
  /** What came of the plan's actions; empty where nothing was to be done. */
  readonly outcomes: readonly ReviewOutcome[];
  /** Issues and comments that the forge did not take. */
  readonly failures: readonly ForgeError[];
}

/** `leastwise.yaml` cannot be used: nothing was done. The message names all that is wrong with it, line by line. */
export class TeamFileError extends Error {
  override readonly name = 'TeamFileError';
  readonly code = 'LW_TEAM_FILE';
  readonly problems: readonly TeamProblem[];
  constructor(problems: readonly TeamProblem[]) {
    const lines = problems.map(
      ({ line, path, detail }) => `  ${TEAM_FILE_PATH}:${line}: ${path === '' ? '' : `${path} `}${detail}`,
    );
    super([`${TEAM_FILE_PATH} cannot be used; nothing was done:`, ...lines].join('\n'));
    this.problems = problems;
  }
}
