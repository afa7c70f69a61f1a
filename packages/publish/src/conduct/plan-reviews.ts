import { type MachineBlock, readMachineBlock, textFingerprint, withMachineBlock } from '../machine-block.ts';
import type { Branch, BranchCommit, PullRequest } from '../review.ts';
import { type PlannedChange, PublishError } from '../types.ts';
import { planDirectly } from './plan-directly.ts';
import { branchOf, compareKeys } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import type { LeaveReason, ReviewAction, ReviewInput, ReviewPlan } from './review-plan.ts';
import * as sentences from './sentences.ts';

/** All that is known of one branch. */
interface Review {
  readonly branch: string;
  readonly proposal: Proposal | undefined;
  readonly existing: Branch | undefined;
  /** Its open pull request to our base. */
  readonly pull: PullRequest | undefined;
  /** Its other open pull requests, to other bases: somebody's own plan. */
  readonly elsewhere: readonly PullRequest[];
  /** Whether it counts against the limit. */
  readonly isOpen: boolean;
}

/**
 * What is to be done so that there is one open pull request per proposal and none without, each at its newest, and
 * nothing of a person's is undone:
 *
 * - A branch that holds anything but our commit is left alone, and so is its pull request.
 * - So is a pull request with the stop label, or one to another base.
 * - What a person closed is not proposed again while the evidence is the same, however often it was closed.
 * - Whoever opened the pull request of our branch, it is ours: there is one per branch and base. Reopened is open.
 * - Text is written where there is something new to say; what people edited stays until then.
 * - New ones wait while as many are open as may be; open ones are kept up to date.
 *
 * A remote without pull requests gets the branches only. Order: what ends, what is open, what is new, commits to
 * the base (last, so that the branches' parent is still the base); within each by kind, cluster and group.
 * @remarks Pure; the result does not depend on the order of the input. Linear, but for sorting.
 * @throws PublishError if two proposals have one key, or everything is to be committed unreviewed though there are pull requests.
 */
export function planReviews(input: ReviewInput): ReviewPlan {
  const { settings, remote, pulls } = input;
  if (settings.directly === 'everything' && pulls !== undefined) {
    throw new PublishError('refused to commit everything to the base: the forge has pull requests');
  }
  const proposals = sortProposals(input.proposals);
  const isDirect = ({ kind }: Proposal): boolean =>
    settings.directly === 'everything' || (settings.directly === 'reports' && kind === 'reports');
  const direct = planDirectly(proposals.filter(isDirect), remote.base, settings.base);
  const reviewed = proposals.filter((proposal) => !isDirect(proposal));
  if (remote.base === undefined) {
    const waiting = reviewed.map((proposal) => leave(branchOf(proposal), 'no-base'));
    return { actions: [...waiting, ...direct] };
  }
  return { actions: [...planBranches(reviewed, input), ...direct] };
}

function planBranches(proposals: readonly Proposal[], input: ReviewInput): ReviewAction[] {
  const { settings } = input;
  const reviews = collectReviews(proposals, input);
  const isNew: Review[] = [];
  const ending: ReviewAction[] = [];
  const open: ReviewAction[] = [];
  let slots = settings.maxOpen - reviews.filter((review) => review.isOpen).length;
  for (const review of reviews) {
    const { proposal } = review;
    const reason = reasonToLeave(review, input);
    if (reason !== undefined) open.push(leave(review.branch, reason, review.pull));
    else if (proposal === undefined) {
      ending.push(...endOf(review, input));
      // With another one open its branch goes on taking a place.
      slots += Number(review.isOpen && review.elsewhere.length === 0);
    } else if (review.isOpen) open.push(...renew(review, proposal, input));
    else isNew.push(review);
  }
  return [...ending, ...open, ...planNew(isNew, slots, input)];
}

