import { beforeEach, describe, expect, test } from 'vitest';

import { readMachineBlock } from '../machine-block.ts';
import { PublishError } from '../types.ts';
import { planReviews } from './plan-reviews.ts';
import { branchOf } from './proposal.ts';
import type { LeaveReason, ReviewAction, ReviewPlan } from './review-plan.ts';
import { perform } from './testing/people.ts';
import { KEYS, proposalsOf, publish, type Run, SETTINGS } from './testing/runs.ts';
import { BASE, World } from './testing/world.ts';

const BRANCHES = KEYS.map(branchOf);
const [FIRST = '', SECOND = ''] = BRANCHES;
const ONE = { wants: [1] };
const NONE = { wants: [] };

let world: World;
beforeEach(() => {
  world = new World();
});

/** What a plan does, in short. */
function brief({ actions }: ReviewPlan): string[] {
  return actions.map((action) => {
    const what = action.action === 'leave' ? action.reason : action.action;
    const index = BRANCHES.indexOf(action.branch);
    return `${what} ${index === -1 ? action.branch : index}`;
  });
}

async function cycle(run: Run): Promise<string[]> {
  const { plan, outcomes } = await publish(world, run);
  expect(outcomes.map(({ result }) => result)).toEqual(plan.actions.map(() => 'done'));
  return brief(plan);
}

/** Cycles until the first that has nothing to do; what all did. */
async function settle(run: Run): Promise<string[]> {
  const done: string[] = [];
  for (let round = 0; round < 5; round++) {
    const before = world.changed.length;
    done.push(...(await cycle(run)));
    if (world.changed.length === before) return done;
  }
  throw new Error('does not settle');
}

function person(act: Parameters<typeof perform>[1]['act'], at = 0): void {
  perform(world, { act, at });
}

function parentsOf(branch: string): readonly string[] {
  return world.remote.parentsOf(world.heads.get(branch) ?? '');
}

function textOf(number: number): unknown {
  const { title, body, labels, state } = world.row(number);
  return { title, body, labels, state };
}

function relabel(number: number, labels: readonly string[]): void {
  const { people } = world.forge;
  for (const label of world.row(number).labels) people.unlabel(number, label);
  for (const label of labels) people.label(number, label);
}

async function reasonFor(run: Run): Promise<LeaveReason | undefined> {
  const { plan } = await publish(world, run);
  const left = plan.actions.find((action) => action.action === 'leave');
  return plan.actions.length === 1 ? left?.reason : undefined;
}

describe('one pull request per proposal', () => {
  test('is opened on a branch of its own, with labels and a hidden block', async () => {
    expect(await cycle(ONE)).toEqual(['push 0', 'open 0']);
    const [row] = world.rows;
    expect(row).toMatchObject({ branch: FIRST, base: BASE, state: 'open', title: 'title of 0' });
    expect(row?.labels).toEqual(['leastwise', 'rbac']);
    expect(readMachineBlock(row?.body ?? '')?.fingerprint).toBe('sha256:0-1');
    expect(world.filesAt(FIRST).get('policies/0')).toBe('v1');
    expect(parentsOf(FIRST)).toEqual([world.heads.get(BASE)]);
  });

  test('a second run changes nothing', async () => {
    await cycle(ONE);
    const before = world.changed.length;
    expect(await cycle(ONE)).toEqual(['up-to-date 0']);
    expect(world.changed.length).toBe(before);
  });

  test('is updated in place, the branch first', async () => {
    await cycle(ONE);
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'update 0']);
    expect(world.rows).toHaveLength(1);
    expect(readMachineBlock(world.rows[0]?.body ?? '')?.fingerprint).toBe('sha256:0-2');
  });

  test('moves onto the base where the base changed the same files, and only there', async () => {
    await cycle(ONE);
    person('commit-to-base');
    expect(await cycle(ONE)).toEqual(['up-to-date 0']);
    person('edit-ours-in-base');
    expect(await cycle(ONE)).toEqual(['push 0']);
    expect(parentsOf(FIRST)).toEqual([world.heads.get(BASE)]);
  });

  test('is closed, marked as by us, and its branch removed when the difference is gone', async () => {
    await cycle(ONE);
    expect(await cycle(NONE)).toEqual(['close 0']);
    expect(world.rows[0]?.state).toBe('closed');
    expect(readMachineBlock(world.rows[0]?.body ?? '')?.closedBy).toBe('leastwise');
    expect(world.heads.has(FIRST)).toBe(false);
    expect(await cycle(NONE)).toEqual([]);
  });

  test('what we closed is proposed again when the difference is back', async () => {
    await cycle(ONE);
    await cycle(NONE);
    expect(await cycle(ONE)).toEqual(['push 0', 'open 0']);
    expect(world.rows.map(({ state }) => state)).toEqual(['closed', 'open']);
  });

  test('a pull request that we marked but did not close is taken up again', async () => {
    await cycle(ONE);
    const kill = (step: string): void => {
      if (step === 'close') throw new Error('killed');
    };
    await expect(publish(world, { ...NONE, onStep: kill })).rejects.toThrow('killed');
    expect(await cycle(ONE)).toEqual(['update 0']);
    person('close');
    expect(await reasonFor(ONE)).toBe('declined');
  });

  test('a branch that deletes another file is pushed anew', () => {
    const [proposal] = proposalsOf([1], new Map());
    const of = (path: string): readonly [{ readonly action: 'delete'; readonly path: string }] => [
      { action: 'delete', path },
    ];
    const there = { name: FIRST, tip: 't', isOurs: true, changes: of('a'), movedBelow: [] };
    const remote = { base: 'b', branches: new Map([[FIRST, there]]) };
    const planFor = (path: string): string[] => {
      const proposals = proposal === undefined ? [] : [{ ...proposal, changes: of(path) }];
      return brief(planReviews({ proposals, remote, pulls: undefined, settings: SETTINGS }));
    };
    expect(planFor('a')).toEqual(['up-to-date 0']);
    expect(planFor('b')).toEqual(['push 0']);
  });

  test('a proposal without changes is none, and two of one key are refused', () => {
    const [proposal] = proposalsOf([1], new Map());
    const remote = { base: 'x', branches: new Map() };
    const input = { remote, pulls: undefined, settings: SETTINGS };
    const empty = proposal === undefined ? [] : [{ ...proposal, changes: [] }];
    expect(empty).toHaveLength(1);
    expect(planReviews({ ...input, proposals: empty })).toEqual({ actions: [] });
    expect(() => planReviews({ ...input, proposals: [...empty, ...empty] })).toThrow(PublishError);
  });
});

