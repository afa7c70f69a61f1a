import { impliedGroups, type Permission } from '@leastwise/audit-event';
import {
  type BindingSubject,
  createAuthorizer,
  NEWEST_KUBERNETES,
  type PolicyRule,
  type RbacObject,
} from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { knownClusters, lookAtBase } from './look-at-base.ts';
import { planSubjects, type SubjectPlan } from './subjects.ts';
import { Scene } from './testing/scene.ts';
import { ALICE, asked, type Asked, CART, days, PAY, permission, stateOf } from './testing/states.ts';
import { MAX_LOOKED_INTO, unusedGrants } from './unused-grants.ts';

const API = 'rbac.authorization.k8s.io/v1' as const;
const GROUP = 'rbac.authorization.k8s.io';
const PODS: PolicyRule = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'] };

const BOUND = [
  { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' },
  { kind: 'ServiceAccount', namespace: 'pay', name: 'api' },
  { kind: 'User', name: 'alice' },
] as const satisfies readonly BindingSubject[];

/** A role, and a binding of some subjects to it: in a namespace, or in the cluster where that is `''`. */
function bound(
  rules: readonly PolicyRule[],
  namespace = '',
  subjects: readonly BindingSubject[] = BOUND.slice(0, 1),
  labels: Readonly<Record<string, string>> = {},
): RbacObject[] {
  const name = 'broad';
  if (namespace === '') {
    const metadata = { name, labels };
    const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name } as const;
    return [
      { apiVersion: API, kind: 'ClusterRole', metadata, rules },
      { apiVersion: API, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
    ];
  }
  const metadata = { name, namespace, labels };
  const roleRef = { apiGroup: GROUP, kind: 'Role', name } as const;
  return [
    { apiVersion: API, kind: 'Role', metadata, rules },
    { apiVersion: API, kind: 'RoleBinding', metadata, roleRef, subjects },
  ];
}

async function plansOf(all: readonly Asked[]): Promise<readonly SubjectPlan[]> {
  const scene = new Scene();
  const clusters = knownClusters(stateOf(all).clusters);
  const look = await lookAtBase(clusters, scene.settings, scene.ports());
  return (await planSubjects(clusters, look, scene.settings, scene.ports())).plans;
}

/** As a person would say them; what was used in part with a mark. */
async function textsOf(existing: readonly RbacObject[], all: readonly Asked[]): Promise<string[]> {
  const found = unusedGrants(existing, await plansOf(all), NEWEST_KUBERNETES);
  return found.flatMap(({ unused }) =>
    unused.map(({ permission: { verb, apiGroup, resource, namespace, name, path }, isPartlyUsed }) =>
      [verb, path || [apiGroup, resource].filter(Boolean).join(':'), namespace, name, isPartlyUsed ? '~' : '']
        .filter(Boolean)
        .join(' '),
    ),
  );
}

describe('what a binding grants and nobody used', () => {
  test.each<[string, RbacObject[], string[], string[]]>([
    ['a verb', bound([PODS], 'shop'), ['get pods shop p'], ['delete pods shop']],
    [
      'a name',
      bound([{ ...PODS, resourceNames: ['p', 'q'], verbs: ['get'] }], 'shop'),
      ['get pods shop p'],
      ['get pods shop q'],
    ],
    ['another namespace', bound([PODS], 'shop'), ['get pods web p'], ['delete pods shop', 'get pods shop']],
    ['all of the cluster, of which one namespace counts', bound([PODS]), ['get pods web p'], ['delete pods']],
    [
      'a URL',
      bound([{ nonResourceURLs: ['/metrics', '/logs/*'], verbs: ['get'] }]),
      ['get /logs/a'],
      ['get /logs/* ~', 'get /metrics'],
    ],
    [
      'a wildcard, used in part',
      bound([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]),
      ['get pods shop p'],
      ['* *:* ~'],
    ],
    [
      'a wildcard that is not used',
      bound([{ apiGroups: [''], resources: ['*/exec'], verbs: ['*'] }], 'shop'),
      ['get pods shop p'],
      ['* */exec shop'],
    ],
    ['of several rules, each once', bound([PODS, PODS], 'shop'), ['get pods shop p'], ['delete pods shop']],
    [
      'a URL by a RoleBinding, which grants none',
      bound([{ nonResourceURLs: ['/metrics'], verbs: ['get'] }], 'shop'),
      ['get /version'],
      [],
    ],
  ])('%s', async (_, existing, whats, expected) => {
    expect(await textsOf(existing, asked(CART, whats))).toEqual(expected);
  });

  test('a name that is not known any more may have been each of them', async () => {
    const rule = { ...PODS, resourceNames: ['p'], verbs: ['get'] };
    const names = Array.from({ length: 2_000 }, (_, at) => `get pods shop pod-${at}`);
    expect(await textsOf(bound([rule], 'shop'), asked(CART, ['list pods shop']))).toEqual([
      'get pods shop p',
    ]);
    expect(await textsOf(bound([rule], 'shop'), asked(CART, names))).toEqual([]);
  });

  test('what was used before the retention period counts as unused, what was refused as well', async () => {
    const old = [
      ...asked(CART, ['delete pods shop'], [0]),
      ...asked(CART, ['get pods shop p'], days(100, 120)),
    ];
    expect(await textsOf(bound([PODS], 'shop'), old)).toEqual(['delete pods shop']);
    const refused = asked(CART, ['delete pods shop']).map((each) => ({ ...each, isDenied: true }));
    expect(await textsOf(bound([PODS], 'shop'), [...refused, ...asked(CART, ['get pods shop p'])])).toEqual([
      'delete pods shop',
    ]);
  });

  test('what Kubernetes makes by itself is left out, and what is bound to groups', async () => {
    const group = { apiGroup: GROUP, kind: 'Group', name: 'system:serviceaccounts:shop' } as const;
    const all = asked(CART, ['list nodes']);
    expect(await textsOf(bound([PODS], 'shop'), all)).toHaveLength(2);
    const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
    expect(await textsOf(bound([PODS], 'shop', BOUND, labels), all)).toEqual([]);
    expect(await textsOf(bound([PODS], 'shop', [group]), all)).toEqual([]);
    const ofGroup = asked({ kind: 'Group', namespace: '', name: group.name }, ['list nodes']);
    expect(await textsOf(bound([PODS], 'shop', [group]), ofGroup)).toEqual([]);
  });

  test('subjects that leave the same unused share an entry, others have their own', async () => {
    const all = [
      ...asked(CART, ['get pods shop p']),
      ...asked(PAY, ['get pods shop p']),
      ...asked(ALICE, ['delete pods shop p']),
    ];
    const found = unusedGrants(bound([PODS], 'shop', BOUND), await plansOf(all), NEWEST_KUBERNETES);
    expect(found.map(({ subjects, unused }) => [subjects.map(({ name }) => name), unused.length])).toEqual([
      [['api', 'cart'], 1],
      [['alice'], 1],
    ]);
    expect(found[0]?.binding).toEqual({ kind: 'RoleBinding', namespace: 'shop', name: 'broad' });
    expect(found[0]?.role).toEqual({ kind: 'Role', name: 'broad' });
  });

  test('more than is looked into is counted', async () => {
    const resources = Array.from({ length: 1_000 }, (_, at) => `kind${at}`);
    const huge = [{ apiGroups: ['a', 'b', 'c'], resources, resourceNames: resources, verbs: ['get'] }];
    const [found] = unusedGrants(
      bound(huge, 'shop'),
      await plansOf(asked(CART, ['list nodes'])),
      NEWEST_KUBERNETES,
    );
    expect(found?.unused).toHaveLength(MAX_LOOKED_INTO);
    expect(found?.more).toBe(3_000_000 - MAX_LOOKED_INTO);
  });
});

const VALUES = {
  verbs: ['get', 'list', '*'],
  apiGroups: ['', 'apps', '*'],
  resources: ['pods', 'pods/log', 'deployments', '*', '*/log'],
  resourceNames: ['p', 'q'],
};
const some = (values: readonly string[], minLength = 1): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength, maxLength: 3 });
const rule: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: some(VALUES.verbs),
    apiGroups: some(VALUES.apiGroups),
    resources: some(VALUES.resources),
    resourceNames: some(VALUES.resourceNames, 0),
  }),
  fc.record({ verbs: some(VALUES.verbs), nonResourceURLs: some(['/metrics', '/logs/*', '*']) }),
);
const what = fc.constantFrom(
  ...['get', 'list'].flatMap((verb) => [
    `${verb} pods shop`,
    `${verb} pods shop p`,
    `${verb} pods/log shop q`,
    `${verb} apps:deployments web q`,
    `${verb} pods`,
    `${verb} /metrics`,
    `${verb} /logs/a`,
  ]),
);