function sortProposals(proposals: readonly Proposal[]): Proposal[] {
  const sorted = [...proposals].sort(compareKeys);
  for (const [index, proposal] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && compareKeys(proposal, next) === 0) {
      throw new PublishError(`two proposals for ${branchOf(proposal)}`);
    }
  }
  return sorted.filter((proposal) => !(proposal.isEmpty ?? proposal.changes.length === 0));
}

/** One review per branch that is proposed, there, or has an open pull request: the proposed ones first. */
function collectReviews(proposals: readonly Proposal[], { remote, pulls, settings }: ReviewInput): Review[] {
  const pullsOf = new Map<string, PullRequest[]>();
  for (const pull of pulls?.open ?? []) {
    const list = pullsOf.get(pull.branch);
    if (list === undefined) pullsOf.set(pull.branch, [pull]);
    else list.push(pull);
  }
  const proposalOf = new Map(proposals.map((proposal) => [branchOf(proposal), proposal]));
  const others = [...remote.branches.keys(), ...pullsOf.keys()].filter((branch) => !proposalOf.has(branch));
  return [...proposalOf.keys(), ...[...new Set(others)].sort()].map((branch) => {
    const existing = remote.branches.get(branch);
    const all = (pullsOf.get(branch) ?? []).sort((a, b) => a.number - b.number);
    const pull = all.find(({ base }) => base === settings.base);
    const elsewhere = all.filter((other) => other !== pull);
    const isOpen = pulls === undefined ? existing !== undefined : all.length > 0;
    return { branch, proposal: proposalOf.get(branch), existing, pull, elsewhere, isOpen };
  });
}

function reasonToLeave(review: Review, { settings, pulls }: ReviewInput): LeaveReason | undefined {
  const { branch, proposal, existing, pull, elsewhere } = review;
  const stopped = [...elsewhere, ...(pull === undefined ? [] : [pull])];
  if (stopped.some(({ labels }) => hasLabel(labels, settings.stopLabel))) return 'stopped';
  if (pull === undefined && elsewhere.length > 0) return 'other-base';
  if (existing?.isOurs === false) return 'foreign-commits';
  if (pull === undefined && proposal !== undefined) {
    const ended = pulls?.ended.get(branch) ?? [];
    if (ended.some((past) => isDeclined(past, proposal.fingerprint))) return 'declined';
  }
  return undefined;
}

function isDeclined({ state, body }: PullRequest, fingerprint: string): boolean {
  const block = readMachineBlock(body);
  return state === 'closed' && block?.closedBy === undefined && block?.fingerprint === fingerprint;
}

function leave(branch: string, reason: LeaveReason, pull?: PullRequest): ReviewAction {
  const sentence = sentences.leaveSentence(branch, reason);
  // Only under what was ours once: people may name their branches as they like.
  if (reason !== 'foreign-commits' || pull === undefined || readMachineBlock(pull.body) === undefined) {
    return { action: 'leave', branch, sentence, reason };
  }
  const comment = { number: pull.number, ...sentences.FOREIGN_COMMITS_COMMENT };
  return { action: 'leave', branch, sentence, reason, comment };
}

/** Ends what is no longer proposed: its pull request and its branch. */
function endOf({ branch, existing, pull, elsewhere }: Review, { pulls }: ReviewInput): ReviewAction[] {
  const expected = elsewhere.length === 0 ? existing?.tip : undefined;
  if (pull !== undefined) {
    const fingerprint = readMachineBlock(pull.body)?.fingerprint ?? 'unknown';
    const block: MachineBlock = { version: 1, fingerprint, closedBy: 'leastwise' };
    const body = withMachineBlock(pull.body, block, pulls?.limits.body);
    const sentence = sentences.closeSentence(branch, pull.number, expected !== undefined);
    return [{ action: 'close', branch, sentence, number: pull.number, body, expected }];
  }
  if (expected === undefined) return [];
  return [{ action: 'remove-branch', branch, sentence: sentences.removeSentence(branch), expected }];
}

