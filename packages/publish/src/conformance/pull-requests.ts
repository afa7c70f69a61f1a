import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ForgeError } from '../review.ts';
import type { KeyedIssue, PullRequestDraft, PullRequests, PullRequestText } from '../review.ts';

/** What people do at a forge, by an account that is not ours. */
export interface ForgePerson {
  /** Opens a pull request by hand, from the branch, which is there, or from the same one in a fork; returns its number. */
  open(
    draft: PullRequestText & {
      readonly branch: string;
      readonly base: string;
      readonly isFromFork?: boolean;
    },
  ): Promise<number>;
  edit(number: number, text: Partial<PullRequestText>): Promise<void>;
  label(number: number, label: string): Promise<void>;
  close(number: number): Promise<void>;
  reopen(number: number): Promise<void>;
  /** Merges it and returns the commit that it became on the base. */
  merge(number: number): Promise<string>;
  comment(number: number, body: string): Promise<void>;
  openIssue(issue: PullRequestText): Promise<number>;
  closeIssue(number: number): Promise<void>;
}

/** One repository on a forge, with nothing in it but a base branch. */
export interface PullRequestsWorld extends AsyncDisposable {
  readonly pulls: PullRequests;
  readonly base: string;
  /** Somebody (`@name`) who may review there. */
  readonly reviewer: string;
  /** Makes a branch with a commit of its own. */
  branch(name: string): Promise<void>;
  readonly person: ForgePerson;
  /** All comments of a pull request as they are stored, oldest first. */
  comments(number: number): Promise<readonly { readonly isOurs: boolean; readonly body: string }[]>;
  issues(): Promise<
    readonly (PullRequestText & {
      readonly number: number;
      readonly labels: readonly string[];
      readonly isOpen: boolean;
    })[]
  >;
  /** Who is asked for a review, as `@name`. */
  reviewers(number: number): Promise<readonly string[]>;
  /** How many times `pulls` has asked the forge to change something. */
  writes(): number;
}

type Make = () => Promise<PullRequestsWorld>;

/**
 * What every forge's pull requests must do, as tests.
 * @param make - a new repository at each call.
 */
export function describePullRequests(name: string, make: Make): void {
  describe(`${name} keeps the contract of PullRequests`, () => {
    const held: { world?: PullRequestsWorld } = {};
    beforeEach(async () => {
      held.world = await make();
    });
    afterEach(() => held.world?.[Symbol.asyncDispose]());
    const world = (): PullRequestsWorld => {
      if (held.world === undefined) throw new Error('no world');
      return held.world;
    };
    describeOpening(world);
    describeUpdating(world);
    describeEnding(world);
    describeReviewers(world);
    describeComments(world);
    describeIssues(world);
    describeLimits(world);
  });
}

type Current = () => PullRequestsWorld;

const BRANCH = 'leastwise/prod-eu/payments/additions';

function draftOf(world: PullRequestsWorld, values: Partial<PullRequestDraft> = {}): PullRequestDraft {
  const base = {
    branch: BRANCH,
    base: world.base,
    title: 'A title',
    body: 'A body',
    labels: [],
    reviewers: [],
  };
  return { ...base, ...values };
}

/** Makes the branch and opens its pull request; returns the number. */
async function opened(world: PullRequestsWorld, values: Partial<PullRequestDraft> = {}): Promise<number> {
  const draft = draftOf(world, values);
  await world.branch(draft.branch);
  return (await world.pulls.open(draft)).pull.number;
}

/** How many changes a call made. */
async function writesOf(world: PullRequestsWorld, act: () => Promise<unknown>): Promise<number> {
  const before = world.writes();
  await act();
  return world.writes() - before;
}

