import type { BranchCommit, PullRequest, PullRequestDraft, PullRequests, RemoteState } from '../review.ts';
import type { Proposal } from './proposal.ts';

/** What the team chose about how we behave. */
export interface ConductSettings {
  /** The branch that changes are proposed to. */
  readonly base: string;
  /** How many pull requests (branches, where there are none) may be open before new ones wait. */
  readonly maxOpen: number;
  /** A pull request with this label is left alone. Case does not count. */
  readonly stopLabel: string;
  /** Given to each pull request, besides the proposal's own. */
  readonly labels: readonly string[];
  /**
   * What is committed to the base itself, unreviewed. `everything` is for remotes without pull requests, and refused
   * where there are some.
   */
  readonly directly: 'nothing' | 'reports' | 'everything';
}

/** A label that stops us on a pull request, unless the team has another. */
export const STOP_LABEL = 'leastwise/stop';

/** The pull requests as they are. */
export interface PullRequestState {
  readonly open: readonly PullRequest[];
  /** Those that were closed or merged, by branch: of every branch that is proposed and has no open one. */
  readonly ended: ReadonlyMap<string, readonly PullRequest[]>;
  readonly limits: PullRequests['limits'];
}

/** All that a plan depends on. */
export interface ReviewInput {
  /** All of the repository: what is not among them is no longer proposed. */
  readonly proposals: readonly Proposal[];
  readonly remote: RemoteState;
  /** `undefined` for a remote without pull requests. */
  readonly pulls: PullRequestState | undefined;
  readonly settings: ConductSettings;
}

/**
 * Why nothing is done about a branch; a closed set.
 *
 * - `up-to-date`: it is as it should be.
 * - `stopped`: a person put the stop label on its pull request.
 * - `foreign-commits`: it holds something that we did not commit.
 * - `declined`: a person closed a pull request for the same evidence.
 * - `limit`: as many are open as may be.
 * - `other-base`: its pull request goes to another branch than the configured one.
 * - `no-base`: the base branch has no commit yet.
 * - `overlap`: another commit of this plan writes the same file of the base.
 */
export type LeaveReason =
  'up-to-date' | 'stopped' | 'foreign-commits' | 'declined' | 'limit' | 'other-base' | 'no-base' | 'overlap';

interface Step {
  /** The branch of the proposal: what follows for the same one depends on this. */
  readonly branch: string;
  /** For people; one line, printable on a terminal. */
  readonly sentence: string;
}

/** One thing to do, or to leave. */
export type ReviewAction =
  | (Step & { readonly action: 'push'; readonly commit: BranchCommit })
  | (Step & { readonly action: 'open'; readonly draft: PullRequestDraft })
  | (Step & {
      readonly action: 'update';
      readonly number: number;
      readonly change: {
        readonly title?: string;
        readonly body?: string;
        readonly labels?: readonly string[];
      };
    })
  | (Step & {
      readonly action: 'close';
      readonly number: number;
      /** What its body becomes first, so that nobody takes the closing for a person's. */
      readonly body: string;
      /** What the branch must point at to be removed afterwards; `undefined`: it is gone, or somebody else needs it. */
      readonly expected: string | undefined;
    })
  | (Step & { readonly action: 'remove-branch'; readonly expected: string })
  | (Step & {
      readonly action: 'leave';
      readonly reason: LeaveReason;
      /** What its open pull request is told, once. */
      readonly comment?: { readonly number: number; readonly key: string; readonly body: string };
    });

/** What is to be done, in this order. */
export interface ReviewPlan {
  readonly actions: readonly ReviewAction[];
}
