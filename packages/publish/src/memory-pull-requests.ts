import { ForgeError } from './review.ts';
import type { KeyedIssue, PullRequest, PullRequestDraft, PullRequests, PullRequestText } from './review.ts';

/** How a forge in memory differs from the usual. */
export interface MemoryPullRequestsOptions {
  /** 256 and 65 536 where nothing is said, as on GitHub. */
  readonly limits?: PullRequests['limits'];
  /** The reviewers that the forge knows; all but these are refused. Everybody where nothing is said. */
  readonly reviewers?: readonly string[];
  /** Microseconds since the epoch; where nothing is said, a second later each time it is asked. */
  readonly nowUs?: () => number;
}

/** A comment or an issue, with the line that hides its key where it is ours. */
interface Written {
  readonly isOurs: boolean;
  readonly body: string;
}

/** A pull request as the forge has it. */
export interface MemoryPull extends PullRequest {
  readonly isFromFork: boolean;
  readonly reviewers: readonly string[];
  /** Oldest first. */
  readonly comments: readonly Written[];
}

/** An issue as the forge has it. */
export interface MemoryIssue extends PullRequestText, Written {
  readonly number: number;
  readonly labels: readonly string[];
  readonly isOpen: boolean;
}

/** What people do at a forge. */
export interface MemoryPeople {
  /** Opens a pull request by hand and returns its number. */
  open(draft: PullRequestText & { branch: string; base: string; isFromFork?: boolean }): number;
  edit(number: number, text: Partial<PullRequestText>): void;
  label(number: number, label: string): void;
  unlabel(number: number, label: string): void;
  close(number: number): void;
  reopen(number: number): void;
  /** `commit` is the one by which it came onto the base. */
  merge(number: number, commit: string): void;
  comment(number: number, body: string): void;
  /** Opens an issue and returns its number. */
  openIssue(issue: PullRequestText): number;
  closeIssue(number: number): void;
}

/** Pull requests that are a map; the twin of the real forges, for tests and dry runs. */
export interface MemoryPullRequests extends PullRequests {
  readonly people: MemoryPeople;
  /** All pull requests, those of forks too, by number. */
  readonly pulls: readonly MemoryPull[];
  readonly issues: readonly MemoryIssue[];
  /** How many calls have changed something; what people do is not counted. */
  readonly writes: number;
}

/** Makes a forge in memory, without pull requests and issues. Both are numbered from 1, together. */
export function createMemoryPullRequests(options: MemoryPullRequestsOptions = {}): MemoryPullRequests {
  const world = new World(options);
  return {
    limits: world.limits,
    people: peopleOf(world),
    get pulls() {
      return [...world.pulls.values()];
    },
    get issues() {
      return [...world.issues.values()];
    },
    get writes() {
      return world.writes;
    },
    listOpen: async (prefix) =>
      world.own(({ state, branch }) => state === 'open' && branch.startsWith(prefix)).map(outward),
    listEnded: async (branch) =>
      world
        .own((pull) => pull.state !== 'open' && pull.branch === branch)
        .sort((a, b) => (b.endedUs ?? 0) - (a.endedUs ?? 0) || b.number - a.number)
        .map(outward),
    open: async (draft) => open(world, draft),
    update: async (number, { labels = [], ...text }) => {
      world.check(text);
      const pull = world.pull(number);
      world.write(pull, { ...text, labels: united(pull.labels, labels) });
    },
    close: async (number) => {
      const pull = world.pull(number);
      if (pull.state === 'open') world.write(pull, { state: 'closed', endedUs: world.nowUs() });
    },
    comment: async (number, { key, body }) => {
      comment(world, number, key, body);
    },
    keepIssue: async (issue) => {
      keepIssue(world, issue);
    },
  };
}

class World {
  readonly limits: PullRequests['limits'];
  readonly reviewers: readonly string[] | undefined;
  readonly nowUs: () => number;
  readonly pulls = new Map<number, MemoryPull>();
  readonly issues = new Map<number, MemoryIssue>();
  writes = 0;
  #seconds = 0;

