/** An account on a forge. */
export interface FakeUser {
  readonly id: number;
  readonly name: string;
}

export const US: FakeUser = { id: 11, name: 'Leastwise-Bot' };
export const PERSON: FakeUser = { id: 12, name: 'person' };
export const REVIEWER: FakeUser = { id: 13, name: 'reviewer' };
export const USERS: readonly FakeUser[] = [US, PERSON, REVIEWER];

/** Something that somebody wrote. */
export interface FakeComment {
  readonly id: number;
  readonly author: FakeUser;
  body: string;
}

/** A pull request or an issue. */
export interface FakeThread {
  readonly number: number;
  readonly author: FakeUser;
  readonly createdAt: string;
  title: string;
  body: string;
  state: 'open' | 'closed' | 'merged';
  labels: string[];
  endedAt: string | undefined;
  readonly comments: FakeComment[];
}

/** A pull request. */
export interface FakePull extends FakeThread {
  readonly branch: string;
  readonly base: string;
  readonly isFromFork: boolean;
  mergeCommit: string | undefined;
  reviewers: FakeUser[];
  teams: string[];
  /** Who has given a review. */
  readonly reviews: FakeUser[];
}

/** What a forge holds of one repository, whatever the form in which it tells it. */
export class FakeRepository {
  readonly pulls: FakePull[] = [];
  readonly issues: FakeThread[] = [];
  /** Colours by name. */
  readonly labels = new Map<string, string>();
  readonly branches = new Set(['main']);
  readonly #hasOneRow: boolean;
  #seconds = 0;
  #ids = 100;

  /** @param hasOneRow - whether issues and pull requests are numbered together, as on GitHub */
  constructor(hasOneRow: boolean) {
    this.#hasOneRow = hasOneRow;
  }

  now(): string {
    this.#seconds++;
    return new Date(Date.UTC(2026, 0, 1) + this.#seconds * 1000).toISOString();
  }

  nextId(): number {
    return ++this.#ids;
  }

  open(draft: Pick<FakePull, 'branch' | 'base' | 'title' | 'body' | 'isFromFork' | 'author'>): FakePull {
    const pull: FakePull = {
      ...draft,
      ...this.#thread(this.pulls.length + (this.#hasOneRow ? this.issues.length : 0)),
      mergeCommit: undefined,
      reviewers: [],
      teams: [],
      reviews: [],
    };
    this.pulls.push(pull);
    return pull;
  }

  openIssue(draft: Pick<FakeThread, 'title' | 'body' | 'author'>): FakeThread {
    const before = this.issues.length + (this.#hasOneRow ? this.pulls.length : 0);
    const issue: FakeThread = { ...draft, ...this.#thread(before) };
    this.issues.push(issue);
    return issue;
  }

  comment(thread: FakeThread, author: FakeUser, body: string): FakeComment {
    const comment = { id: this.nextId(), author, body };
    thread.comments.push(comment);
    return comment;
  }

  setState(thread: FakeThread, state: FakeThread['state']): void {
    thread.state = state;
    thread.endedAt = state === 'open' ? undefined : this.now();
  }

  #thread(
    before: number,
  ): Pick<FakeThread, 'number' | 'createdAt' | 'state' | 'labels' | 'endedAt' | 'comments'> {
    const createdAt = this.now();
    return { number: before + 1, createdAt, state: 'open', labels: [], endedAt: undefined, comments: [] };
  }
}
