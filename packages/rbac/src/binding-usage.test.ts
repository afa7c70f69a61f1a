import { describe, expect, test } from 'vitest';

import { bindingUsageOf, usageByBinding } from './binding-usage.ts';
import { CAPS } from './capped.ts';
import { DAY_US, dayOf } from './evidence.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import { binding, permission, request, type RequestFields, stateOf, T0 } from './testing/requests.ts';
import type { ClusterRole, ClusterRoleBinding, RbacObject, RoleBinding, RoleRef } from './types.ts';

const TODAY = dayOf(T0);
const PERIOD = { firstDay: TODAY - 89, lastDay: TODAY };

function objectOf(text: string): RoleBinding | ClusterRoleBinding {
  const { kind, namespace, name, roleKind, roleName } = binding(text);
  const roleRef: RoleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: roleName };
  const base = { apiVersion: 'rbac.authorization.k8s.io/v1', roleRef, subjects: [] } as const;
  return kind === 'RoleBinding'
    ? { ...base, kind, metadata: { name, namespace } }
    : { ...base, kind, metadata: { name } };
}

/** What each binding came to: `ns1/a Role/r: 2 cells, 3 days ago`. */
function usages(requests: readonly RequestFields[], bound: readonly string[]): string[] {
  const [state] = stateOf(requests.map(request)).subjects.values();
  if (!state) throw new Error('nobody asked for anything');
  return usageByBinding(state, bound.map(objectOf), PERIOD).usages.map((each) => {
    const { namespace, name, roleKind, roleName } = each.binding;
    const seen = each.lastDay === undefined ? 'never' : `${TODAY - each.lastDay} days ago`;
    const gone = each.exists ? '' : ', gone';
    return `${namespace}/${name} ${roleKind}/${roleName}: ${each.cells} cells, ${seen}${gone}`;
  });
}

function asked(what: string, granted: string, daysAgo = 0): RequestFields {
  return {
    permissions: [permission(what)],
    grantingBinding: granted === '' ? undefined : binding(granted),
    us: T0 - daysAgo * DAY_US,
  };
}

describe('the use of bindings', () => {
  test('is how many cells each was named for, and the last day of it', () => {
    expect(
      usages(
        [
          asked('get pods ns1 a', 'ns1/a Role/r', 7),
          asked('get pods ns1 b', 'ns1/a Role/r', 5),
          asked('get pods ns1 b', 'ns1/a Role/r', 6),
          asked('get pods ns1 b', '/wide ClusterRole/view', 2),
          asked('get pods ns1 b', ''),
          asked('get pods ns1 c', 'ns1/a Role/r', 8),
        ],
        ['ns1/a Role/r', '/wide ClusterRole/view', 'ns2/idle Role/r'],
      ),
    ).toEqual([
      '/wide ClusterRole/view: 1 cells, 2 days ago',
      'ns1/a Role/r: 3 cells, 5 days ago',
      'ns2/idle Role/r: 0 cells, never',
    ]);
  });

  test('says which were named and exist no more, also where one of the name has another role now', () => {
    expect(
      usages(
        [asked('get pods ns1 a', 'ns1/a Role/old'), asked('list pods ns1', 'ns1/b Role/r')],
        ['ns1/a Role/new'],
      ),
    ).toEqual([
      'ns1/a Role/new: 0 cells, never',
      'ns1/a Role/old: 1 cells, 0 days ago, gone',
      'ns1/b Role/r: 1 cells, 0 days ago, gone',
    ]);
  });

  test('counts the days of the period only, though the permission was used since', () => {
    const old = [asked('get pods ns1 a', 'ns1/a Role/r', 90), asked('get pods ns1 a', '')];
    expect(usages(old, ['ns1/a Role/r'])).toEqual(['ns1/a Role/r: 0 cells, never']);
    const young = [asked('get pods ns1 a', 'ns1/a Role/r', 89)];
    expect(usages(young, [])).toEqual(['ns1/a Role/r: 1 cells, 89 days ago, gone']);
    expect(usages([asked('get pods ns1 a', 'ns1/a Role/r', -1)], [])).toEqual([]);
  });

  test('says nothing of what was refused', () => {
    const refused = { ...asked('get pods ns1 a', 'ns1/a Role/r'), outcome: 'denied' } as const;
    expect(usages([refused, asked('get pods ns1 b', '')], [])).toEqual([]);
  });

  test('leaves out what grants nothing: a Role for the whole cluster', () => {
    const odd = { ...objectOf('/b ClusterRole/r'), roleRef: objectOf('ns1/b Role/r').roleRef };
    const [state] = stateOf([request(asked('get pods ns1 a', ''))]).subjects.values();
    expect(state && usageByBinding(state, [odd as ClusterRoleBinding], PERIOD).usages).toEqual([]);
  });

  test('tells where more bindings were named than are remembered', () => {
    const many = (count: number): RequestFields[] =>
      Array.from({ length: count }, (_, n) => asked('get pods ns1 a', `ns1/b${n} Role/r`));
    const [few] = stateOf(many(CAPS.bindings - 1).map(request)).subjects.values();
    const [full] = stateOf(many(CAPS.bindings + 5).map(request)).subjects.values();
    expect(few && usageByBinding(few, [], PERIOD).isCapped).toBe(false);
    expect(full && usageByBinding(full, [], PERIOD)).toMatchObject({ isCapped: true });
    expect(full && usageByBinding(full, [], PERIOD).usages).toHaveLength(CAPS.bindings);
  });

  test('finds bindings in what caps have summed up', () => {
    const names = Array.from({ length: CAPS.names + 20 }, (_, n) =>
      asked(`get secrets ns1 name-${n}`, 'ns1/a Role/r'),
    );
    expect(usages(names, [])).toEqual([`ns1/a Role/r: ${CAPS.names + 1} cells, 0 days ago, gone`]);
  });
});