function describeOpening(current: Current): void {
  test('a new repository has no pull requests', async () => {
    const { pulls } = current();
    expect(await pulls.listOpen('')).toEqual([]);
    expect(await pulls.listEnded(BRANCH)).toEqual([]);
  });

  test('opens one that says what it is to say', async () => {
    const world = current();
    await world.branch(BRANCH);
    const labels = ['leastwise', 'rbac: additions'];
    const { pull, refusedReviewers } = await world.pulls.open(draftOf(world, { labels }));
    expect(refusedReviewers).toEqual([]);
    const wanted = { branch: BRANCH, base: world.base, state: 'open', title: 'A title', body: 'A body' };
    expect(pull).toMatchObject(wanted);
    expect(pull.url).toContain(String(pull.number));
    expect([...pull.labels].sort()).toEqual(labels);
    const [listed, ...others] = await world.pulls.listOpen('leastwise/');
    expect(others).toEqual([]);
    expect({ ...listed, labels: [...(listed?.labels ?? [])].sort() }).toEqual({ ...pull, labels });
  });

  test('opening it again changes nothing and gives the same one', async () => {
    const world = current();
    const draft = { labels: ['leastwise'], reviewers: [world.reviewer] };
    const number = await opened(world, draft);
    const again = async (): Promise<void> => {
      expect((await world.pulls.open(draftOf(world, draft))).pull.number).toBe(number);
    };
    expect(await writesOf(world, again)).toBe(0);
  });

  test('the one that is open is brought to the text', async () => {
    const world = current();
    const number = await opened(world);
    await world.person.edit(number, { title: 'Another title' });
    const draft = draftOf(world, { body: 'A new body', labels: ['leastwise'] });
    const { pull } = await world.pulls.open(draft);
    expect(pull).toMatchObject({ number, title: 'A title', body: 'A new body', labels: ['leastwise'] });
    expect(await world.pulls.listOpen('leastwise/')).toEqual([pull]);
  });

  test('one that a person opened by hand from the branch is ours', async () => {
    const world = current();
    await world.branch(BRANCH);
    const draft = draftOf(world);
    const number = await world.person.open({ ...draft, title: 'By hand' });
    expect(await world.pulls.listOpen('leastwise/')).toMatchObject([{ number, title: 'By hand' }]);
    expect((await world.pulls.open(draft)).pull).toMatchObject({ number, title: 'A title' });
  });

  test('one of a fork with the same branch is not ours', async () => {
    const world = current();
    await world.branch(BRANCH);
    const number = await world.person.open({ ...draftOf(world), isFromFork: true });
    expect(await world.pulls.listOpen('leastwise/')).toEqual([]);
    const { pull } = await world.pulls.open(draftOf(world));
    expect(pull.number).not.toBe(number);
    expect(await world.pulls.listOpen('leastwise/')).toMatchObject([{ number: pull.number }]);
    await world.person.close(number);
    expect(await world.pulls.listEnded(BRANCH)).toEqual([]);
  });

  test('two that open the same at once get the same one', async () => {
    const world = current();
    await world.branch(BRANCH);
    const both = await Promise.all([world.pulls.open(draftOf(world)), world.pulls.open(draftOf(world))]);
    expect(both[0].pull.number).toBe(both[1].pull.number);
    expect(await world.pulls.listOpen('')).toHaveLength(1);
  });

  test('lists those with the prefix, by number, however many there are', async () => {
    const world = current();
    const numbers: number[] = [];
    for (let index = 0; index < 4; index++) {
      numbers.push(await opened(world, { branch: `leastwise/branch-${index}` }));
    }
    await opened(world, { branch: 'leastwise-not/branch' });
    const listed = await world.pulls.listOpen('leastwise/');
    expect(listed.map(({ number }) => number)).toEqual(numbers);
  });

  test('there is one for each base', async () => {
    const world = current();
    await world.branch('stable');
    const first = await opened(world);
    const { pull } = await world.pulls.open(draftOf(world, { base: 'stable' }));
    expect(pull).toMatchObject({ base: 'stable' });
    expect(pull.number).not.toBe(first);
    expect(await world.pulls.listOpen('leastwise/')).toHaveLength(2);
  });

  test('texts come back as they were written', async () => {
    const world = current();
    const title = 'Ключ "鍵" `🔑` <b> & \\ %2F #1 @all';
    const body = '| a | b |\n|---|---|\n| `x` | \\| 🔑 |\n\n<!-- eyJ9 -->\n\n```diff\n+ "a"\n```\n\n  end';
    const number = await opened(world, { title, body });
    expect(await world.pulls.listOpen('')).toMatchObject([{ number, title, body }]);
  });
}

