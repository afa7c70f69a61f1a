import type { BranchCommit } from '../review.ts';
import type { PlannedChange } from '../types.ts';
import type { LeaveReason } from './review-plan.ts';

const LEFT: Readonly<Record<LeaveReason, string>> = {
  'up-to-date': 'it is as it should be',
  stopped: 'its pull request has the stop label',
  'foreign-commits':
    'it holds commits that are not ours; while it is there, nothing else is proposed in its place',
  declined: 'a person closed its pull request, and the evidence is still the same',
  limit: 'it waits, as many are open as may be',
  'other-base': 'its pull request goes to another base branch than the configured one',
  'no-base': 'the base branch has no commit yet',
  overlap: 'it waits, for another commit changes the same files',
};

/** Under the pull request whose branch we leave to the people who pushed to it. */
export const FOREIGN_COMMITS_COMMENT = {
  key: 'foreign-commits',
  body:
    'This branch holds commits that are not ours, so Leastwise changes neither the branch nor this text any more. ' +
    'Merge it as it is, or close it and delete the branch to have the difference proposed anew.',
};

/** Says that nothing is done, and why. */
export function leaveSentence(branch: string, reason: LeaveReason): string {
  return `Leave ${show(branch)}: ${LEFT[reason]}.`;
}

/** Says what is pushed where. */
export function pushSentence({ branch, changes, parent, expected }: BranchCommit): string {
  const where = expected === undefined ? `new branch ${show(branch)}` : show(branch);
  const below = parent === undefined ? 'as the first commit' : `on ${parent.slice(0, 8)}`;
  return `Push to ${where}, ${below}: ${countFiles(changes)}.`;
}

/** Says that a pull request is opened. */
export function openSentence(branch: string): string {
  return `Open a pull request from ${show(branch)}.`;
}

/** Says what of a pull request is brought up to date. */
export function updateSentence(branch: string, number: number, what: readonly string[]): string {
  return `Update ${what.join(' and ')} of #${number} (${show(branch)}).`;
}

/** Says that a pull request is closed. */
export function closeSentence(branch: string, number: number, removes: boolean): string {
  return `Close #${number} (${show(branch)}): no difference is left${removes ? '; remove its branch' : ''}.`;
}

/** Says that a branch is removed. */
export function removeSentence(branch: string): string {
  return `Remove branch ${show(branch)}: no difference is left.`;
}

function countFiles(changes: readonly PlannedChange[]): string {
  const written = changes.filter(({ action }) => action === 'write').length;
  return `${written} ${written === 1 ? 'file' : 'files'} written, ${changes.length - written} deleted`;
}

/** Whoever may push can name a branch: what is not plain ASCII is shown by its number. */
function show(branch: string): string {
  return branch.replace(/[^!-~]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
