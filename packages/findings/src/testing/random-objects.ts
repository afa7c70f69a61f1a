import type { PolicyRule, RbacObject } from '@leastwise/rbac';
import fc from 'fast-check';

import { binding, clusterBinding, clusterRole, role } from './objects.ts';

const VERBS = ['get', 'list', 'create', 'update', 'delete', 'escalate', 'bind', 'impersonate', '*'];
const GROUPS = ['', 'apps', 'rbac.authorization.k8s.io', '*'];
const RESOURCES = [
  'secrets',
  'pods',
  'pods/exec',
  'nodes',
  'nodes/proxy',
  'roles',
  'clusterroles',
  'rolebindings',
  'clusterrolebindings',
  'deployments',
  'serviceaccounts/token',
  'users',
  '*',
  '*/exec',
  '*/proxy',
  'pods/*',
];
/** Names that rules may be about; no other name is in any of them. */
export const NAMES = ['one', 'two'];
/** Namespaces that bindings may be in; nothing is bound in any other one. */
export const PLACES = ['kube-system', 'shop', 'store'];
const SUBJECTS = [
  'User alice',
  'User system:serviceaccount:shop:ci',
  'shop/ci',
  'Group system:serviceaccounts:shop',
  'Group ops',
];

function some<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
}

const anyRule: fc.Arbitrary<PolicyRule> = fc
  .record({
    verbs: some(VERBS),
    apiGroups: some(GROUPS),
    resources: some(RESOURCES),
    resourceNames: fc.option(some(NAMES), { nil: undefined, freq: 3 }),
  })
  .map(({ resourceNames, ...rule }) => (resourceNames === undefined ? rule : { ...rule, resourceNames }));

const rules = fc.array(anyRule, { minLength: 1, maxLength: 3 });
const subjects = some(SUBJECTS);
const place = fc.constantFrom(...PLACES);
const roleName = fc.constantFrom('r1', 'r2');

const anyObject: fc.Arbitrary<RbacObject> = fc.oneof(
  fc.tuple(roleName, rules).map(([name, list]) => ({ ...clusterRole(name, []), rules: list })),
  fc
    .tuple(place, roleName, rules)
    .map(([namespace, name, list]) => ({ ...role(namespace, name, []), rules: list })),
  fc
    .tuple(fc.constantFrom('b1', 'b2'), roleName, subjects)
    .map(([name, ref, bound]) => clusterBinding(name, ref, bound)),
  fc
    .tuple(
      place,
      fc.constantFrom('Role r1', 'ClusterRole r1', 'ClusterRole r2'),
      subjects,
      fc.constantFrom('b1', 'b2'),
    )
    .map(([namespace, ref, bound, name]) => binding(`${namespace}/${name}`, ref, bound)),
);

/** Roles and bindings, each kind, namespace and name once. */
export const anyObjects: fc.Arbitrary<RbacObject[]> = fc.uniqueArray(anyObject, {
  minLength: 2,
  maxLength: 14,
  selector: ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`,
});
