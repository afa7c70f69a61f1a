import { describe, expect, test } from 'vitest';

import { CAPS } from './capped.ts';
import { isNamespaceGone, secondaryCells } from './classify.ts';
import { DAY_US } from './evidence.ts';
import { DEFAULT_OPTIONS, EXACT_PRESET } from './options.ts';
import { permission, request, type RequestFields, stateOf, T0 } from './testing/requests.ts';
import { policyOf, requests, rulesOf, spellCell } from './testing/spell.ts';
import type { PolicyRule, RbacObject } from './types.ts';

const API = 'rbac.authorization.k8s.io';

/** RBAC that lets alice do something in ns1. */
function granted(rules: readonly PolicyRule[]): RbacObject[] {
  const metadata = { name: 'x', namespace: 'ns1' };
  const apiVersion = `${API}/v1` as const;
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: API, kind: 'Role', name: 'x' },
      subjects: [{ apiGroup: API, kind: 'User', name: 'alice' }],
    },
  ];
}

function ask(cell: string, fields: Partial<RequestFields> = {}): ReturnType<typeof request> {
  return request({ permissions: [permission(cell)], ...fields });
}

function flood(spelled: (i: number) => string): ReturnType<typeof request>[] {
  return requests(Array.from({ length: CAPS.names + 1 }, (_, i) => spelled(i)));
}

describe('what exists is not granted again', () => {
  const cells = ['get secrets ns1 a', 'get secrets ns1 b', 'list secrets ns1'];

  test('by name, where what exists names names', () => {
    const existing = granted([
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['a'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    ]);
    const policy = policyOf(requests(cells), { existing });
    expect(rulesOf(policy)).toEqual({ ns1: ['list secrets', 'get secrets [b]'] });
    expect(policy?.exceptions.map((each) => [each.class, spellCell(each.cell), each.detail])).toEqual([
      ['granted-by-default', 'get secrets ns1 a', ''],
    ]);
  });

  test('for any name, where it does not', () => {
    const existing = granted([
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: [] },
    ]);
    expect(rulesOf(policyOf(requests(cells), { existing }))).toEqual({ ns1: ['list secrets'] });
  });
});

test('the classes say it all, but for what cannot be rendered', () => {
  const gone = { namespace: 'gone', change: 'deleted' as const };
  const policy = policyOf([
    ask('use things ns1 x'),
    ask('get pods ns1', { viaRbac: false }),
    ask('get pods ns2', { us: T0 - 100 * DAY_US }),
    ask('get pods gone', { namespaceLife: gone }),
    ask('get pods ns1 ..'),
  ]);
  const told = policy?.exceptions.map((each) => `${each.class}: ${each.detail}`).sort();
  expect(told).toEqual([
    'namespace-gone: ',
    'other-authorizer: ',
    'outside-retention: ',
    'unrenderable: not the name of an object',
    'withheld: ',
  ]);
  const elsewhere = policyOf([ask('get pods ns1'), ask('get nodes')], { namespace: 'ns2' });
  expect(elsewhere?.exceptions.map((each) => [each.class, each.detail])).toEqual([
    ['not-selected', ''],
    ['not-selected', ''],
  ]);
  // What was not asked for is that before anything else.
  const old = policyOf([ask('get pods ns1', { us: T0 - 100 * DAY_US }), ask('get pods ns2')], {
    namespace: 'ns2',
  });
  expect(old?.exceptions.map((each) => each.class)).toEqual(['not-selected']);
});

describe('a namespace is gone', () => {
  const life = (change: 'live' | 'deleted', us: number) =>
    ask('get pods pr-1', { us, namespaceLife: { namespace: 'pr-1', change } });
  const isGone = (...seen: ReturnType<typeof request>[]) =>
    isNamespaceGone('pr-1', stateOf(seen), DEFAULT_OPTIONS);

  test('once it was deleted, unless it was made at that time or used a day later', () => {
    expect(isGone(life('live', T0), life('deleted', T0 + 1))).toBe(true);
    expect(isGone(life('live', T0), life('deleted', T0))).toBe(false);
    expect(isGone(life('deleted', T0), ask('get pods pr-1', { us: T0 + DAY_US }))).toBe(true);
    expect(isGone(life('deleted', T0), ask('get pods pr-1', { us: T0 + DAY_US + 1 }))).toBe(false);
  });

  test('after thirty days without use, and not if nothing is known of it', () => {
    const used = ask('get pods pr-1', { us: T0 });
    expect(isGone(used, ask('get pods ns1', { us: T0 + 30 * DAY_US }))).toBe(true);
    expect(isGone(used, ask('get pods ns1', { us: T0 + 29 * DAY_US }))).toBe(false);
    expect(isGone(ask('get pods ns1'))).toBe(false);
  });
});