/** Brings what is open up to date: the branch first, so that the text never promises what is not there. */
function renew(review: Review, proposal: Proposal, input: ReviewInput): ReviewAction[] {
  const { branch, pull } = review;
  const actions = pushIfNeeded(review, proposal, input);
  const update = pull === undefined ? undefined : updateOf(pull, proposal, input);
  if (update !== undefined) actions.push(update);
  return actions.length > 0 ? actions : [leave(branch, 'up-to-date')];
}

function planNew(reviews: readonly Review[], slots: number, input: ReviewInput): ReviewAction[] {
  return reviews.flatMap((review, index) => {
    const { branch, proposal } = review;
    if (proposal === undefined || index >= slots) return [leave(branch, 'limit')];
    // What was merged is in the base, even if it was reverted there: only another commit can be proposed.
    const isUsed = input.pulls?.ended.get(branch)?.some(({ state }) => state === 'merged') ?? false;
    const actions = isUsed ? [push(review, proposal, input)] : pushIfNeeded(review, proposal, input);
    if (input.pulls === undefined) return actions;
    const { title, reviewers } = proposal;
    const draft = {
      branch,
      base: input.settings.base,
      title,
      body: bodyOf(proposal),
      labels: labelsOf(proposal, input),
      reviewers,
    };
    return [...actions, { action: 'open', branch, sentence: sentences.openSentence(branch), draft }];
  });
}

function pushIfNeeded(review: Review, proposal: Proposal, input: ReviewInput): ReviewAction[] {
  const { existing } = review;
  const isThere = existing?.movedBelow.length === 0 && haveEqualChanges(existing.changes, proposal.changes);
  return isThere ? [] : [push(review, proposal, input)];
}

function push({ branch, existing }: Review, proposal: Proposal, { remote }: ReviewInput): ReviewAction {
  const { changes, commitMessage: message } = proposal;
  const commit: BranchCommit = { branch, parent: remote.base, changes, message, expected: existing?.tip };
  return { action: 'push', branch, sentence: sentences.pushSentence(commit), commit };
}

function updateOf(pull: PullRequest, proposal: Proposal, input: ReviewInput): ReviewAction | undefined {
  const { branch, number } = pull;
  const body = bodyOf(proposal);
  const before = readMachineBlock(pull.body);
  const after = readMachineBlock(body);
  const isSame =
    before?.text === after?.text &&
    before?.fingerprint === after?.fingerprint &&
    before?.closedBy === after?.closedBy;
  const labels = labelsOf(proposal, input);
  const hasLabels = labels.every((label) => hasLabel(pull.labels, label));
  if (isSame && hasLabels) return undefined;
  const change = { ...(!isSame && { title: proposal.title, body }), ...(!hasLabels && { labels }) };
  const what = [...(isSame ? [] : ['the text']), ...(hasLabels ? [] : ['the labels'])];
  return {
    action: 'update',
    branch,
    sentence: sentences.updateSentence(branch, number, what),
    number,
    change,
  };
}

function bodyOf({ title, body, fingerprint }: Proposal): string {
  return withMachineBlock(body, { version: 1, fingerprint, text: textFingerprint(title, body) });
}

function labelsOf(proposal: Proposal, { settings }: ReviewInput): string[] {
  return [...new Set([...settings.labels, ...proposal.labels])];
}

function hasLabel(labels: readonly string[], wanted: string): boolean {
  return labels.some((label) => label.toLowerCase() === wanted.toLowerCase());
}

function haveEqualChanges(some: readonly PlannedChange[], others: readonly PlannedChange[]): boolean {
  if (some.length !== others.length) return false;
  const contents = new Map(some.map((change) => [change.path, contentOf(change)]));
  return others.every(
    (change) => contents.has(change.path) && contents.get(change.path) === contentOf(change),
  );
}

function contentOf(change: PlannedChange): string | undefined {
  return change.action === 'write' ? change.content : undefined;
}
