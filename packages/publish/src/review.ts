import type { Files, PlannedChange } from './types.ts';

/** A branch of ours as the remote has it: one commit on top of a commit that is, or was, the base branch. */
export interface Branch {
  readonly name: string;
  /** The commit that it points at. */
  readonly tip: string;
  /**
   * Whether all that it adds to the base was committed by us and is as we committed it: an amended, rebased or added
   * commit of a person makes it theirs, whatever names the commit bears.
   */
  readonly isOurs: boolean;
  /** What it changes of the commit at which it left the base, in the order of the paths. Empty where `isOurs` is false. */
  readonly changes: readonly PlannedChange[];
  /** Of the paths in `changes`, those that the base has changed since the branch left it. */
  readonly movedBelow: readonly string[];
}

/** What a remote holds at one moment. */
export interface RemoteState {
  /** The commit of the base branch; `undefined` where the repository is empty. */
  readonly base: string | undefined;
  /** The branches with the wanted prefix, by name. */
  readonly branches: ReadonlyMap<string, Branch>;
}

/** One commit on top of another, to become what a branch points at. */
export interface BranchCommit {
  readonly branch: string;
  /** The commit to build on; `undefined`: the first one of the repository. */
  readonly parent: string | undefined;
  readonly changes: readonly PlannedChange[];
  readonly message: string;
  /** What the branch must point at for the push to happen; `undefined`: it must not be there. */
  readonly expected: string | undefined;
}

/**
 * A git repository elsewhere, reached by git alone. The same commit asked for twice is the same commit: its date is the
 * parent's, so that two publishers that do the same make the same.
 */
export interface Remote extends AsyncDisposable {
  /** Brings what is known of the remote up to date: the base, and the branches whose names begin with the prefix. */
  fetch(prefix: string): Promise<RemoteState>;
  /** The files of a fetched commit below the given folders (all when none is given; a file may be named as well). */
  read(commit: string, folders: readonly string[]): Promise<Files>;
  /**
   * Commits and pushes. Returns the commit; the one that is there already where it is the very same.
   * @throws LeaseLostError where the branch was not what was expected: somebody else pushed
   */
  push(commit: BranchCommit): Promise<string>;
  /** Deletes a branch of the remote; gone already is fine. @throws LeaseLostError where it is not what was expected */
  remove(branch: string, expected: string): Promise<void>;
}

/** The branch was moved by somebody else between our look and our push: look again. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** A pull request (GitLab: merge request) from a branch of the same repository. */
export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly branch: string;
  readonly base: string;
  readonly state: 'open' | 'merged' | 'closed';
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  /** The commit on the base by which it was merged. */
  readonly mergeCommit?: string;
  /** When it was merged or closed, in microseconds since the epoch. */
  readonly endedUs?: number;
}

/** What a pull request is to say. */
export interface PullRequestText {
  readonly title: string;
  readonly body: string;
}

/** A pull request to be opened. */
export interface PullRequestDraft extends PullRequestText {
  readonly branch: string;
  readonly base: string;
  /** Made where the forge does not know them yet. */
  readonly labels: readonly string[];
  /** Users (`@name`), teams (`@org/team`) and addresses as CODEOWNERS has them; those that the forge refuses are skipped and returned. */
  readonly reviewers: readonly string[];
}

/** An issue that is kept as one by its key, which is hidden in its body. */
export interface KeyedIssue extends PullRequestText {
  readonly key: string;
  readonly labels: readonly string[];
  /** Whether there is still something to do: an issue that is not there is not opened to be closed. */
  readonly isOpen: boolean;
}

/** A forge's pull requests of one repository. Every call is one outcome: made twice, it changes nothing the second time. */
export interface PullRequests {
  /** In characters as the forge counts them. */
  readonly limits: { readonly title: number; readonly body: number };
  /** The open ones whose branch begins with the prefix, of this repository and none of its forks, by number. */
  listOpen(prefix: string): Promise<readonly PullRequest[]>;
  /** The closed and merged ones of a branch, newest first; at least all of the last year. */
  listEnded(branch: string): Promise<readonly PullRequest[]>;
  /** Opens one, or returns the open one of (branch, base) where there is one, brought to this text. */
  open(
    draft: PullRequestDraft,
  ): Promise<{ readonly pull: PullRequest; readonly refusedReviewers: readonly string[] }>;
  /** Changes what is given and differs; labels are added, those of people stay. */
  update(
    number: number,
    change: Partial<PullRequestText> & { readonly labels?: readonly string[] },
  ): Promise<void>;
  close(number: number): Promise<void>;
  /** One comment per key on a pull request, written anew where its text differs. */
  comment(number: number, comment: { readonly key: string; readonly body: string }): Promise<void>;
  keepIssue(issue: KeyedIssue): Promise<void>;
}

/** Why a forge or a remote did not do as asked; the closed set that metrics label by. */
export type ForgeFailure =
  'unreachable' | 'rate-limited' | 'unauthorized' | 'not-found' | 'refused' | 'conflict' | 'unexpected';

/** A forge or a remote that did not do as asked. Never holds a credential. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
  readonly code = 'LW_FORGE';
  readonly failure: ForgeFailure;
  /** When to ask again, in milliseconds from now, where the forge said so. */
  readonly retryAfterMs: number | undefined;
  constructor(
    failure: ForgeFailure,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number },
  ) {
    super(message, options);
    this.failure = failure;
    this.retryAfterMs = options?.retryAfterMs;
  }
}
