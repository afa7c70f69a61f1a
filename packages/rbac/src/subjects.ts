import type { Subject } from '@leastwise/audit-event';

import type { BindingSubject } from './types.ts';
import { isDnsSubdomain, isValidNamespace } from './validity.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

/**
 * A subject as a binding names it. A service account whose name the API server would not take is bound
 * as the user it authenticates as, which grants the same.
 */
export function bindingSubject(subject: Subject): BindingSubject {
  if (subject.kind !== 'ServiceAccount') {
    return { apiGroup: RBAC_GROUP, kind: subject.kind, name: subject.name };
  }
  if (isValidNamespace(subject.namespace) && isDnsSubdomain(subject.name)) {
    return { kind: 'ServiceAccount', name: subject.name, namespace: subject.namespace };
  }
  const name = `system:serviceaccount:${subject.namespace}:${subject.name}`;
  return { apiGroup: RBAC_GROUP, kind: 'User', name };
}
