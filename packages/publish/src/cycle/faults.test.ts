import type { RbacObject } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { planCycle } from './cycle.ts';
import { Scene } from './testing/scene.ts';
import { ALICE, type Asked, asked, CART, clustersOf, days, PAY, refused } from './testing/states.ts';

const OLD = [
  ...asked(CART, ['get configmaps shop', 'delete pods shop', 'get pods pay'], days(0, 20)),
  ...asked(PAY, ['get secrets pay token'], days(0, 20)),
  ...asked(ALICE, ['get pods shop'], days(0, 20)),
];
const NEW = [
  ...OLD,
  ...asked(CART, ['get configmaps shop', 'watch pods shop'], days(21, 120)),
  ...asked(PAY, ['get secrets pay token', 'list nodes'], days(21, 120)),
  ...asked(ALICE, ['get pods shop'], days(21, 120)),
];

const API_VERSION = 'rbac.authorization.k8s.io/v1' as const;
const ROLE_REF = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'broad' } as const;
/** An old binding, to be retired. */
const BROAD: readonly RbacObject[] = [
  {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: { name: 'broad' },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  },
  {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'old' },
    roleRef: ROLE_REF,
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
  },
];

/** A repository where something is open, something is outdated, and something is to be ended. */
async function busyScene(): Promise<Scene> {
  const scene = new Scene({ publishesReports: true, existing: new Map([['prod', BROAD]]) });
  await scene.run(OLD);
  scene.merge('prod.namespace-shop.additions');
  await scene.run(OLD);
  scene.merge('prod.namespace-pay.additions');
  return scene;
}

/** What is open once nothing is left to do. */
async function endOf(scene: Scene): Promise<unknown> {
  await scene.run(NEW);
  await scene.run(NEW);
  const { changes } = scene;
  await scene.run(NEW);
  expect(scene.changes).toBe(changes);
  const rows = scene.open.map(({ branch, title, body, labels }) => ({ branch, title, body, labels }));
  const byBranch = rows.sort((a, b) => (a.branch < b.branch ? -1 : 1));
  return {
    rows: byBranch,
    trees: scene.world.branches.map((branch) => [branch, [...scene.world.filesAt(branch)]]),
  };
}

test('killed before any step, the next cycle ends in the same place', async () => {
  const undisturbed = await endOf(await busyScene());
  const steps: string[] = [];
  const counted = await busyScene();
  await counted.run(NEW, { onStep: (step, branch) => void steps.push(`${step} ${branch}`) });
  expect(steps.length).toBeGreaterThan(5);
  expect(steps.some((step) => step.startsWith('comment'))).toBe(true);
  expect(counted.world.forge.issues).toHaveLength(1);
  for (const at of steps.keys()) {
    const scene = await busyScene();
    let step = 0;
    const killed = scene.run(NEW, {
      onStep: () => {
        if (step++ === at) throw new Error('killed');
      },
    });
    await expect(killed).rejects.toThrow('killed');
    expect(await endOf(scene)).toEqual(undisturbed);
  }
});

test('two publishers that run at once make one pull request for each branch, and end where one does', async () => {
  const undisturbed = await endOf(await busyScene());
  const scene = await busyScene();
  await Promise.all([scene.run(NEW), scene.run(NEW)]);
  await Promise.all([scene.run(NEW), scene.run(OLD)]);
  expect(await endOf(scene)).toEqual(undisturbed);
  const open = scene.open.map(({ branch }) => branch);
  expect(new Set(open).size).toBe(open.length);
});

const WHATS = [
  'get pods shop',
  'get pods pay a',
  'list nodes',
  'watch secrets pay',
  'get /metrics',
  'impersonate users',
  'patch apps:deployments shop',
];
const arbitraryAsked: fc.Arbitrary<Asked> = fc.record({
  subject: fc.constantFrom(CART, PAY, ALICE),
  what: fc.constantFrom(...WHATS),
  days: fc.uniqueArray(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 4 }),
  cluster: fc.constantFrom('prod', 'dev'),
  isDenied: fc.boolean(),
  viaRbac: fc.constantFrom(true, true, false),
});
const arbitraryKnobs = fc.record({
  scopeMode: fc.constantFrom('NamespaceStrict' as const, 'ClusterScopeAllowed' as const),
  verbMerge: fc.constantFrom('Exact' as const, 'Smart' as const),
  resourceNames: fc.constantFrom('Explicit' as const, 'Omit' as const),
  specialVerbs: fc.constantFrom('Withhold' as const, 'Grant' as const),
  shareRoles: fc.boolean(),
  namespaceGroups: fc.constantFrom([], ['*']),
});
const arbitraryState = fc.array(arbitraryAsked, { minLength: 1, maxLength: 25 });

describe('whatever the state', () => {
  test('the order of clusters, subjects and files makes no difference', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryState, arbitraryState, fc.nat(), async (before, after, seed) => {
        const scene = new Scene({ publishesReports: true });
        await scene.settle(before);
        const all = [...before, ...after];
        const one = await scene.plan({ clusters: clustersOf(all), late: 0, lost: 0 });
        const shuffled = clustersOf(all.toSorted((a, b) => rank(a, seed) - rank(b, seed))).reverse();
        const clusters = shuffled.map((cluster) => ({
          ...cluster,
          subjects: new Map([...cluster.subjects].reverse()),
        }));
        const { remote, ...ports } = scene.ports();
        const reversed = {
          ...remote,
          read: async (commit: string, folders: readonly string[]) =>
            new Map([...(await remote.read(commit, folders))].reverse()),
        };
        const other = await planCycle({ clusters, late: 0, lost: 0 }, scene.settings, {
          ...ports,
          remote: reversed,
        });
        expect(other).toEqual(one);
      }),
      { numRuns: 25 },
    );
  });

  test('merging all that is proposed, in any order and under any knobs, comes to an end without a broken promise', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryState,
        arbitraryState,
        arbitraryKnobs,
        fc.nat(),
        async (before, after, knobs, seed) => {
          const scene = new Scene();
          const { options } = scene.settings;
          await scene.settle(before, seed);
          scene.settings = { ...scene.settings, options: { ...options, ...knobs } };
          await scene.settle([...before, ...after], seed);
          expect((await scene.run([...before, ...after])).proposals).toEqual([]);
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

function rank(each: Asked, seed: number): number {
  return (JSON.stringify(each).length * 7919 + each.days.length * 104_729) % (seed + 2);
}

test('refusals alone propose nothing', async () => {
  const scene = new Scene();
  expect((await scene.run(refused(CART, ['get pods shop']))).proposals).toEqual([]);
});
