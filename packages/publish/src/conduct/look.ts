import type { PullRequest, PullRequests, Remote, RemoteState } from '../review.ts';
import { BRANCH_PREFIX, branchOf } from './proposal.ts';
import type { Proposal } from './proposal.ts';

/** What proposals are rendered against. */
export interface Look {
  readonly remote: RemoteState;
  readonly open: readonly PullRequest[] | undefined;
}

/**
 * Looks at a repository: the open pull requests first and the branches after, so that a branch that is not seen was
 * gone when its pull request was.
 */
export async function lookAtReviews(remote: Remote, pulls: PullRequests | undefined): Promise<Look> {
  const open = await pulls?.listOpen(BRANCH_PREFIX);
  return { remote: await remote.fetch(BRANCH_PREFIX), open };
}

/** Asks for the ended pull requests of each proposal that has no open one; one call at a time, to spare the forge's limits. */
export async function lookAtEnded(
  proposals: readonly Proposal[],
  open: readonly PullRequest[],
  pulls: PullRequests,
): Promise<ReadonlyMap<string, readonly PullRequest[]>> {
  const isOpen = new Set(open.map(({ branch }) => branch));
  const ended = new Map<string, readonly PullRequest[]>();
  for (const branch of proposals.map(branchOf)) {
    if (!isOpen.has(branch)) ended.set(branch, await pulls.listEnded(branch));
  }
  return ended;
}
