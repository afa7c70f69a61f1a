import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DAY_US } from '../evidence.ts';
import { DEFAULT_OPTIONS, type PolicyOptions } from '../options.ts';
import {
  ALICE,
  APP,
  arbitraryRequest,
  permission,
  request,
  type RequestFields,
  stateOf,
  T0,
} from '../testing/requests.ts';
import type { BindingSubject, ClusterRole, PolicyRule, RbacObject } from '../types.ts';
import { scoreCluster } from './score-cluster.ts';
import type { SubjectScore } from './score-subject.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const API_GROUP = 'rbac.authorization.k8s.io';

const user = (name: string): BindingSubject => ({ apiGroup: API_GROUP, kind: 'User', name });
const group = (name: string): BindingSubject => ({ apiGroup: API_GROUP, kind: 'Group', name });

function pods(...verbs: string[]): PolicyRule {
  return { apiGroups: [''], resources: ['pods'], verbs };
}

function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  extra: Partial<ClusterRole> = {},
): ClusterRole {
  return { apiVersion: API_VERSION, kind: 'ClusterRole', metadata: { name }, rules, ...extra };
}

/** A ClusterRole and what binds it: in a namespace, or in the cluster with `*`. */
function bound(
  name: string,
  scope: string,
  subjects: readonly BindingSubject[],
  ...rules: PolicyRule[]
): RbacObject[] {
  return [clusterRole(name, rules), binding(name, scope, subjects)];
}

function binding(name: string, scope: string, subjects: readonly BindingSubject[]): RbacObject {
  const common = {
    apiVersion: API_VERSION,
    roleRef: { apiGroup: API_GROUP, kind: 'ClusterRole', name },
    subjects,
  } as const;
  if (scope === '*') return { ...common, kind: 'ClusterRoleBinding', metadata: { name } };
  return { ...common, kind: 'RoleBinding', metadata: { name, namespace: scope } };
}

function scores(
  rbac: readonly RbacObject[],
  requests: readonly (string | RequestFields)[],
  options: Partial<PolicyOptions> = {},
): Record<string, SubjectScore> {
  const cluster = stateOf(
    requests.map((each) => request(typeof each === 'string' ? { permissions: [permission(each)] } : each)),
  );
  const all = scoreCluster({ cluster, rbac, options: { ...DEFAULT_OPTIONS, ...options } });
  return Object.fromEntries(all.map((each) => [each.subject.name, each]));
}