  constructor({ limits, reviewers, nowUs }: MemoryPullRequestsOptions) {
    this.limits = limits ?? { title: 256, body: 65_536 };
    this.reviewers = reviewers;
    this.nowUs = nowUs ?? (() => ++this.#seconds * 1_000_000);
  }

  nextNumber(): number {
    return this.pulls.size + this.issues.size + 1;
  }

  own(isWanted: (pull: MemoryPull) => boolean): MemoryPull[] {
    return [...this.pulls.values()].filter((pull) => !pull.isFromFork && isWanted(pull));
  }

  /** @throws ForgeError where there is none of that number */
  pull(number: number): MemoryPull {
    const pull = this.pulls.get(number);
    if (pull !== undefined) return pull;
    throw new ForgeError('not-found', `there is no pull request ${number}`);
  }

  /** Puts values in place and counts, where one of them is another than before. */
  write(pull: MemoryPull, values: Partial<MemoryPull>): MemoryPull {
    const after = this.put(pull, values);
    if (differs(pull, after)) this.writes++;
    return after;
  }

  /** Puts values in place. */
  put(pull: MemoryPull, values: Partial<MemoryPull>): MemoryPull {
    const after = { ...pull, ...values };
    this.pulls.set(pull.number, after);
    return after;
  }

  /** @throws ForgeError where a text is longer than the forge takes */
  check(text: Partial<PullRequestText>): void {
    for (const name of ['title', 'body'] as const) {
      const { length } = text[name] ?? '';
      if (length > this.limits[name]) {
        throw new ForgeError(
          'refused',
          `a ${name} of ${length} characters; the forge takes ${this.limits[name]}`,
        );
      }
    }
  }
}

function open(
  world: World,
  draft: PullRequestDraft,
): { readonly pull: PullRequest; readonly refusedReviewers: readonly string[] } {
  world.check(draft);
  const { branch, base, title, body } = draft;
  const [present] = world.own(
    (pull) => pull.state === 'open' && pull.branch === branch && pull.base === base,
  );
  const pull = present ?? added(world, { branch, base, title, body, isFromFork: false });
  if (present === undefined) world.writes++;
  const wanted = [...new Set(draft.reviewers)];
  const isKnown = (name: string): boolean => world.reviewers?.includes(name) ?? true;
  const after = world.write(pull, {
    title,
    body,
    labels: united(pull.labels, draft.labels),
    reviewers: united(pull.reviewers, wanted.filter(isKnown)),
  });
  return { pull: outward(after), refusedReviewers: wanted.filter((name) => !isKnown(name)) };
}

function added(
  world: World,
  draft: PullRequestText & { branch: string; base: string; isFromFork: boolean },
): MemoryPull {
  const number = world.nextNumber();
  const pull: MemoryPull = {
    ...draft,
    number,
    url: `memory:/pulls/${number}`,
    state: 'open',
    labels: [],
    reviewers: [],
    comments: [],
  };
  world.pulls.set(number, pull);
  return pull;
}

function comment(world: World, number: number, key: string, text: string): void {
  const pull = world.pull(number);
  const body = `${hidden(key)}\n${text}`;
  world.check({ body });
  const place = pull.comments.findIndex((each) => each.isOurs && each.body.startsWith(hidden(key)));
  const ours = { isOurs: true, body };
  world.write(pull, {
    comments: place < 0 ? [...pull.comments, ours] : pull.comments.with(place, ours),
  });
}

/**
 * One that is closed while it says what it is to say was closed by a person, who has decided about just that: it stays
 * closed. What we close says so, and is opened again.
 */
function keepIssue(world: World, { key, title, labels, isOpen, ...issue }: KeyedIssue): void {
  const body = `${hidden(key)}${isOpen ? '' : '\n<!-- done -->'}\n${issue.body}`;
  world.check({ title, body });
  const all = [...world.issues.values()];
  const present = all.find((each) => each.isOurs && each.body.startsWith(hidden(key)));
  if (present === undefined) {
    if (!isOpen) return;
    const number = world.nextNumber();
    world.issues.set(number, { number, title, body, isOpen, isOurs: true, labels: united([], labels) });
    world.writes++;
    return;
  }
  const isSame = present.title === title && present.body === body;
  if (isOpen && !present.isOpen && isSame) return;
  const wanted = { ...present, title, body, isOpen, labels: united(present.labels, labels) };
  if (differs(present, wanted)) world.writes++;
  world.issues.set(present.number, wanted);
}

function peopleOf(world: World): MemoryPeople {
  const put = (number: number, values: Partial<MemoryPull>): void => {
    world.put(world.pull(number), values);
  };
  const openIssue = (issue: PullRequestText): number => {
    const number = world.nextNumber();
    world.issues.set(number, { ...issue, number, isOurs: false, labels: [], isOpen: true });
    return number;
  };
  return {
    open: (draft) => added(world, { isFromFork: false, ...draft }).number,
    edit: put,
    label: (number, label) => put(number, { labels: united(world.pull(number).labels, [label]) }),
    unlabel: (number, label) =>
      put(number, { labels: world.pull(number).labels.filter((each) => each !== label) }),
    close: (number) => put(number, { state: 'closed', endedUs: world.nowUs() }),
    reopen: (number) => {
      const pull = world.pull(number);
      const { isFromFork, reviewers, comments } = pull;
      const { url, branch, base, title, body, labels } = pull;
      const open = { number, url, branch, base, title, body, labels, state: 'open' } as const;
      world.pulls.set(number, { ...open, isFromFork, reviewers, comments });
    },
    merge: (number, mergeCommit) => put(number, { state: 'merged', endedUs: world.nowUs(), mergeCommit }),
    comment: (number, body) =>
      put(number, { comments: [...world.pull(number).comments, { isOurs: false, body }] }),
    openIssue,
    closeIssue: (number) => {
      const issue = world.issues.get(number);
      if (issue !== undefined) world.issues.set(number, { ...issue, isOpen: false });
    },
  };
}

function hidden(key: string): string {
  return `<!-- ${JSON.stringify(key)} -->`;
}

function united(present: readonly string[], wanted: readonly string[]): readonly string[] {
  return [...new Set([...present, ...wanted])];
}

function differs(before: object, after: object): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

function outward(pull: MemoryPull): PullRequest {
  const { number, url, branch, base, state, title, body, labels, mergeCommit, endedUs } = pull;
  return {
    ...{ number, url, branch, base, state, title, body, labels },
    ...(mergeCommit === undefined ? {} : { mergeCommit }),
    ...(endedUs === undefined ? {} : { endedUs }),
  };
}