describe('people', () => {
  test('closed by a person: not proposed again for the same evidence, but for other evidence', async () => {
    await cycle(ONE);
    person('close');
    expect(await reasonFor(ONE)).toBe('declined');
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'open 0']);
    person('close');
    expect(await reasonFor({ wants: [2] })).toBe('declined');
    expect(await reasonFor(ONE)).toBe('declined');
    expect(await cycle({ wants: [3] })).toEqual(['push 0', 'open 0']);
  });

  test('declined, and the difference gone: the branch is removed', async () => {
    await cycle(ONE);
    person('close');
    expect(await cycle(NONE)).toEqual(['remove-branch 0']);
    expect(world.heads.has(FIRST)).toBe(false);
    expect(await reasonFor(ONE)).toBe('declined');
  });

  test('reopened by a person: it is open', async () => {
    await cycle(ONE);
    person('close');
    person('reopen');
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'update 0']);
  });

  test.each(['merge', 'squash'] as const)(
    'merged by %s: the branch is removed where it is left',
    async (how) => {
      await cycle(ONE);
      person(how);
      expect(await cycle(ONE)).toEqual(['remove-branch 0']);
      expect(world.filesAt(BASE).get('policies/0')).toBe('v1');
      expect(await cycle(ONE)).toEqual([]);
    },
  );

  test.each(['merge', 'squash'] as const)(
    'merged by %s, and there is more: the branch is used again',
    async (how) => {
      await cycle(ONE);
      person(how);
      expect(await cycle({ wants: [2] })).toEqual(['push 0', 'open 0']);
      expect(world.rows.map(({ state }) => state)).toEqual(['merged', 'open']);
    },
  );

  test.each(['merge', 'squash'] as const)(
    'merged by %s and reverted before we looked: it is proposed again, by a commit that the base does not hold',
    async (how) => {
      await cycle(ONE);
      person(how);
      person('revert');
      expect(await cycle(ONE)).toEqual(['push 0', 'open 0']);
      expect(await cycle(ONE)).toEqual(['up-to-date 0']);
      person('close');
      expect(await reasonFor(ONE)).toBe('declined');
    },
  );

  test('merged and reverted: it is proposed again', async () => {
    await cycle(ONE);
    person('squash');
    await cycle(ONE);
    person('edit-ours-in-base');
    expect(await cycle(ONE)).toEqual(['push 0', 'open 0']);
  });

  test.each(['commit-to-branch', 'amend'] as const)(
    '%s: never pushed over, its text never changed',
    async (act) => {
      await cycle(ONE);
      person(act);
      const head = world.heads.get(FIRST);
      const text = textOf(1);
      for (const wants of [[1], [2], []]) expect(await cycle({ wants })).toEqual(['foreign-commits 0']);
      expect(world.heads.get(FIRST)).toBe(head);
      expect(textOf(1)).toEqual(text);
      expect(world.rows[0]?.comments).toHaveLength(1);
      expect(world.changed.filter((change) => change.startsWith('comment'))).toHaveLength(1);
    },
  );

  test('a branch updated by the button of the forge is theirs', async () => {
    await cycle(ONE);
    person('commit-to-base');
    person('update-branch');
    expect(await reasonFor({ wants: [2] })).toBe('foreign-commits');
  });

  test('foreign commits without a pull request: nothing is opened', async () => {
    await cycle(ONE);
    person('close');
    person('commit-to-branch');
    expect(await reasonFor({ wants: [2] })).toBe('foreign-commits');
    expect(await reasonFor(NONE)).toBe('foreign-commits');
    person('delete-branch');
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'open 0']);
  });

  test("a person's own branch with our prefix, and its pull request, are left without a word", async () => {
    person('own-branch');
    person('open-by-hand');
    expect(await cycle(NONE)).toEqual(['foreign-commits leastwise/person-0']);
    expect(world.changed).toEqual([]);
  });

  test('the stop label stops everything, whatever its case', async () => {
    await cycle(ONE);
    person('stop');
    for (const wants of [[1], [2], []]) expect(await reasonFor({ wants })).toBe('stopped');
    expect(world.rows[0]?.state).toBe('open');
    person('go-on');
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'update 0']);
  });

  test('the stop label on a branch with foreign commits: not even a comment', async () => {
    await cycle(ONE);
    person('commit-to-branch');
    person('stop');
    expect(await reasonFor(ONE)).toBe('stopped');
    expect(world.rows[0]?.comments).toEqual([]);
  });

  test('a pull request to another base is left alone, and none is opened beside it', async () => {
    await cycle(ONE);
    person('retarget');
    for (const wants of [[1], [2], []]) expect(await reasonFor({ wants })).toBe('other-base');
    person('stop');
    expect(await reasonFor(ONE)).toBe('stopped');
  });

  test('two bases: ours is kept and closed, but the branch stays for the other one', async () => {
    await cycle(ONE);
    person('retarget');
    person('open-by-hand');
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'update 0']);
    expect(await cycle(NONE)).toEqual(['close 0']);
    expect(world.heads.has(FIRST)).toBe(true);
    expect(world.rows.map(({ state }) => state)).toEqual(['open', 'closed']);
  });

  test('what a person opened from our branch by hand is ours', async () => {
    const kill = (step: string): void => {
      if (step === 'open') throw new Error('killed');
    };
    await expect(publish(world, { ...ONE, onStep: kill })).rejects.toThrow('killed');
    person('open-by-hand');
    expect(await cycle(ONE)).toEqual(['update 0']);
    expect(world.rows).toHaveLength(1);
    expect(world.rows[0]?.title).toBe('title of 0');
    expect(await cycle(NONE)).toEqual(['close 0']);
  });

  test('opened by hand and no longer wanted: closed, and marked though it had no block', async () => {
    await cycle(ONE);
    person('close');
    person('open-by-hand');
    expect(await cycle(NONE)).toEqual(['close 0']);
    expect(readMachineBlock(world.rows[1]?.body ?? '')).toEqual({
      version: 1,
      fingerprint: 'unknown',
      closedBy: 'leastwise',
    });
    expect(world.rows[1]?.body).toContain('please look');
  });

  test('their edits of the text stay until there is something new to say', async () => {
    await cycle(ONE);
    person('edit-title');
    person('edit-body');
    expect(await cycle(ONE)).toEqual(['up-to-date 0']);
    expect(await cycle({ wants: [2] })).toEqual(['push 0', 'update 0']);
    expect(world.rows[0]?.body).not.toContain('My words');
  });

  test('a new title or body is written also where the evidence is the same', async () => {
    await cycle(ONE);
    const say = async (text: object): Promise<string[]> => {
      const pulls = { open: world.rows, ended: new Map(), limits: world.forge.limits };
      const remote = await world.remote.fetch('leastwise/');
      const proposals = proposalsOf([1], new Map()).map((proposal) => ({ ...proposal, ...text }));
      return brief(planReviews({ proposals, remote, pulls, settings: SETTINGS }));
    };
    expect(await say({})).toEqual(['up-to-date 0']);
    expect(await say({ title: 'another' })).toEqual(['update 0']);
    expect(await say({ body: 'another' })).toEqual(['update 0']);
    expect(await say({ fingerprint: 'another' })).toEqual(['update 0']);
    expect(await say({ commitMessage: 'another' })).toEqual(['up-to-date 0']);
  });

  test('a damaged block is written anew', async () => {
    await cycle(ONE);
    person('damage-body');
    expect(await cycle(ONE)).toEqual(['update 0']);
    expect(await cycle(ONE)).toEqual(['up-to-date 0']);
  });

  test('labels that were taken off come back, those of people stay, letter case does not count', async () => {
    await cycle(ONE);
    relabel(1, ['theirs', 'RBAC']);
    expect(await cycle(ONE)).toEqual(['update 0']);
    expect(world.row(1).labels).toEqual(['theirs', 'RBAC', 'leastwise', 'rbac']);
    relabel(1, ['RBAC', 'Leastwise']);
    expect(await cycle(ONE)).toEqual(['up-to-date 0']);
  });

  test('a branch that somebody deleted under its open pull request is pushed again', async () => {
    await cycle(ONE);
    world.remote.point(FIRST, undefined);
    expect(await cycle(ONE)).toEqual(['push 0']);
    world.remote.point(FIRST, undefined);
    expect(await cycle(NONE)).toEqual(['close 0']);
  });

  test('a branch deleted with its pull request is a refusal', async () => {
    await cycle(ONE);
    person('delete-branch');
    expect(await reasonFor(ONE)).toBe('declined');
  });
});

