import type { PolicyRule, RbacObject } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { OtherRbac } from './other-rbac.ts';
import { ALICE, CART } from './testing/states.ts';

const API = 'rbac.authorization.k8s.io/v1' as const;
const GROUP = 'rbac.authorization.k8s.io';
const PODS: PolicyRule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };

function role(name: string, namespace: string, rules: readonly PolicyRule[] = [PODS]): RbacObject {
  return { apiVersion: API, kind: 'Role', metadata: { name, namespace }, rules };
}

function binding(name: string, to: string, kind: 'User' | 'Group', who: string): RbacObject {
  return {
    apiVersion: API,
    kind: 'RoleBinding',
    metadata: { name, namespace: 'shop' },
    roleRef: { apiGroup: GROUP, kind: 'Role', name: to },
    subjects: [
      { apiGroup: GROUP, kind, name: who },
      { apiGroup: GROUP, kind, name: who },
    ],
  };
}

/** Names of what is beside, sorted. */
function namesBeside(
  other: OtherRbac,
  ...[subjects, own]: Parameters<OtherRbac['beside']>
): readonly string[] {
  return other
    .beside(subjects, own)
    .map(({ object }) => `${object.kind} ${object.metadata.name}`)
    .sort();
}

describe('what a cluster holds beside what is judged', () => {
  const existing = [
    role('reader', 'shop'),
    role('writer', 'shop'),
    role('lonely', 'shop'),
    binding('of-alice', 'reader', 'User', 'alice'),
    binding('of-bob', 'writer', 'User', 'bob'),
    binding('of-accounts', 'writer', 'Group', 'system:serviceaccounts:shop'),
  ];
  const other = new OtherRbac(existing);

  test('are the bindings of a subject with their roles, each once', () => {
    expect(namesBeside(other, [ALICE], [])).toEqual(['Role reader', 'RoleBinding of-alice']);
    expect(namesBeside(other, [ALICE, ALICE], [])).toEqual(['Role reader', 'RoleBinding of-alice']);
  });

  test('and those of the groups that it is always in', () => {
    expect(namesBeside(other, [CART], [])).toEqual(['Role writer', 'RoleBinding of-accounts']);
  });

  test('and the roles that its own rules name, since it matters what may be bound', () => {
    const binder = role('binder', 'shop', [
      { apiGroups: [GROUP], resources: ['roles'], resourceNames: ['lonely'], verbs: ['bind'] },
    ]);
    expect(namesBeside(other, [ALICE], [binder])).toContain('Role lonely');
  });

  test('but for what is judged itself: a role of that name elsewhere is another', () => {
    const own = [role('reader', 'shop'), binding('of-alice', 'reader', 'User', 'alice')];
    expect(namesBeside(other, [ALICE], own)).toEqual([]);
    expect(namesBeside(other, [ALICE], [role('reader', 'web')])).toContain('Role reader');
  });

  test('aggregated roles come with the rules of their sources, which are not beside', () => {
    const edit: RbacObject = {
      apiVersion: API,
      kind: 'ClusterRole',
      metadata: { name: 'mine' },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'mine' } }] },
      rules: [],
    };
    const part: RbacObject = {
      apiVersion: API,
      kind: 'ClusterRole',
      metadata: { name: 'part', labels: { to: 'mine' } },
      rules: [PODS],
    };
    const own = role('binder', 'shop', [{ ...PODS, resourceNames: ['mine'] }]);
    const [found, ...more] = new OtherRbac([edit, part]).beside([], [own]);
    expect(more).toEqual([]);
    expect(found?.object).toEqual({ ...edit, aggregationRule: undefined, rules: [PODS] });
  });
});