function describeUpdating(current: Current): void {
  test('changes what is given and differs', async () => {
    const world = current();
    const number = await opened(world);
    expect(await writesOf(world, () => world.pulls.update(number, { body: 'B2' }))).toBe(1);
    expect(await world.pulls.listOpen('')).toMatchObject([{ title: 'A title', body: 'B2' }]);
    await world.pulls.update(number, { title: 'T2' });
    expect(await world.pulls.listOpen('')).toMatchObject([{ title: 'T2', body: 'B2' }]);
    const same = { title: 'T2', body: 'B2', labels: [] };
    expect(await writesOf(world, () => world.pulls.update(number, same))).toBe(0);
    expect(await writesOf(world, () => world.pulls.update(number, {}))).toBe(0);
  });

  test('labels are added, and those of people stay', async () => {
    const world = current();
    const number = await opened(world, { labels: ['leastwise'] });
    await world.person.label(number, 'leastwise/stop');
    await world.pulls.update(number, { labels: ['leastwise', 'later'] });
    const [pull] = await world.pulls.listOpen('');
    expect([...(pull?.labels ?? [])].sort()).toEqual(['later', 'leastwise', 'leastwise/stop']);
    const again = { labels: ['later', 'leastwise'] };
    expect(await writesOf(world, () => world.pulls.update(number, again))).toBe(0);
  });

  test('one that is not there is an error', async () => {
    const { pulls } = current();
    for (const act of [pulls.update(4711, { title: 'x' }), pulls.close(4711)]) {
      const error: unknown = await act.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ForgeError);
      expect(error).toMatchObject({ failure: 'not-found' });
    }
  });
}

function describeEnding(current: Current): void {
  test('closes once, and the closed one is listed as ended', async () => {
    const world = current();
    const number = await opened(world, { labels: ['leastwise'] });
    expect(await writesOf(world, () => world.pulls.close(number))).toBe(1);
    expect(await writesOf(world, () => world.pulls.close(number))).toBe(0);
    expect(await world.pulls.listOpen('')).toEqual([]);
    const [ended] = await world.pulls.listEnded(BRANCH);
    expect(ended).toMatchObject({
      number,
      state: 'closed',
      title: 'A title',
      body: 'A body',
      labels: ['leastwise'],
    });
    expect(ended?.endedUs).toBeTypeOf('number');
    expect(ended?.mergeCommit).toBeUndefined();
    expect(await world.pulls.listEnded(`${BRANCH}2`)).toEqual([]);
  });

  test('a merged one says by which commit, and is not closed again', async () => {
    const world = current();
    const number = await opened(world);
    expect(await world.pulls.listEnded(BRANCH)).toEqual([]);
    const mergeCommit = await world.person.merge(number);
    expect(await world.pulls.listEnded(BRANCH)).toMatchObject([{ number, state: 'merged', mergeCommit }]);
    expect(await writesOf(world, () => world.pulls.close(number))).toBe(0);
    expect(await world.pulls.listOpen('')).toEqual([]);
  });

  test('the ended ones come newest first, and a new one can be opened after them', async () => {
    const world = current();
    const first = await opened(world);
    await world.pulls.close(first);
    expect(await world.pulls.listEnded(BRANCH)).toHaveLength(1);
    const { pull: second } = await world.pulls.open(draftOf(world));
    await world.person.close(second.number);
    const { pull: third } = await world.pulls.open(draftOf(world));
    const ended = await world.pulls.listEnded(BRANCH);
    expect(ended.map(({ number }) => number)).toEqual([second.number, first]);
    expect((await world.pulls.listOpen('')).map(({ number }) => number)).toEqual([third.number]);
  });

  test('one that a person opens again is open', async () => {
    const world = current();
    const number = await opened(world);
    await world.pulls.close(number);
    expect(await world.pulls.listEnded(BRANCH)).toHaveLength(1);
    await world.person.reopen(number);
    expect(await world.pulls.listEnded(BRANCH)).toEqual([]);
    const [pull] = await world.pulls.listOpen('');
    expect(pull).toMatchObject({ number, state: 'open' });
    expect(pull?.endedUs).toBeUndefined();
  });
}

