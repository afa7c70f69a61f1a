import type { ForgeError, PullRequest, PullRequests } from '@leastwise/publish';

import type { Reviewer } from './reviewers.ts';

/** A pull request with what is needed to bring it to what it should be. */
export interface ForgePull extends PullRequest {
  /** The account that opened it, as {@link ReviewApi.self} has it. */
  readonly author: string;
  /** Who is asked for a review, as CODEOWNERS would name them: `@name`, `@org/team`. */
  readonly asked: readonly string[];
}

/** A comment on a pull request. */
export interface ForgeComment {
  readonly id: number;
  /** As {@link ReviewApi.self} has it. */
  readonly author: string;
  readonly body: string;
}

/** An issue. */
export interface ForgeIssue {
  readonly number: number;
  readonly isOpen: boolean;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
}

/** What of a pull request or an issue is to be changed; nothing of it is what it was. */
export interface Edit {
  readonly title?: string;
  readonly body?: string;
  readonly state?: 'open' | 'closed';
}

/** Where labels are put. */
export type Labelled = 'pull' | 'issue';

/**
 * What the three forges can do, call by call, without any judgement: `keepPullRequests` makes {@link PullRequests} of
 * it. Pull requests are those from branches of the repository itself; none of a fork is ever returned.
 * Every call throws ForgeError.
 */
export interface ReviewApi {
  readonly limits: PullRequests['limits'];
  /** Our own account. */
  self(): Promise<string>;
  /** All that are open. */
  openPulls(): Promise<readonly ForgePull[]>;
  /** The open one of a branch and a base. */
  findOpen(branch: string, base: string): Promise<ForgePull | undefined>;
  /** All closed and merged ones of a branch, of the last year at least. */
  endedPulls(branch: string): Promise<readonly ForgePull[]>;
  pull(number: number): Promise<ForgePull>;
  /** Opens one, or returns why the forge would not: there may be one already. */
  createPull(draft: {
    readonly branch: string;
    readonly base: string;
    readonly title: string;
    readonly body: string;
  }): Promise<ForgePull | ForgeError>;
  editPull(number: number, edit: Edit): Promise<void>;
  /** Makes a label where the repository has none of that name. */
  ensureLabel(name: string): Promise<void>;
  addLabels(on: Labelled, number: number, labels: readonly string[]): Promise<void>;
  /** Those who have given a review already, named as in {@link ForgePull.asked}. */
  reviewed(number: number): Promise<readonly string[]>;
  /** Asks for reviews and returns those that the forge refuses. */
  ask(pull: ForgePull, reviewers: readonly Reviewer[]): Promise<readonly Reviewer[]>;
  /** Oldest first. */
  comments(number: number): Promise<readonly ForgeComment[]>;
  addComment(number: number, body: string): Promise<void>;
  editComment(number: number, id: number, body: string): Promise<void>;
  /** The issues that our own account opened, open and closed. */
  ownIssues(): Promise<readonly ForgeIssue[]>;
  createIssue(issue: {
    readonly title: string;
    readonly body: string;
    readonly labels: readonly string[];
  }): Promise<void>;
  editIssue(number: number, edit: Edit): Promise<void>;
}

/** The colour of labels that we make. */
export const LABEL_COLOUR = '1d76db';
/** What labels that we make say of themselves. */
export const LABEL_DESCRIPTION = 'Made by Leastwise';
