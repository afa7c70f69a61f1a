import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ForgeError, type ForgeFailure, LeaseLostError } from '../review.ts';
import { PublishError } from '../types.ts';
import { applyReviews } from './apply-reviews.ts';
import { BRANCH_PREFIX, branchOf } from './proposal.ts';
import { readMachineBlock } from '../machine-block.ts';
import { type Act, ACTS, perform } from './testing/people.ts';
import { KEYS, proposalsOf, publish, SETTINGS, type Wants } from './testing/runs.ts';
import { BASE, pullsOf, remoteOf, World } from './testing/world.ts';

/** As a killed process: whatever comes after is not done. */
class Killed extends Error {}

const wants = fc.array(fc.nat({ max: 3 }), { maxLength: KEYS.length });
const act: fc.Arbitrary<Act> = fc.record({ act: fc.constantFrom(...ACTS), at: fc.nat({ max: 11 }) });
const cycle = fc.record({ wants, acts: fc.array(act, { maxLength: 4 }), kill: fc.nat({ max: 12 }) });
const mode = fc.record({
  remote: fc.constantFrom(
    { isBare: false, directly: 'nothing' as const },
    { isBare: false, directly: 'reports' as const },
    { isBare: true, directly: 'nothing' as const },
    { isBare: true, directly: 'everything' as const },
  ),
  maxOpen: fc.integer({ min: 0, max: 6 }),
});
const [FIRST = ''] = KEYS.map(branchOf);
const FAILURES: readonly ForgeFailure[] = [
  'unreachable',
  'rate-limited',
  'unauthorized',
  'not-found',
  'refused',
  'conflict',
  'unexpected',
];