describe('the limit', () => {
  const three = { wants: [1, 1, 0, 0, 1], settings: { ...SETTINGS, maxOpen: 2 } };

  test('new ones wait, additions first, and it is said', async () => {
    expect(await cycle(three)).toEqual(['push 4', 'open 4', 'push 0', 'open 0', 'limit 1']);
    expect(await cycle(three)).toEqual(['up-to-date 4', 'up-to-date 0', 'limit 1']);
  });

  test('what closes makes room at once', async () => {
    await cycle(three);
    expect(await cycle({ ...three, wants: [1, 1] })).toEqual(['close 4', 'up-to-date 0', 'push 1', 'open 1']);
  });

  test('open ones are kept up to date beyond it; those of people and stopped ones count', async () => {
    await cycle(three);
    person('stop');
    const fewer = { ...SETTINGS, maxOpen: 1 };
    const plan = await cycle({ wants: [2, 1, 0, 0, 1], settings: fewer });
    expect(plan).toEqual(['stopped 4', 'push 0', 'update 0', 'limit 1']);
  });

  test('what closes beside a pull request to another base makes no room', async () => {
    const one = { ...SETTINGS, maxOpen: 1 };
    await cycle({ wants: [0, 1], settings: one });
    person('retarget');
    person('open-by-hand');
    expect(await cycle({ wants: [1], settings: one })).toEqual(['close 1', 'limit 0']);
    expect(await cycle({ wants: [1], settings: one })).toEqual(['other-base 1', 'limit 0']);
  });

  test('what is declined takes no place', async () => {
    await cycle({ wants: [1], settings: { ...SETTINGS, maxOpen: 1 } });
    person('close');
    const plan = await cycle({ wants: [1, 1], settings: { ...SETTINGS, maxOpen: 1 } });
    expect(plan).toEqual(['declined 0', 'push 1', 'open 1']);
  });
});

