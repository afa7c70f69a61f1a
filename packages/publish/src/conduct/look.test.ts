import { expect, test } from 'vitest';

import { lookAtEnded, lookAtReviews } from './look.ts';
import { branchOf } from './proposal.ts';
import { KEYS, proposalsOf, publish, SETTINGS } from './testing/runs.ts';
import { pullsOf, remoteOf, World } from './testing/world.ts';

test('the pull requests are looked at before the branches', async () => {
  const world = new World();
  await publish(world, { wants: [1] });
  const asked: string[] = [];
  const remote = remoteOf(world);
  const pulls = pullsOf(world);
  const look = await lookAtReviews(
    { ...remote, fetch: (prefix) => (asked.push(`fetch ${prefix}`), remote.fetch(prefix)) },
    { ...pulls, listOpen: (prefix) => (asked.push(`list ${prefix}`), pulls.listOpen(prefix)) },
  );
  expect(asked).toEqual(['list leastwise/', 'fetch leastwise/']);
  expect(look.open?.map(({ number }) => number)).toEqual([1]);
  expect([...look.remote.branches.keys()]).toEqual(KEYS.slice(0, 1).map(branchOf));
  expect((await lookAtReviews(remote, undefined)).open).toBeUndefined();
});

test('ended ones are asked for only where nothing is open', async () => {
  const world = new World();
  const settings = { ...SETTINGS, maxOpen: 9 };
  await publish(world, { wants: [1, 1], settings });
  world.forge.people.close(2);
  const pulls = pullsOf(world);
  const asked: string[] = [];
  const counting = {
    ...pulls,
    listEnded: (branch: string) => (asked.push(branch), pulls.listEnded(branch)),
  };
  const open = await pulls.listOpen('leastwise/');
  const proposals = proposalsOf([2, 2, 2], new Map());
  const ended = await lookAtEnded(proposals, open, counting);
  expect(asked).toHaveLength(2);
  expect(ended.has(open[0]?.branch ?? '')).toBe(false);
  expect([...ended.values()].map((list) => list.length).sort()).toEqual([0, 1]);
});