function describeReviewers(current: Current): void {
  test('asks those whom the forge knows and returns the others', async () => {
    const world = current();
    const strangers = ['@nobody-of-that-name', '@nowhere/nobody', 'nobody@example.com', 'not a name'];
    const reviewers = [strangers[0] ?? '', world.reviewer, ...strangers.slice(1)];
    await world.branch(BRANCH);
    const { pull, refusedReviewers } = await world.pulls.open(draftOf(world, { reviewers }));
    expect([...refusedReviewers].sort()).toEqual([...strangers].sort());
    expect(await world.reviewers(pull.number)).toEqual([world.reviewer]);
  });

  test('those who are missing are asked when it is opened again', async () => {
    const world = current();
    const number = await opened(world);
    expect(await world.reviewers(number)).toEqual([]);
    await world.pulls.open(draftOf(world, { reviewers: [world.reviewer] }));
    expect(await world.reviewers(number)).toEqual([world.reviewer]);
  });
}

function describeComments(current: Current): void {
  test('keeps one for each key and writes it anew where it differs', async () => {
    const world = current();
    const number = await opened(world);
    const put = (key: string, body: string): Promise<void> => world.pulls.comment(number, { key, body });
    await put('watch', 'first');
    expect(await writesOf(world, () => put('watch', 'first'))).toBe(0);
    await put('watch 2 --> x', 'other key');
    expect(await writesOf(world, () => put('watch', 'second'))).toBe(1);
    expect(await writesOf(world, () => put('watch 2 --> x', 'other key'))).toBe(0);
    const bodies = (await world.comments(number)).map(({ body }) => body.trimEnd().split('\n').at(-1));
    expect(bodies).toEqual(['second', 'other key']);
  });

  test("a person's comment is never taken for ours, even if it is the same", async () => {
    const world = current();
    const first = await opened(world);
    await world.pulls.comment(first, { key: 'watch', body: 'text' });
    const [ours] = await world.comments(first);
    const second = await opened(world, { branch: `${BRANCH}2` });
    await world.person.comment(second, ours?.body ?? '');
    await world.pulls.comment(second, { key: 'watch', body: 'new text' });
    expect(await world.comments(second)).toEqual([
      { isOurs: false, body: ours?.body },
      { isOurs: true, body: ours?.body.replace('text', 'new text') },
    ]);
  });
}

const ISSUE: KeyedIssue = {
  key: 'retire/prod',
  title: 'Retire',
  body: 'A list',
  labels: ['leastwise'],
  isOpen: true,
};

