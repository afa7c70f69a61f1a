import { subjectKey } from '@leastwise/audit-event';
import { emptyCluster, parseManifests, scoreCluster } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { Scene, SETTINGS } from './testing/scene.ts';
import { ALICE, asked, CART, days, PAY, stateOf } from './testing/states.ts';
import type { CycleOutcome, CycleSettings } from './types.ts';

const SEEN = [
  ...asked(PAY, ['get secrets pay token'], days(0, 20)),
  ...asked(CART, ['get configmaps shop', 'list pods shop'], days(0, 20)),
];
const CART_FILE = 'clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml';
const PROD = { tellsPoliciesOf: new Set(['prod']) };

function told({ policies }: CycleOutcome, cluster = 'prod'): string[] {
  return (policies.get(cluster) ?? []).map(({ policy, withheld }) =>
    [subjectKey(policy.subject), withheld].filter((each) => each !== undefined).join(': '),
  );
}

function run(settings: Partial<CycleSettings>, files: Readonly<Record<string, string>> = {}, all = SEEN) {
  return new Scene(settings, files).run(all);
}

describe('the scores that a cycle tells', () => {
  const rbac = parseManifests(
    `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: old, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, namespace: shop, name: cart}]
`,
    'old.yaml',
  ).objects;

  test('are those of the clusters whose policies it tells, where their RBAC is known', async () => {
    const existing = new Map([['prod', rbac]]);
    const state = stateOf(SEEN);
    const [cluster] = state.clusters;
    const { scores } = await new Scene({ ...PROD, existing }).run(state);
    expect(cluster && scores.get('prod')).toEqual(
      cluster && scoreCluster({ cluster, rbac, options: SETTINGS.options }),
    );
    expect(scores.get('prod')?.length).toBeGreaterThan(0);
    expect((await run({ existing })).scores).toEqual(new Map());
    expect((await run(PROD)).scores).toEqual(new Map());
  });
});

describe('the policies that a cycle tells', () => {
  test('are none where nobody asks', async () => {
    expect((await run({})).policies).toEqual(new Map());
    expect((await run({ tellsPoliciesOf: new Set() })).policies).toEqual(new Map());
  });

  test('are those that it inferred, with the state they are from, in the order of their subjects', async () => {
    const state = stateOf(SEEN);
    const scene = new Scene(PROD);
    for (const outcome of [await scene.plan(state), await scene.run(state)]) {
      const policies = outcome.policies.get('prod') ?? [];
      expect(policies.map(({ policy }) => policy.subject)).toEqual([PAY, CART]);
      const [cluster] = state.clusters;
      for (const each of policies) {
        expect(each.cluster).toBe(cluster);
        expect(each.state).toBe(cluster?.subjects.get(subjectKey(each.policy.subject)));
        expect(each.policy.objects.map(({ kind }) => kind)).toContain('RoleBinding');
      }
    }
  });

  test('are of the clusters that are asked for, and of none that nothing was observed in', async () => {
    const all = [...SEEN, ...asked(ALICE, ['get pods shop']).map((each) => ({ ...each, cluster: 'test' }))];
    const { clusters } = stateOf(all);
    const state = { clusters: [emptyCluster('new'), ...clusters], late: 0, lost: 0 };
    const outcome = await new Scene({ tellsPoliciesOf: new Set(['test', 'new', 'gone']) }).run(state);
    expect([...outcome.policies.keys()]).toEqual(['test']);
    expect(told(outcome, 'test')).toEqual([subjectKey(ALICE)]);
  });

  test('are those under the team’s knobs, and not of whom it leaves out', async () => {
    const admin = { kind: 'User', namespace: '', name: 'system:admin' } as const;
    const lines = ['version: 1', 'ignoredSubjects: ["user:alice"]', 'policies: [{ resourceNames: Omit }]'];
    const all = [...SEEN, ...asked(ALICE, ['get pods shop']), ...asked(admin, ['get pods shop'])];
    const outcome = await run(PROD, { 'leastwise.yaml': lines.join('\n') }, all);
    expect(outcome.withheld).toEqual(
      new Map([
        ['ignored', 1],
        ['system', 1],
      ]),
    );
    expect(told(outcome)).toEqual([subjectKey(PAY), subjectKey(CART)]);
    expect(JSON.stringify(outcome.policies.get('prod')?.[0]?.policy.objects)).not.toContain('token');
  });

  test('say why they must not be applied: open detections, or another subject’s objects in their place', async () => {
    const held = new Map([['prod', new Set([subjectKey(CART)])]]);
    expect(told(await run({ ...PROD, held }))).toEqual([
      subjectKey(PAY),
      `${subjectKey(CART)}: It has open detections: nothing is granted to it until they are settled.`,
    ]);
    const scene = new Scene(PROD);
    const naming = { template: 'x-${user}', labels: {}, annotations: {} };
    scene.settings = { ...scene.settings, options: { ...scene.settings.options, naming } };
    const other = { kind: 'ServiceAccount', namespace: 'other', name: 'cart' } as const;
    expect(told(await scene.run([...SEEN, ...asked(other, ['get pods shop'])]))).toEqual([
      expect.stringMatching(/:other:cart: its .* would be that of ServiceAccount shop\/cart, too$/),
      subjectKey(PAY),
      expect.stringMatching(/:shop:cart: its .* would be that of ServiceAccount other\/cart, too$/),
    ]);
  });

  test('do not depend on files of the repository that are in the way, or damaged', async () => {
    const inTheWay = await run(PROD, { [CART_FILE]: 'kind: Role\n' });
    expect(inTheWay.withheld).toEqual(new Map([['foreign-file', 1]]));
    const scene = new Scene(PROD);
    await scene.settle(SEEN);
    scene.commit('main', { [CART_FILE]: `${scene.files.get(CART_FILE) ?? ''}---\nkind: [\n` });
    const damaged = await scene.run(SEEN);
    expect(damaged.withheld).toEqual(new Map([['unreadable', 1]]));
    for (const outcome of [inTheWay, damaged]) {
      expect(told(outcome)).toEqual([subjectKey(PAY), subjectKey(CART)]);
    }
  });
});
