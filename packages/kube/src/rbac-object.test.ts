import { describe, expect, test } from 'vitest';

import { toRbacObject } from './rbac-object.ts';

const META = {
  name: 'n',
  namespace: 'shop',
  labels: { a: 'b', broken: 1 },
  annotations: JSON.parse('{"__proto__":"x"}') as object,
};

describe('an RBAC object as an API server gives it', () => {
  test('is a role with its rules, whatever lists are absent', () => {
    const role = toRbacObject('Role', {
      metadata: META,
      rules: [
        { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['x'] },
        { verbs: ['get'], nonResourceURLs: ['/x'], apiGroups: null },
        {},
      ],
    });
    expect(role).toEqual({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'n', namespace: 'shop', labels: { a: 'b' }, annotations: META.annotations },
      rules: [
        { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['x'] },
        { verbs: ['get'], nonResourceURLs: ['/x'] },
        { verbs: [] },
      ],
    });
    expect(Object.getPrototypeOf(role.metadata.annotations)).toBe(Object.prototype);
    expect(toRbacObject('Role', { metadata: META })).toMatchObject({ rules: [] });
  });

  test('is an aggregated role with its selectors as they are', () => {
    const clusterRoleSelectors = [
      { matchLabels: { x: 'y' } },
      {
        matchExpressions: [
          { key: 'k', operator: 'Exists', values: [] },
          { key: 'k', operator: 'Like' },
        ],
      },
    ];
    const role = toRbacObject('ClusterRole', {
      metadata: META,
      rules: null,
      aggregationRule: { clusterRoleSelectors },
    });
    expect(role).toMatchObject({
      aggregationRule: {
        clusterRoleSelectors: [
          { matchLabels: { x: 'y' } },
          { matchExpressions: [{ key: 'k', operator: 'Exists', values: [] }] },
        ],
      },
    });
    expect(toRbacObject('ClusterRole', { metadata: META, aggregationRule: null })).not.toHaveProperty(
      'aggregationRule',
    );
  });

  test('is a binding with its role and those subjects that can match somebody', () => {
    const binding = toRbacObject('RoleBinding', {
      metadata: META,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ann' },
        { kind: 'ServiceAccount', name: 'cart', namespace: 'shop' },
        { kind: 'Robot', name: 'x' },
        null,
      ],
    });
    expect(binding).toMatchObject({
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'ann' },
        { kind: 'ServiceAccount', name: 'cart', namespace: 'shop' },
      ],
    });
    expect(toRbacObject('ClusterRoleBinding', { metadata: { name: 'n' } })).toMatchObject({ subjects: [] });
  });
});
