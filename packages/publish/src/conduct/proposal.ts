import { createHash } from 'node:crypto';

import type { PlannedChange } from '../types.ts';

/** The kinds of change, in the order in which they are proposed: what somebody lacks comes before what nobody misses. */
export const PROPOSAL_KINDS = ['additions', 'removals', 'retirements', 'reports'] as const;

/** One of {@link PROPOSAL_KINDS}. Each has a pull request of its own. */
export type ProposalKind = (typeof PROPOSAL_KINDS)[number];

/** What there is one pull request for. */
export interface ProposalKey {
  readonly cluster: string;
  /** The owner group. */
  readonly group: string;
  readonly kind: ProposalKind;
}

/**
 * A difference between what the base branch holds and what it should hold, to be reviewed by one owner group. What takes
 * long to write, its changes and its texts, may be written when it is asked for: most of many proposals wait for others.
 */
export interface Proposal extends ProposalKey {
  /** Whether it changes anything, where that is known without its changes. */
  readonly isEmpty?: boolean;
  /** Against the base as it was fetched: each changes something, one a path. None: there is nothing to propose. */
  readonly changes: readonly PlannedChange[];
  /** A hash over the sorted set of cells and directions: what a person declines by closing the pull request. */
  readonly fingerprint: string;
  readonly title: string;
  /** Markdown, without a machine block. */
  readonly body: string;
  readonly labels: readonly string[];
  /** As CODEOWNERS has them. */
  readonly reviewers: readonly string[];
  readonly commitMessage: string;
}

/** What the names of all our branches begin with; none of them has another `/`. */
export const BRANCH_PREFIX = 'leastwise/';

/** Texts that stand in a branch's name as they are. Without a dot, which separates. */
const PLAIN = /^[a-z0-9_-]{1,60}$/;

/**
 * The branch of a proposal, a function of its key alone: `leastwise/<cluster>.<group>.<kind>`. Where one of the two
 * texts is not of 1 to 60 characters of `[a-z0-9_-]` both are simplified, and 128 bits of a SHA-256 of the key follow as
 * a fourth part. So names never exceed 150 characters, have no upper case, and those of different keys differ;
 * and none is a folder of another, for all of them lie side by side.
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function branchOf({ cluster, group, kind }: ProposalKey): string {
  // The kind is not first: a last part `lock` would be refused by git.
  if (PLAIN.test(cluster) && PLAIN.test(group)) return `${BRANCH_PREFIX}${cluster}.${group}.${kind}`;
  // As JSON, which keeps halves of surrogate pairs apart.
  const key = JSON.stringify([cluster, group, kind]);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return `${BRANCH_PREFIX}${simplify(cluster)}.${simplify(group)}.${kind}.${hash}`;
}

function simplify(text: string): string {
  return (
    text
      .slice(0, 40)
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-') || '-'
  );
}

/** Orders by kind, cluster and group; zero for equal keys only. */
export function compareKeys(a: ProposalKey, b: ProposalKey): number {
  return (
    PROPOSAL_KINDS.indexOf(a.kind) - PROPOSAL_KINDS.indexOf(b.kind) ||
    compare(a.cluster, b.cluster) ||
    compare(a.group, b.group)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