function describeIssues(current: Current): void {
  test('keeps one for each key', async () => {
    const world = current();
    await world.pulls.keepIssue({ ...ISSUE, isOpen: false });
    expect(await world.issues()).toEqual([]);
    await world.pulls.keepIssue(ISSUE);
    expect(await writesOf(world, () => world.pulls.keepIssue(ISSUE))).toBe(0);
    await world.pulls.keepIssue({ ...ISSUE, key: 'retire/prod-eu' });
    await world.pulls.keepIssue({ ...ISSUE, body: 'A shorter list', labels: ['leastwise', 'more'] });
    const issues = await world.issues();
    expect(issues).toMatchObject([
      { title: 'Retire', isOpen: true },
      { title: 'Retire', isOpen: true, labels: ['leastwise'] },
    ]);
    expect(issues[0]?.body).toContain('A shorter list');
    expect([...(issues[0]?.labels ?? [])].sort()).toEqual(['leastwise', 'more']);
  });

  test('is closed when nothing is left to do, and opened again when there is', async () => {
    const world = current();
    await world.pulls.keepIssue(ISSUE);
    await world.pulls.keepIssue({ ...ISSUE, isOpen: false });
    expect(await world.issues()).toMatchObject([{ isOpen: false }]);
    expect(await writesOf(world, () => world.pulls.keepIssue({ ...ISSUE, isOpen: false }))).toBe(0);
    await world.pulls.keepIssue(ISSUE);
    expect(await world.issues()).toMatchObject([{ isOpen: true }]);
  });

  test('stays closed where a person closed it, until it says something else', async () => {
    const world = current();
    await world.pulls.keepIssue(ISSUE);
    const [issue] = await world.issues();
    await world.person.closeIssue(issue?.number ?? 0);
    expect(await writesOf(world, () => world.pulls.keepIssue(ISSUE))).toBe(0);
    expect(await world.issues()).toMatchObject([{ isOpen: false }]);
    await world.pulls.keepIssue({ ...ISSUE, body: 'A longer list' });
    expect(await world.issues()).toMatchObject([{ number: issue?.number, isOpen: true }]);
  });

  test("a person's issue is never taken for ours, even if it is the same", async () => {
    const world = current();
    await world.pulls.keepIssue({ ...ISSUE, key: 'other' });
    const [first] = await world.issues();
    const theirs = await world.person.openIssue({ title: 'Theirs', body: first?.body ?? '' });
    await world.pulls.keepIssue({ ...ISSUE, key: 'other', body: 'New' });
    const issues = await world.issues();
    expect(issues).toHaveLength(2);
    expect(issues.find(({ number }) => number === theirs)).toMatchObject({
      title: 'Theirs',
      body: first?.body,
    });
    expect(issues.find(({ number }) => number === first?.number)?.body).toContain('New');
  });

  test('is no pull request, even if one says the same', async () => {
    const world = current();
    const number = await opened(world);
    await world.pulls.keepIssue(ISSUE);
    const [issue] = await world.issues();
    const body = issue?.body ?? '';
    await world.pulls.update(number, { body });
    await world.pulls.keepIssue({ ...ISSUE, body: 'Another list' });
    expect(await world.pulls.listOpen('')).toMatchObject([{ number, body }]);
    const issues = await world.issues();
    expect(issues).toHaveLength(1);
    expect(issues[0]?.body).toContain('Another list');
  });
}

function describeLimits(current: Current): void {
  test('takes texts up to the limits, and refuses longer ones whole', async () => {
    const world = current();
    const { limits } = world.pulls;
    const text = { title: 'x'.repeat(limits.title), body: 'y'.repeat(limits.body) };
    const number = await opened(world, text);
    expect(await world.pulls.listOpen('')).toMatchObject([{ number, ...text }]);
    const tooLong = [
      () => world.pulls.update(number, { title: `${text.title}x` }),
      () => world.pulls.update(number, { body: `${text.body}y` }),
      () => world.pulls.open(draftOf(world, { body: `${text.body}y` })),
      () => world.pulls.comment(number, { key: 'k', body: text.body }),
      () => world.pulls.keepIssue({ ...ISSUE, body: text.body }),
    ];
    const refused = async (act: () => Promise<unknown>): Promise<void> => {
      const error: unknown = await act().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ForgeError);
      expect(error).toMatchObject({ failure: 'refused' });
    };
    for (const act of tooLong) expect(await writesOf(world, () => refused(act))).toBe(0);
  });
}
