import {
  type BindingSubject,
  bootstrapDefaults,
  type ClusterRole,
  type ClusterRoleBinding,
  NEWEST_KUBERNETES,
  type ObjectMeta,
  type PolicyRule,
  type RbacObject,
  type Role,
  type RoleBinding,
} from '@leastwise/rbac';

import { audit } from '../audit.ts';
import type { AuditInput } from '../input.ts';
import type { RbacFinding } from '../types.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

/** 2026-07-01, at noon. */
export const NOW = Date.UTC(2026, 6, 1, 12);

/** `VERBS GROUPS RESOURCES [NAMES]` with `core` for the group without a name, or `VERBS url PATHS`. */
export function rule(line: string): PolicyRule {
  const [verbs = '', groups = '', resources = '', names] = line.split(' ');
  if (groups === 'url') return { verbs: verbs.split(','), nonResourceURLs: resources.split(',') };
  return {
    verbs: verbs.split(','),
    apiGroups: groups.split(',').map((group) => (group === 'core' ? '' : group)),
    resources: resources.split(','),
    ...(names === undefined ? {} : { resourceNames: names.split(',') }),
  };
}

type Meta = Partial<Pick<ObjectMeta, 'labels' | 'annotations'>>;

export function clusterRole(name: string, rules: readonly string[], meta: Meta = {}): ClusterRole {
  return { apiVersion, kind: 'ClusterRole', metadata: { name, ...meta }, rules: rules.map(rule) };
}

export function role(namespace: string, name: string, rules: readonly string[], meta: Meta = {}): Role {
  return { apiVersion, kind: 'Role', metadata: { name, namespace, ...meta }, rules: rules.map(rule) };
}

/** `User alice`, `Group ops`, `ns/account`, `account` (without a namespace). */
export function subject(text: string): BindingSubject {
  const [kind = '', name = ''] = text.split(' ');
  if (kind === 'User' || kind === 'Group') return { apiGroup, kind, name };
  const [namespace = '', account] = text.split('/');
  return account === undefined
    ? { kind: 'ServiceAccount', name: namespace }
    : { kind: 'ServiceAccount', namespace, name: account };
}

export function clusterBinding(
  name: string,
  roleName: string,
  subjects: readonly string[],
  meta: Meta = {},
): ClusterRoleBinding {
  const roleRef = { apiGroup, kind: 'ClusterRole', name: roleName } as const;
  return {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name, ...meta },
    roleRef,
    subjects: subjects.map(subject),
  };
}

/** @param roleName - `Role r` or `ClusterRole r` */
export function binding(
  place: string,
  roleName: string,
  subjects: readonly string[],
  meta: Meta = {},
): RoleBinding {
  const [namespace = '', name = ''] = place.split('/');
  const [kind, ref = ''] = roleName.split(' ');
  const roleRef = { apiGroup, kind: kind === 'Role' ? 'Role' : 'ClusterRole', name: ref } as const;
  return {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name, namespace, ...meta },
    roleRef,
    subjects: subjects.map(subject),
  };
}

/** An audit of some objects, and nothing else unless it is said. */
export function auditOf(objects: readonly RbacObject[], rest: Partial<AuditInput> = {}) {
  return audit({
    objects: objects.map((object) => ({ object })),
    bootstrap: bootstrapDefaults(NEWEST_KUBERNETES),
    nowMs: NOW,
    ...rest,
  });
}

export function findingsOf(
  objects: readonly RbacObject[],
  rest: Partial<AuditInput> = {},
): readonly RbacFinding[] {
  return auditOf(objects, rest).findings;
}

/** `R030 CRITICAL`, in the order of the findings. */
export function told(findings: readonly RbacFinding[]): readonly string[] {
  return findings.map(({ check, severity }) => `${check} ${severity}`);
}