describe('the bindings of a cluster', () => {
  const API_VERSION = 'rbac.authorization.k8s.io/v1';
  const view: ClusterRole = {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: { name: 'view' },
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
  };
  const bind = (text: string, kind: 'User' | 'Group', name: string): RbacObject => ({
    ...objectOf(text),
    subjects: [{ kind, name }],
  });
  const RBAC = [
    view,
    bind('ns1/own ClusterRole/view', 'User', 'alice'),
    bind('ns1/idle ClusterRole/view', 'User', 'alice'),
    bind('/team ClusterRole/view', 'Group', 'team-a'),
    bind('/others ClusterRole/view', 'Group', 'team-b'),
    bind('ns1/eve ClusterRole/view', 'User', 'eve'),
    bind('ns1/dangling ClusterRole/none', 'User', 'alice'),
  ];

  function told(...requests: readonly RequestFields[]): Record<string, string[]> {
    const cluster = stateOf(requests.map(request));
    const usages = bindingUsageOf({ cluster, rbac: RBAC, options: DEFAULT_OPTIONS });
    return Object.fromEntries(
      [...usages].map(([key, each]) => [
        key,
        each.usages.map(({ binding: { namespace, name }, cells, exists }) => {
          return `${namespace}/${name}: ${cells}${exists ? '' : ' gone'}`;
        }),
      ]),
    );
  }

  test('are those that bind a subject by its name and by groups that were named, and those that exist no more', () => {
    expect(
      told(
        asked('get pods ns1 a', 'ns1/own ClusterRole/view'),
        { ...asked('get pods ns1 b', '/team ClusterRole/view'), grantingGroup: 'team-a' },
        asked('get pods ns1 c', 'ns1/former Role/r'),
      ),
    ).toEqual({ 'user:alice': ['/team: 1', 'ns1/former: 1 gone', 'ns1/idle: 0', 'ns1/own: 1'] });
  });

  test('are those of the API server where they were named only', () => {
    expect(told(asked('get /api', '/system:discovery ClusterRole/system:discovery'))).toEqual({
      'user:alice': ['/system:discovery: 1', 'ns1/idle: 0', 'ns1/own: 0'],
    });
  });

  test('are nothing where the log has no reasons: nobody can be told from anybody', () => {
    expect(told(asked('get pods ns1 a', ''))).toEqual({});
  });
});
