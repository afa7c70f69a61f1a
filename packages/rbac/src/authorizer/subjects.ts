import { type Subject, subjectFromUsername } from '@leastwise/audit-event';

import type { BindingSubject, ClusterRoleBinding, RoleBinding } from '../types.ts';

/**
 * Who a subject of a binding stands for. A service account without a namespace is one of the
 * RoleBinding's own namespace, and nobody in a ClusterRoleBinding: `undefined`. The user
 * `system:serviceaccount:NS:NAME` is that service account.
 * @see kubernetes pkg/registry/rbac/validation/rule.go, `appliesToUser`
 */
export function boundSubject(
  listed: BindingSubject,
  binding: RoleBinding | ClusterRoleBinding,
): Subject | undefined {
  switch (listed.kind) {
    case 'User':
      return subjectFromUsername(listed.name);
    case 'Group':
      return { kind: 'Group', namespace: '', name: listed.name };
    case 'ServiceAccount': {
      const own = binding.kind === 'RoleBinding' ? (binding.metadata.namespace ?? '') : '';
      const namespace = listed.namespace !== undefined && listed.namespace !== '' ? listed.namespace : own;
      return namespace === '' ? undefined : { kind: 'ServiceAccount', namespace, name: listed.name };
    }
  }
}