/** A cycle that ends before its n-th step, or is done. */
async function publishUntil(world: World, run: Parameters<typeof publish>[1], kill: number): Promise<void> {
  let left = kill;
  const onStep = (): void => {
    if (left-- === 0) throw new Killed();
  };
  try {
    await publish(world, { ...run, onStep });
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
}

/** What can be seen, but for which commit of the base a branch stands on. */
async function contentOf(world: World): Promise<unknown> {
  const { branches } = await world.remote.fetch(BRANCH_PREFIX);
  const heads = [...branches.values()].map((branch) => ({ ...branch, tip: undefined }));
  const rows = world.rows.map((row) => ({ ...row, endedUs: undefined, mergeCommit: undefined }));
  return { heads, rows, base: world.filesAt(BASE) };
}

/** What must hold at any moment, whoever does what. */
async function checkAlways(world: World, proposed: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
  const open = world.rows
    .filter(({ state }) => state === 'open')
    .map(({ branch, base }) => `${branch} ${base}`);
  expect(new Set(open).size).toBe(open.length);
  const reachable = new Set([...world.heads.values()].flatMap((head) => [...world.ancestors(head)]));
  for (const commit of world.treasured) expect(reachable).toContain(commit);
  const { branches } = await world.remote.fetch(BRANCH_PREFIX);
  for (const { name, isOurs, changes } of branches.values()) {
    if (isOurs) expect(proposed.get(name)).toContain(JSON.stringify(changes));
  }
}

/** Notes what is proposed now, so that a branch with anything else is seen. */
function note(proposed: Map<string, Set<string>>, wanted: Wants, world: World): void {
  for (const proposal of proposalsOf(wanted, world.filesAt(BASE))) {
    const branch = branchOf(proposal);
    const known = proposed.get(branch) ?? new Set();
    proposed.set(branch, known.add(JSON.stringify(proposal.changes)));
  }
}

describe('a publisher that is killed', () => {
  test('between any two steps ends, started again, where one that was not killed does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cycle, { maxLength: 6 }), mode, async (cycles, { remote, maxOpen }) => {
        const { isBare, directly } = remote;
        const settings = { ...SETTINGS, maxOpen, directly };
        const [calm, rough] = [new World(), new World()];
        for (const { wants, acts, kill } of cycles) {
          // What is newest on the base, and so what is behind it, depends on the order of our own commits there.
          const isSame = ({ act }: { readonly act: string }): boolean =>
            act !== 'revert' && act !== 'update-branch';
          const done = acts.filter((some) => directly === 'nothing' || isSame(some));
          for (const some of done) for (const world of [calm, rough]) perform(world, some);
          const run = { wants, settings, isBare };
          await publish(calm, run);
          await publishUntil(rough, run, kill);
          await publishUntil(rough, run, 0);
          await publish(rough, run);
          if (directly === 'nothing') {
            expect(rough.snapshot()).toEqual(calm.snapshot());
            continue;
          }
          // A base that we move ourselves may be met half way: the same content, then, on another commit.
          await publish(calm, run);
          await publish(rough, run);
          expect(await contentOf(rough)).toEqual(await contentOf(calm));
        }
      }),
      { numRuns: 400 },
    );
  });

  test('started twice on an unchanged world makes no call that changes anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cycle, { maxLength: 5 }), mode, async (cycles, { remote, maxOpen }) => {
        const { isBare, directly } = remote;
        const settings = { ...SETTINGS, maxOpen, directly };
        const world = new World();
        for (const { wants, acts } of cycles) {
          for (const some of acts) perform(world, some);
          const run = { wants, settings, isBare };
          // What overlaps on the base comes a cycle later.
          for (let round = 0; round < 2; round++) await publish(world, run);
          const before = world.changed.length;
          const { plan } = await publish(world, run);
          expect(new Set(plan.actions.map(({ action }) => action))).toEqual(
            new Set(plan.actions.length === 0 ? [] : ['leave']),
          );
          expect(world.changed.length).toBe(before);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a forge that fails for a while: the first cycle without a failure ends in the same branches and texts', async () => {
    const failing = fc.array(fc.option(fc.constantFrom(...FAILURES), { freq: 2 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(cycle, { maxLength: 4 }), failing, async (cycles, failures) => {
        const [calm, rough] = [new World(), new World()];
        for (const { wants, acts } of cycles) {
          for (const some of acts) for (const world of [calm, rough]) perform(world, some);
          const settings = { ...SETTINGS, maxOpen: KEYS.length };
          await publish(calm, { wants, settings });
          const left = [...failures];
          rough.failing = () => {
            const failure = left.shift() ?? undefined;
            return failure && new ForgeError(failure, 'as planned');
          };
          await publish(rough, { wants, settings });
          rough.failing = () => undefined;
          await publish(rough, { wants, settings });
          expect([...rough.heads].sort()).toEqual([...calm.heads].sort());
          const open = ({ rows }: World): unknown =>
            rows.map(({ branch, state, body }) => [branch, state, body].join('\0')).sort();
          expect(open(rough)).toEqual(open(calm));
          // Numbers are given in the order of opening, and people pick by them.
          if (JSON.stringify(rough.snapshot()) !== JSON.stringify(calm.snapshot())) return;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('two publishers at once', () => {
  test('never make two pull requests, lose what a person committed, or tear a branch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.tuple(wants, wants, wants), { minLength: 1, maxLength: 3 }),
        fc.array(act, { maxLength: 10 }),
        fc.boolean(),
        async (scheduler, rounds, acts, isBare) => {
          const world = new World();
          const proposed = new Map<string, Set<string>>();
          const turn = async (label: string): Promise<void> => {
            await scheduler.schedule(Promise.resolve(), label);
            await checkAlways(world, proposed);
          };
          const publisher = async (which: 0 | 1): Promise<void> => {
            for (const round of rounds) {
              await turn('look');
              note(proposed, round[which], world);
              await publish(world, {
                wants: round[which],
                isBare,
                settings: { ...SETTINGS, directly: 'reports' },
                afterLook: () => turn('act'),
                onStep: turn,
              });
            }
          };
          const people = async (): Promise<void> => {
            for (const some of acts) {
              await turn(some.act);
              perform(world, some);
            }
          };
          await scheduler.waitFor(Promise.all([publisher(0), publisher(1), people()]));
          await checkAlways(world, proposed);

          // Left alone with one of them, it is as if there had been one only.
          const last = rounds.at(-1)?.[2] ?? [];
          for (let round = 0; round < 3; round++) await publish(world, { wants: last, isBare });
          const settled = await publish(world, { wants: last, isBare });
          expect(settled.plan.actions.filter(({ action }) => action !== 'leave')).toEqual([]);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('that want the same make the same: nobody loses a lease', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), wants, async (scheduler, wanted) => {
        const world = new World();
        const run = {
          wants: wanted,
          settings: { ...SETTINGS, maxOpen: KEYS.length },
          afterLook: () => scheduler.schedule(Promise.resolve()),
          onStep: () => scheduler.schedule(Promise.resolve()),
        };
        const both = await scheduler.waitFor(Promise.all([publish(world, run), publish(world, run)]));
        for (const { outcomes } of both) expect(outcomes.every(({ result }) => result === 'done')).toBe(true);
        expect(world.rows.filter(({ state }) => state === 'open')).toHaveLength(world.rows.length);
        expect(world.rows.map(({ branch }) => branch).sort()).toEqual(
          proposalsOf(wanted, new Map()).map(branchOf).sort(),
        );
      }),
    );
  });
});

describe('what fails', () => {
  const settings = { ...SETTINGS, maxOpen: 9 };

  test('somebody pushed between look and push: dropped with what follows, the others are done', async () => {
    const world = new World();
    await publish(world, { wants: [1, 1], settings });
    const { outcomes } = await publish(world, {
      wants: [2, 2],
      settings,
      afterLook: async () => perform(world, { act: 'commit-to-branch', at: 0 }),
    });
    expect(outcomes.map(({ result }) => result)).toEqual(['lease-lost', 'dropped', 'done', 'done']);
    expect(outcomes[0]?.error).toBeInstanceOf(LeaseLostError);
    expect(world.isByPerson(world.heads.get(FIRST) ?? '')).toBe(true);
  });

  test('somebody pushed before the branch was to be removed: it stays', async () => {
    const world = new World();
    await publish(world, { wants: [1], settings });
    const { outcomes } = await publish(world, {
      wants: [],
      settings,
      afterLook: async () => perform(world, { act: 'commit-to-branch', at: 0 }),
    });
    expect(outcomes.map(({ result }) => result)).toEqual(['lease-lost']);
    expect(world.heads.size).toBe(2);
  });

  test.each(['refused', 'not-found', 'conflict', 'unexpected'] as const)(
    '%s of one proposal does not stop the others',
    async (failure) => {
      const world = new World();
      world.failing = (call) => (call.startsWith('push') ? new ForgeError(failure, 'no') : undefined);
      const first = await publish(world, { wants: [1, 1], settings });
      expect(first.outcomes.map(({ result }) => result)).toEqual(['failed', 'dropped', 'failed', 'dropped']);
      expect(first.outcomes[0]?.error).toMatchObject({ failure });
    },
  );

  test.each(['unreachable', 'rate-limited', 'unauthorized'] as const)(
    '%s stops the rest',
    async (failure) => {
      const world = new World();
      let calls = 0;
      world.failing = (call) => {
        if (!call.startsWith('open')) return undefined;
        calls++;
        return new ForgeError(failure, 'no', { retryAfterMs: 5000 });
      };
      const { outcomes } = await publish(world, { wants: [1, 1], settings });
      expect(outcomes.map(({ result }) => result)).toEqual(['done', 'failed', 'not-tried', 'not-tried']);
      expect(outcomes[1]?.error).toMatchObject({ failure, retryAfterMs: 5000 });
      expect(calls).toBe(1);
    },
  );

  test('a refused path fails its proposal; a bug ends everything', async () => {
    const world = new World();
    const remote = remoteOf(world);
    const pulls = pullsOf(world);
    const { plan } = await publish(new World(), { wants: [1, 1], settings });
    const refusing = { ...remote, push: () => Promise.reject(new PublishError('refused path')) };
    const outcomes = await applyReviews(plan, { remote: refusing, pulls });
    expect(outcomes.map(({ result }) => result)).toEqual(['failed', 'dropped', 'failed', 'dropped']);
    const broken = { ...remote, push: () => Promise.reject(new TypeError('bug')) };
    await expect(applyReviews(plan, { remote: broken, pulls })).rejects.toThrow(TypeError);
  });

  test('a plan with pull requests on a remote without: each is reported', async () => {
    const { plan } = await publish(new World(), { wants: [1], settings });
    const outcomes = await applyReviews(plan, { remote: remoteOf(new World()), pulls: undefined });
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'failed']);
  });

  test('says what was made, and whom the forge refused as a reviewer', async () => {
    const world = new World();
    const pulls = pullsOf(world);
    const { plan } = await publish(new World(), { wants: [1], settings });
    const picky = {
      ...pulls,
      open: async (draft: Parameters<typeof pulls.open>[0]) => ({
        ...(await pulls.open(draft)),
        refusedReviewers: draft.reviewers,
      }),
    };
    const [pushed, opened] = await applyReviews(plan, { remote: remoteOf(world), pulls: picky });
    expect(pushed?.commit).toBe(world.heads.get(FIRST));
    expect(opened).toMatchObject({ pull: { number: 1 }, refusedReviewers: ['@org/team'] });
  });

  test('the body is marked before the pull request is closed, and the branch goes last', async () => {
    const world = new World();
    await publish(world, { wants: [1], settings });
    const seen: unknown[] = [];
    const onStep = (step: string): void => {
      const { state, body } = world.row(1);
      seen.push([step, state, readMachineBlock(body)?.closedBy, world.heads.size]);
    };
    await publish(world, { wants: [], settings, onStep });
    expect(seen).toEqual([
      ['mark', 'open', undefined, 2],
      ['close', 'open', 'leastwise', 2],
      ['remove-branch', 'closed', 'leastwise', 2],
    ]);
  });

  test('a direct commit that fails leaves the next one on the base as it was', async () => {
    const world = new World();
    const direct = {
      isBare: true,
      wants: [1, 0, 1],
      settings: { ...settings, directly: 'everything' as const },
    };
    let calls = 0;
    world.failing = (call) =>
      call === `push ${BASE}` && calls++ === 0 ? new ForgeError('refused', 'no') : undefined;
    const { outcomes } = await publish(world, direct);
    expect(outcomes.map(({ result }) => result)).toEqual(['failed', 'done']);
    expect([...world.filesAt(BASE).keys()]).toEqual(['README.md', 'policies/2', 'shared/1']);
  });
});