test('no request that was counted needs what is called unused, by the authorizer itself', async () => {
  const place = fc.constantFrom('', 'shop', 'web');
  await fc.assert(
    fc.asyncProperty(
      fc.array(rule, { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(what, { minLength: 1, maxLength: 6 }),
      place,
      async (rules, whats, namespace) => {
        const found = unusedGrants(
          bound(rules, namespace),
          await plansOf(asked(CART, whats)),
          NEWEST_KUBERNETES,
        );
        const left = found
          .flatMap(({ unused }) => unused)
          .filter(({ isPartlyUsed }) => !isPartlyUsed)
          .map(({ permission: cell }) => ruleOf(cell));
        const authorizer = createAuthorizer(bound(left, namespace));
        for (const each of whats) {
          const request = { subject: CART, groups: impliedGroups(CART), permission: permission(each) };
          expect(authorizer.authorize(request).allowed, each).toBe(false);
        }
      },
    ),
    { numRuns: 150 },
  );
});

function ruleOf({ verb, apiGroup, resource, name, path }: Permission): PolicyRule {
  if (resource === '') return { verbs: [verb], nonResourceURLs: [path] };
  return {
    verbs: [verb],
    apiGroups: [apiGroup],
    resources: [resource],
    ...(name === '' ? {} : { resourceNames: [name] }),
  };
}