describe('remotes without pull requests', () => {
  const bare = { ...ONE, isBare: true };

  test('get branches only, kept up to date and removed', async () => {
    expect(await cycle(bare)).toEqual(['push 0']);
    expect(await cycle(bare)).toEqual(['up-to-date 0']);
    expect(await cycle({ ...bare, wants: [2] })).toEqual(['push 0']);
    expect(await cycle({ ...bare, wants: [] })).toEqual(['remove-branch 0']);
    expect(await cycle({ ...bare, wants: [] })).toEqual([]);
  });

  test('the limit counts branches, and those of people are left alone', async () => {
    person('own-branch');
    const two = { isBare: true, wants: [1, 1], settings: { ...SETTINGS, maxOpen: 2 } };
    expect(await cycle(two)).toEqual(['foreign-commits leastwise/person-0', 'push 0', 'limit 1']);
    person('commit-to-branch', 1);
    expect(await cycle({ ...two, wants: [2, 1] })).toEqual([
      'foreign-commits 0',
      'foreign-commits leastwise/person-0',
      'limit 1',
    ]);
  });

  test('or commits to the base itself, one after the other', async () => {
    const settings = { ...SETTINGS, directly: 'everything' as const };
    const run = { isBare: true, wants: [1, 1, 1], settings };
    expect(await cycle(run)).toEqual(['push 0', 'overlap 1', 'push 2']);
    expect(await cycle(run)).toEqual(['push 1']);
    expect(await cycle(run)).toEqual([]);
    expect([...world.filesAt(BASE).keys()]).toEqual([
      'README.md',
      'policies/0',
      'policies/1',
      'policies/2',
      'shared/0',
      'shared/1',
    ]);
    expect(parentsOf(BASE)).toHaveLength(1);
    expect([...world.heads.keys()]).toEqual([BASE]);
  });

  test('an empty repository gets its first commit directly, and waits otherwise', async () => {
    world = new World(new Map());
    expect(await cycle({ isBare: true, wants: [1] })).toEqual(['no-base 0']);
    const settings = { ...SETTINGS, directly: 'everything' as const };
    expect(await cycle({ isBare: true, wants: [1, 0, 1], settings })).toEqual(['push 0', 'push 2']);
    expect(world.ancestors(world.heads.get(BASE)).size).toBe(2);
  });
});