test.each([
  [1, 34, 'get pods/exec ns1 p', []],
  [1, 35, 'get pods/exec ns1 p', ['create pods/exec ns1 p']],
  [1, 35, 'get pods/attach ns1 p', ['create pods/attach ns1 p']],
  [1, 35, 'get pods/portforward ns1 p', ['create pods/portforward ns1 p']],
  [2, 0, 'get pods/exec ns1 p', ['create pods/exec ns1 p']],
  [0, 99, 'get pods/exec ns1 p', []],
  [1, 35, 'create pods/exec ns1 p', []],
  [1, 35, 'get apps:pods/exec ns1 p', []],
  [1, 35, 'get pods/log ns1 p', []],
])('on Kubernetes %i.%i %s also needs %j', (major, minor, cell, expected) => {
  const options = { ...DEFAULT_OPTIONS, kubernetesVersion: { major, minor } };
  expect(secondaryCells(permission(cell), options).map(spellCell)).toEqual(expected);
});

test('only removed groups have a replacement, and the policy names it', () => {
  const cells = ['get extensions:ingresses ns1 a', 'get old:deployments ns1 a', 'get ingresses ns1 a'];
  const policy = policyOf(requests(cells), { mapDeprecatedGroups: true });
  expect(policy?.granted.map(({ cell }) => spellCell(cell))).toEqual([
    'get ingresses ns1 a',
    'get extensions:ingresses ns1 a',
    'get networking.k8s.io:ingresses ns1 a',
    'get old:deployments ns1 a',
  ]);
  expect(policy?.widenings).toEqual([
    { kind: 'deprecated-group', what: 'ingresses of networking.k8s.io', replaced: 0 },
  ]);
});

describe('of a rule with too many names', () => {
  const exact = { ...EXACT_PRESET, specialVerbs: 'Grant' } as const;

  test('a policy is complete where any name is granted instead, once', () => {
    const policy = policyOf(
      [...flood((i) => `get secrets ns1 s${String(i)}`), ask('get secrets ns1')],
      exact,
    );
    expect(policy?.isIncomplete).toBe(false);
    expect(policy?.granted.map(({ cell, evidence }) => [spellCell(cell), evidence.count])).toEqual([
      ['get secrets ns1', CAPS.names + 2],
    ]);
  });

  test.each([
    ['URLs', (i: number) => `get /u${String(i)}`],
    ['names of special verbs', (i: number) => `use things ns1 s${String(i)}`],
  ])('%s never widen: the policy is incomplete', (_, spelled) => {
    const policy = policyOf(flood(spelled), exact);
    expect(policy?.isIncomplete).toBe(true);
    expect([policy?.granted.length, policy?.widenings]).toEqual([CAPS.names, []]);
  });

  test('nothing is said to be widened where nothing is granted', () => {
    const gone = { namespace: 'pr-1', change: 'deleted' as const };
    const seen = [
      ...flood((i) => `get secrets pr-1 s${String(i)}`),
      ask('get configmaps pr-1', { us: T0 + 1, namespaceLife: gone }),
      ask('get configmaps pr-2'),
    ];
    expect(policyOf(seen, exact)?.widenings).toEqual([]);
    const grouped = policyOf(seen, { ...exact, namespaceGroups: ['x', 'pr-*'] });
    expect(rulesOf(grouped)['']).toEqual(['get configmaps,secrets']);
    expect(grouped?.widenings.map(({ kind, what }) => `${kind}: ${what}`)).toEqual([
      'names-overflow: get secrets in pr-1',
      'namespace-group: namespaces pr-*',
    ]);
  });
});

test('requests that were allowed and such that were refused count together, where both count', () => {
  const both = [ask('get pods ns1'), ask('get pods ns1', { outcome: 'denied' })];
  const counts = (includeDenied: boolean) =>
    policyOf(both, { includeDenied })?.granted.map(({ evidence }) => evidence.count);
  expect([counts(false), counts(true)]).toEqual([[1], [2]]);
});
