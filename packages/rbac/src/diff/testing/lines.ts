import { expect } from 'vitest';

import { bind, bindCluster, clusterRole, ref, role, user } from '../../authorizer/testing/build.ts';
import type { PolicyRule, RbacObject } from '../../types.ts';
import { diffRbac, formatGrant, formatRoleReference } from '../index.ts';

export const rule = (verbs: string[], resources: string[], over: Partial<PolicyRule> = {}): PolicyRule => ({
  verbs,
  apiGroups: [''],
  resources,
  ...over,
});
export const urls = (verbs: string[], ...nonResourceURLs: string[]): PolicyRule => ({
  verbs,
  nonResourceURLs,
});

/** Rules for alice: in the cluster, or in one namespace. */
export function granted(rules: PolicyRule[], namespace?: string): RbacObject[] {
  if (namespace === undefined)
    return [clusterRole('r', ...rules), bindCluster(ref('ClusterRole', 'r'), user('alice'))];
  return [role(namespace, 'r', ...rules), bind(namespace, ref('Role', 'r'), user('alice'))];
}

/** A complete diff as text. */
export function lines(before: RbacObject[], after: RbacObject[]): string[] {
  const { subjects, isComplete } = diffRbac(before, after);
  expect(isComplete).toBe(true);
  return subjects.flatMap(({ subject, added, removed, addedRoles, removedRoles }) => [
    ...added.map((grant) => `${subject.name}: + ${formatGrant(grant)}`),
    ...removed.map((grant) => `${subject.name}: - ${formatGrant(grant)}`),
    ...addedRoles.map((each) => `${subject.name}: + ${formatRoleReference(each)}`),
    ...removedRoles.map((each) => `${subject.name}: - ${formatRoleReference(each)}`),
  ]);
}
