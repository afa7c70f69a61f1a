import { impliedGroups, type Permission, type Subject } from '@leastwise/audit-event';

import type { BindingSubject, ClusterRole, PolicyRule, RbacObject, Role, RoleRef } from '../../types.ts';
import { createAuthorizer } from '../index.ts';

export const V1 = 'rbac.authorization.k8s.io/v1';
const GROUP = 'rbac.authorization.k8s.io';

export const ALICE: Subject = { kind: 'User', namespace: '', name: 'alice' };
export const SA: Subject = { kind: 'ServiceAccount', namespace: 'ns', name: 'app' };

export const user = (name: string): BindingSubject => ({ apiGroup: GROUP, kind: 'User', name });
export const group = (name: string): BindingSubject => ({ apiGroup: GROUP, kind: 'Group', name });
export const account = (name: string, namespace?: string): BindingSubject =>
  namespace === undefined ? { kind: 'ServiceAccount', name } : { kind: 'ServiceAccount', name, namespace };

export function clusterRole(name: string, ...rules: PolicyRule[]): ClusterRole {
  return { apiVersion: V1, kind: 'ClusterRole', metadata: { name }, rules };
}
export function role(namespace: string, name: string, ...rules: PolicyRule[]): Role {
  return { apiVersion: V1, kind: 'Role', metadata: { name, namespace }, rules };
}
export function ref(kind: RoleRef['kind'], name: string): RoleRef {
  return { apiGroup: GROUP, kind, name };
}
export function bindCluster(roleRef: RoleRef, ...subjects: BindingSubject[]): RbacObject {
  return {
    apiVersion: V1,
    kind: 'ClusterRoleBinding',
    metadata: { name: `crb-${roleRef.name}` },
    roleRef,
    subjects,
  };
}
export function bind(namespace: string, roleRef: RoleRef, ...subjects: BindingSubject[]): RbacObject {
  const metadata = { name: `rb-${roleRef.kind}-${roleRef.name}`, namespace };
  return { apiVersion: V1, kind: 'RoleBinding', metadata, roleRef, subjects };
}

export function ask(verb: string, resource: string, rest: Partial<Permission> = {}): Permission {
  return { verb, resource, apiGroup: '', namespace: '', name: '', path: '', ...rest };
}
export const url = (verb: string, path: string): Permission => ask(verb, '', { path });

export function isAllowed(
  objects: RbacObject[],
  permission: Permission,
  subject = ALICE,
  groups?: string[],
): boolean {
  const request = { subject, groups: groups ?? impliedGroups(subject), permission };
  return createAuthorizer(objects).authorize(request).allowed;
}

/** One rule, bound to alice in the whole cluster. */
export const withRule = (rule: PolicyRule): RbacObject[] => [
  clusterRole('r', rule),
  bindCluster(ref('ClusterRole', 'r'), user('alice')),
];
