import type { BranchCommit } from '../review.ts';
import { branchOf } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import type { ReviewAction } from './review-plan.ts';
import { leaveSentence, pushSentence } from './sentences.ts';

/**
 * Commits to the base itself, one per proposal. Each expects the base as it was fetched, or as the one before left it;
 * so they may not write the same file: what overlaps waits until it is rendered again on what was committed.
 * @param proposals - in the order in which they are to be committed.
 */
export function planDirectly(
  proposals: readonly Proposal[],
  tip: string | undefined,
  base: string,
): ReviewAction[] {
  const taken = new Set<string>();
  return proposals.map((proposal) => {
    const branch = branchOf(proposal);
    const { changes, commitMessage: message } = proposal;
    if (changes.some(({ path }) => taken.has(path))) {
      return { action: 'leave', branch, sentence: leaveSentence(branch, 'overlap'), reason: 'overlap' };
    }
    for (const { path } of changes) taken.add(path);
    const commit: BranchCommit = { branch: base, parent: tip, changes, message, expected: tip };
    return { action: 'push', branch, sentence: pushSentence(commit), commit };
  });
}
