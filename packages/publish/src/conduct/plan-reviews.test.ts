import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Branch, PullRequest } from '../review.ts';
import { textFingerprint, withMachineBlock } from '../machine-block.ts';
import { planReviews } from './plan-reviews.ts';
import { branchOf } from './proposal.ts';
import type { Proposal } from './proposal.ts';
import type { ReviewInput } from './review-plan.ts';
import { KEYS, proposalsOf, SETTINGS } from './testing/runs.ts';
import { BASE } from './testing/world.ts';

const BRANCHES = [...KEYS.slice(0, 5).map(branchOf), 'leastwise/else'];
const version = fc.nat({ max: 2 });
const proposals = fc
  .array(version, { maxLength: 8 })
  .map((wants) => proposalsOf(wants, new Map([['shared/1', '2\n']])));

/** What is proposed where all files are to be of one version; none for version 0. */
function proposed(v: number): readonly Proposal[] {
  return proposalsOf(Array<number>(8).fill(v), new Map());
}

function bodyFor(branch: string, v: number, isClosed: boolean): string {
  const index = BRANCHES.indexOf(branch);
  const proposal = proposed(v)[index];
  const { title, body } = proposal ?? { title: '', body: 'hello' };
  return withMachineBlock(body, {
    version: 1,
    fingerprint: `sha256:${index}-${v}`,
    text: textFingerprint(title, body),
    ...(isClosed && { closedBy: 'leastwise' as const }),
  });
}

const pull = fc
  .record({
    number: fc.nat({ max: 50 }),
    branch: fc.constantFrom(...BRANCHES),
    base: fc.constantFrom(BASE, BASE, BASE, 'staging'),
    labels: fc.subarray(['leastwise', 'rbac', 'leastwise/stop']),
    version,
    isClosed: fc.boolean(),
    state: fc.constantFrom('closed' as const, 'merged' as const),
  })
  .map((some): PullRequest => ({
    ...some,
    url: '',
    title: 'title',
    body: bodyFor(some.branch, some.version, some.isClosed),
  }));

const branch = fc
  .record({
    name: fc.constantFrom(...BRANCHES),
    isOurs: fc.boolean(),
    version,
    isMoved: fc.boolean(),
  })
  .map((some): Branch => {
    const index = BRANCHES.indexOf(some.name);
    const changes = proposed(some.version)[index]?.changes ?? [];
    return { ...some, tip: `tip of ${some.name}`, changes, movedBelow: some.isMoved ? ['policies/0'] : [] };
  });

const world = fc.record({
  proposals,
  branches: fc.uniqueArray(branch, { selector: ({ name }) => name }),
  open: fc.uniqueArray(pull, { selector: ({ number }) => number, maxLength: 8 }),
  ended: fc.array(pull, { maxLength: 8 }),
  hasPulls: fc.boolean(),
  maxOpen: fc.nat({ max: 6 }),
});

interface Seen {
  readonly proposals: ReviewInput['proposals'];
  readonly branches: readonly Branch[];
  readonly open: readonly PullRequest[];
  readonly ended: readonly PullRequest[];
  readonly hasPulls: boolean;
  readonly maxOpen: number;
}

function inputOf({ proposals, branches, open, ended, hasPulls, maxOpen }: Seen): ReviewInput {
  const endedOf = new Map<string, PullRequest[]>();
  for (const past of ended) endedOf.set(past.branch, [...(endedOf.get(past.branch) ?? []), past]);
  const pulls = {
    open: open.map((some) => ({ ...some, state: 'open' as const })),
    ended: endedOf,
    limits: { title: 256, body: 65_536 },
  };
  return {
    proposals,
    remote: { base: 'the base', branches: new Map(branches.map((some) => [some.name, some])) },
    pulls: hasPulls ? pulls : undefined,
    settings: { ...SETTINGS, maxOpen },
  };
}

test('any order of what is seen gives the same plan', () => {
  const shuffled = world.chain((seen) =>
    fc.record({
      seen: fc.constant(seen),
      again: fc.record({
        proposals: orders(seen.proposals),
        branches: orders(seen.branches),
        open: orders(seen.open),
        ended: orders(seen.ended),
        hasPulls: fc.constant(seen.hasPulls),
        maxOpen: fc.constant(seen.maxOpen),
      }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ seen, again }) => {
      expect(planReviews(inputOf(again))).toEqual(planReviews(inputOf(seen)));
    }),
    { numRuns: 500 },
  );
});

function orders<T>(list: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...list], { minLength: list.length });
}

test('whatever is seen: what is not ours is never touched, and the limit holds', () => {
  fc.assert(
    fc.property(world, (seen) => {
      const input = inputOf(seen);
      const { actions } = planReviews(input);
      const open = input.pulls?.open ?? [];
      for (const action of actions) {
        expect(action.sentence).toMatch(/^[A-Z][ -~]+\.$/);
        if (action.action === 'leave') continue;
        expect(input.remote.branches.get(action.branch)?.isOurs).not.toBe(false);
        const stopped = open.filter((some) => some.branch === action.branch);
        expect(stopped.some(({ labels }) => labels.includes('leastwise/stop'))).toBe(false);
        if ('number' in action) expect(open.find(({ number }) => number === action.number)?.base).toBe(BASE);
      }
      const count = (name: string): number => actions.filter(({ action }) => action === name).length;
      if (input.pulls !== undefined && count('open') > 0) {
        const openBranches = new Set(open.map((some) => some.branch)).size;
        expect(openBranches + count('open')).toBeLessThanOrEqual(seen.maxOpen + count('close'));
      }
      for (const proposal of seen.proposals) {
        expect(actions.some((action) => action.branch === branchOf(proposal))).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