describe('what a subject holds', () => {
  test('is what its groups hold, too: those that it is always in, and those named as granted', () => {
    const rbac = [
      ...bound('a', 'ns1', [group('system:authenticated')], pods('get')),
      ...bound('b', 'ns1', [group('team')], pods('list')),
      ...bound('c', 'ns1', [group('others')], pods('watch')),
    ];
    const permissions = [permission('list pods ns1')];
    const { alice } = scores(rbac, [{ permissions, grantingGroup: 'team' }]);
    expect([alice?.granted, alice?.used, alice?.uncovered]).toEqual([2n, 1n, []]);
    expect(scores(rbac, [{ permissions }])['alice']).toMatchObject({ granted: 1n, used: 0n, score: 0 });
  });

  test('is what aggregated ClusterRoles come to have', () => {
    const part = clusterRole('part', [pods('get', 'list')]);
    const labelled = { ...part, metadata: { name: 'part', labels: { part: 'yes' } } };
    const whole = clusterRole('whole', [], {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
    });
    const { alice } = scores([labelled, whole, binding('whole', 'ns1', [user('alice')])], ['get pods ns1']);
    expect([alice?.granted, alice?.score]).toEqual([2n, 50]);
  });

  test('is not what everybody has by default, unless the cluster grants more than that', () => {
    expect(scores([], ['get /api/v1'])['alice']).toMatchObject({ granted: 0n, score: 100, uncovered: [] });
    const changed = clusterRole('system:discovery', [
      { nonResourceURLs: ['/api/*'], verbs: ['get'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['s'] },
    ]);
    const rbac = [changed, ...bound('mine', 'ns1', [user('alice')], pods('get'))];
    expect(scores(rbac, ['get pods ns1', 'get secrets ns1 s'])['alice']).toMatchObject({
      granted: 2n,
      used: 2n,
    });
  });

  test('is wider the more namespaces are known', () => {
    const rbac = bound('a', '*', [user('alice')], pods('get'));
    const cluster = stateOf([request({ permissions: [permission('get pods ns1')] })]);
    const ofNamespaces = (namespaces: readonly string[]) =>
      scoreCluster({ cluster, rbac, options: DEFAULT_OPTIONS, namespaces })[0]?.score;
    expect([ofNamespaces(['ns1']), ofNamespaces(['ns1', 'ns2', 'ns3'])]).toEqual([100, 33]);
  });
});

describe('what a subject used', () => {
  test('counts within the retention', () => {
    const rbac = bound('a', 'ns1', [user('alice')], pods('get', 'list'));
    const requests = [
      { permissions: [permission('get pods ns1')] },
      { permissions: [permission('list pods ns1')], us: T0 + 50 * DAY_US },
    ];
    expect(scores(rbac, requests)['alice']?.score).toBe(100);
    expect(scores(rbac, requests, { retentionDays: 30 })['alice']?.score).toBe(50);
  });

  test('is what was allowed, by whomever, and not what was refused', () => {
    const rbac = bound('a', 'ns1', [user('alice')], pods('get', 'list'));
    const requests = [
      { permissions: [permission('get pods ns1')], viaRbac: false },
      { permissions: [permission('list pods ns1')], outcome: 'denied' as const },
      { permissions: [permission('get nodes')], viaRbac: false },
    ];
    const { alice } = scores(rbac, requests);
    expect(alice?.score).toBe(50);
    expect(alice?.uncovered).toMatchObject([{ cell: { resource: 'nodes' }, count: 1, viaRbac: false }]);
  });

  test('has what a WebSocket needs besides', () => {
    const rule = { apiGroups: [''], resources: ['pods/exec'], verbs: ['create', 'get'] };
    const rbac = bound('a', 'ns1', [user('alice')], rule);
    expect(scores(rbac, ['get pods/exec ns1 p'])['alice']?.score).toBe(100);
    const kubernetesVersion = { major: 1, minor: 34 };
    expect(scores(rbac, ['get pods/exec ns1 p'], { kubernetesVersion })['alice']?.score).toBe(50);
  });
});

describe('what was too much to keep', () => {
  const rbac = bound('a', 'ns1', [user('alice')], {
    ...pods('get'),
    resourceNames: ['a', 'b'],
  });

  test('of names is any name', () => {
    const cluster = stateOf([request({ permissions: [permission('get pods ns1 x')] })]);
    const state = cluster.subjects.get('user:alice');
    for (const rule of state?.allowed.rules.values() ?? []) rule.overflow = [...rule.names.values()][0];
    const [score] = scoreCluster({ cluster, rbac, options: DEFAULT_OPTIONS });
    expect(score).toMatchObject({ granted: 2n, used: 2n, isAtLeast: false });
  });

  test('of rules makes the score a lower bound, also that of a group', () => {
    const cluster = stateOf([
      request({ permissions: [permission('get pods ns1 a')], grantingGroup: 'team' }),
    ]);
    const state = cluster.subjects.get('user:alice');
    if (state) state.allowed.overflow = [...state.allowed.rules.values()][0]?.names.get('a');
    const all = [...rbac, ...bound('b', 'ns1', [group('team')], pods('list'))];
    const scored = scoreCluster({ cluster, rbac: all, options: DEFAULT_OPTIONS });
    expect(scored.map(({ subject, isAtLeast }) => [subject.name, isAtLeast])).toEqual([
      ['team', true],
      ['alice', true],
    ]);
  });
});

describe('who is scored', () => {
  test('who was seen and who is bound, worst first, those without a score last', () => {
    const rbac = [
      ...bound('a', 'ns1', [user('alice'), user('idle')], pods('get')),
      ...bound('b', 'ns1', [user('busy')], pods('get', 'list')),
      ...bound('c', 'ns1', [user('sleeper')], pods('get', 'list')),
    ];
    const of = (name: string) => ({ kind: 'User', namespace: '', name }) as const;
    const cluster = stateOf(
      ['alice', 'busy', 'stranger'].map((name) =>
        request({ subject: of(name), permissions: [permission('get pods ns1')] }),
      ),
    );
    const all = scoreCluster({ cluster, rbac, options: DEFAULT_OPTIONS });
    expect(all.map(({ subject, score }) => [subject.name, score])).toEqual([
      ['sleeper', 0],
      ['idle', 0],
      ['busy', 50],
      ['alice', 100],
      ['stranger', undefined],
    ]);
  });

  test('a group, by its own bindings and by what its members used', () => {
    const rbac = [
      ...bound('a', 'ns1', [group('system:serviceaccounts:ns1')], pods('get', 'list')),
      ...bound('b', 'ns1', [{ kind: 'ServiceAccount', name: 'app', namespace: 'ns1' }], pods('delete')),
    ];
    const requests = [
      { subject: APP, permissions: [permission('list pods ns1'), permission('delete pods ns1')] },
      { subject: ALICE, permissions: [permission('get pods ns1')] },
    ];
    const all = scores(rbac, requests);
    expect(all['system:serviceaccounts:ns1']).toMatchObject({ granted: 2n, used: 1n, uncovered: [] });
    expect(all['app']).toMatchObject({ granted: 3n, used: 2n });
  });

  test('not the groups of default bindings, but whoever was added to one', () => {
    const added = binding('cluster-admin', '*', [group('system:masters'), user('mallory')]);
    expect(Object.keys(scores([added], []))).toEqual(['mallory']);
    expect(scores([added], [])['mallory']?.score).toBe(0);
  });
});

test('the order of objects and requests makes no difference', () => {
  const rbac = [
    ...bound('a', 'ns1', [user('alice'), group('team-a')], pods('get', '*')),
    ...bound('b', '*', [group('system:serviceaccounts')], {
      apiGroups: ['*'],
      resources: ['*'],
      verbs: ['get', 'x'],
    }),
    ...bound('c', 'ns2', [user('alice')], pods('*', 'get')),
  ];
  fc.assert(
    fc.property(fc.array(arbitraryRequest, { maxLength: 12 }), (requests) => {
      const [forth, back] = [stateOf(requests), stateOf([...requests].reverse())];
      const options = DEFAULT_OPTIONS;
      expect(scoreCluster({ cluster: back, rbac: [...rbac].reverse(), options })).toEqual(
        scoreCluster({ cluster: forth, rbac, options }),
      );
    }),
    { numRuns: 60 },
  );
});
