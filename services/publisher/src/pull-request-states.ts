import type { CycleOutcome, LeaveReason } from '@leastwise/publish';

/**
 * How a branch of ours stands after a cycle; a closed set.
 *
 * - `open`: its pull request is open (the branch is there, where there are no pull requests) and current.
 * - `waiting`: as many are open as may be, or another one changes the same files.
 * - `stopped`, `declined`, `foreign-commits`, `other-base`: a person decided.
 * - `failed`: something about it failed.
 */
export const PULL_REQUEST_STATES = [
  'open',
  'waiting',
  'stopped',
  'declined',
  'foreign-commits',
  'other-base',
  'failed',
] as const;

/** One of {@link PULL_REQUEST_STATES}. */
export type PullRequestState = (typeof PULL_REQUEST_STATES)[number];

const LEFT: Readonly<Record<LeaveReason, PullRequestState>> = {
  'up-to-date': 'open',
  'no-base': 'waiting',
  limit: 'waiting',
  overlap: 'waiting',
  stopped: 'stopped',
  declined: 'declined',
  'foreign-commits': 'foreign-commits',
  'other-base': 'other-base',
};

/** By branch, how it stands. What has ended, and what is committed to the base itself, is not among them. */
export function pullRequestStates(
  { plan, outcomes }: Pick<CycleOutcome, 'plan' | 'outcomes'>,
  base: string,
): ReadonlyMap<string, PullRequestState> {
  const states = new Map<string, PullRequestState>();
  for (const action of plan.actions) {
    const { branch } = action;
    if (action.action === 'leave') states.set(branch, LEFT[action.reason]);
    else if (action.action === 'push' && action.commit.branch === base) continue;
    else if (action.action !== 'close' && action.action !== 'remove-branch') states.set(branch, 'open');
  }
  for (const { action, result } of outcomes) {
    if (result !== 'done') states.set(action.branch, 'failed');
  }
  return states;
}
