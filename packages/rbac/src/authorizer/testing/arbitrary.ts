import type { Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';

import type { BindingSubject, ClusterRole, PolicyRule, RbacObject, Role } from '../../types.ts';
import { account, bind, bindCluster, group, ref, user, V1 } from './build.ts';

const NAMESPACES = ['a', 'b'];
const some = <T>(values: readonly T[], minLength = 1): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength, maxLength: 3 });

const resourceRule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: some(['get', 'list', '*']),
  apiGroups: some(['', 'apps', '*']),
  resources: some(['pods', 'pods/log', 'pods/x', 'nodes', '*/log', 'pods/*', '*/*', '*']),
  resourceNames: fc.oneof(fc.constant([]), some(['n1', 'n2'])),
});
const urlRule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: some(['get', 'list', '*']),
  nonResourceURLs: some(['/a', '/a/', '/a/*', '/a/b', '/a*', '/a/b*', '*', '/a/**', '/a/*/c']),
});
const rules = fc.array(fc.oneof({ weight: 3, arbitrary: resourceRule }, urlRule), { maxLength: 3 });

const labels = fc.constantFrom({}, { agg: 'yes' });
const clusterRole: fc.Arbitrary<ClusterRole> = fc
  .record({ name: fc.constantFrom('r1', 'r2', 'r3'), labels, rules, aggregates: fc.boolean() })
  .map(({ name, labels: own, rules: list, aggregates }) => ({
    apiVersion: V1,
    kind: 'ClusterRole',
    metadata: { name, labels: own },
    rules: aggregates ? [] : list,
    ...(aggregates ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { agg: 'yes' } }] } } : {}),
  }));
const role: fc.Arbitrary<Role> = fc
  .record({ name: fc.constantFrom('r1', 'r2'), namespace: fc.constantFrom(...NAMESPACES), rules })
  .map(({ name, namespace, rules: list }) => ({
    apiVersion: V1,
    kind: 'Role',
    metadata: { name, namespace },
    rules: list,
  }));

const subjects: fc.Arbitrary<BindingSubject[]> = some([
  user('u1'),
  user('system:serviceaccount:a:s1'),
  group('g1'),
  group('system:authenticated'),
  group('system:serviceaccounts:a'),
  account('s1'),
  account('s1', 'a'),
  account('s1', 'b'),
]);
const roleRef = fc
  .tuple(fc.constantFrom('Role' as const, 'ClusterRole' as const), fc.constantFrom('r1', 'r2', 'r3'))
  .map(([kind, name]) => ref(kind, name));
const binding: fc.Arbitrary<RbacObject> = fc.oneof(
  fc.tuple(roleRef, subjects).map(([to, list]) => bindCluster(to, ...list)),
  fc
    .tuple(fc.constantFrom(...NAMESPACES), roleRef, subjects)
    .map(([namespace, to, list]) => bind(namespace, to, ...list)),
);

/** Small sets of RBAC objects over a small universe, in which much overlaps. Names may repeat. */
export const rbacObjects: fc.Arbitrary<RbacObject[]> = fc
  .tuple(
    fc.array(clusterRole, { minLength: 1, maxLength: 3 }),
    fc.array(role, { maxLength: 2 }),
    fc.array(binding, { maxLength: 4 }),
  )
  .map((parts) => parts.flat());

/** Subjects that the bindings of {@link rbacObjects} may name, and one that they do not. */
export const SUBJECTS: readonly Subject[] = [
  { kind: 'User', namespace: '', name: 'u1' },
  { kind: 'User', namespace: '', name: 'u2' },
  { kind: 'Group', namespace: '', name: 'g1' },
  { kind: 'Group', namespace: '', name: 'system:authenticated' },
  { kind: 'ServiceAccount', namespace: 'a', name: 's1' },
  { kind: 'ServiceAccount', namespace: 'b', name: 's1' },
];

function* allPermissions(): Generator<Permission> {
  for (const verb of ['get', 'list', 'other']) {
    for (const path of ['/', '/a', '/a/', '/a/b', '/a/b/c', '/a/other', '/a/*/c', '/ab', '/other']) {
      yield { verb, apiGroup: '', resource: '', namespace: '', name: '', path };
    }
    for (const apiGroup of ['', 'apps', 'other']) {
      for (const resource of [
        'pods',
        'pods/log',
        'pods/x',
        'pods/other',
        'nodes',
        'nodes/log',
        'nodes/*',
        'pods/*',
        'other',
      ]) {
        for (const namespace of ['', 'a', 'b', 'other']) {
          for (const name of ['', 'n1', 'n2', 'other'])
            yield { verb, apiGroup, resource, namespace, name, path: '' };
        }
      }
    }
  }
}

/**
 * Every request over the universe of {@link rbacObjects}, with one value more in each part than any
 * rule names: what a wildcard grants beyond the named values shows in that one.
 */
export const PERMISSIONS: readonly Permission[] = [...allPermissions()];