describe('reports', () => {
  const settings = { ...SETTINGS, directly: 'reports' as const };

  test('go to the base unreviewed where that is configured, and all else to branches', async () => {
    expect(await cycle({ wants: [1, 0, 0, 1], settings })).toEqual(['push 0', 'open 0', 'push 3']);
    expect(world.filesAt(BASE).get('policies/3')).toBe('v1');
    expect(world.filesAt(BASE).has('policies/0')).toBe(false);
  });

  test('configured later, their pull request is closed', async () => {
    await cycle({ wants: [0, 0, 0, 1] });
    expect(await cycle({ wants: [0, 0, 0, 1], settings })).toEqual(['close 3', 'push 3']);
  });

  test('everything at once past the reviewers of a forge is refused', async () => {
    const everything = { ...SETTINGS, directly: 'everything' as const };
    await expect(publish(world, { ...ONE, settings: everything })).rejects.toThrow(PublishError);
    expect(world.changed).toEqual([]);
  });
});

describe('a plan', () => {
  test('says each step in a sentence for people', async () => {
    await settle({ wants: [1, 1, 0, 0, 1], settings: { ...SETTINGS, maxOpen: 2 } });
    person('own-branch');
    const said: string[] = [];
    const keep = ({ actions }: ReviewPlan): unknown => said.push(...actions.map(({ sentence }) => sentence));
    keep((await publish(world, { wants: [2, 1, 1] })).plan);
    const parent = world.heads.get(BASE)?.slice(0, 8) ?? '';
    const label = { ...SETTINGS, labels: ['new'] };
    relabel(2, []);
    keep((await publish(world, { wants: [3, 1, 1], settings: label })).plan);
    expect(said.map((sentence) => sentence.replaceAll(parent, 'BASE'))).toEqual([
      `Close #1 (${BRANCHES[4] ?? ''}): no difference is left; remove its branch.`,
      `Push to ${FIRST}, on BASE: 2 files written, 0 deleted.`,
      `Update the text of #2 (${FIRST}).`,
      'Leave leastwise/person-0: it holds commits that are not ours; while it is there, nothing else is proposed in its place.',
      `Push to new branch ${SECOND}, on BASE: 2 files written, 0 deleted.`,
      `Open a pull request from ${SECOND}.`,
      `Push to new branch ${BRANCHES[2] ?? ''}, on BASE: 2 files written, 0 deleted.`,
      `Open a pull request from ${BRANCHES[2] ?? ''}.`,
      `Push to ${FIRST}, on BASE: 2 files written, 0 deleted.`,
      `Update the text and the labels of #2 (${FIRST}).`,
      `Update the labels of #3 (${SECOND}).`,
      `Update the labels of #4 (${BRANCHES[2] ?? ''}).`,
      'Leave leastwise/person-0: it holds commits that are not ours; while it is there, nothing else is proposed in its place.',
    ]);
  });

  test('shows the name of a branch without what could deceive a terminal', () => {
    const name = 'leastwise/\u202e\u001b[2Kx🔑';
    const branch = { name, tip: 't', isOurs: false, changes: [], movedBelow: [] };
    const remote = { base: 'b', branches: new Map([[name, branch]]) };
    const { actions } = planReviews({ proposals: [], remote, pulls: undefined, settings: SETTINGS });
    const [left] = actions as [ReviewAction];
    expect(left.sentence).toMatch(/^Leave leastwise\/\\u\{202e\}\\u\{1b\}\[2Kx\\u\{1f511\}: /);
  });
});
