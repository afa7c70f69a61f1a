import { matchesGlob } from '@leastwise/rbac';

import { matchesAny, matchesSubject } from '../violation-policy/match.ts';
import { subjectCheck } from './binding-check.ts';

/** Bindings where the policy allows but a few. */
export const R016 = subjectCheck(
  {
    id: 'R016',
    title: 'A binding in a restricted namespace',
    why: 'The policy of the cluster allows only certain bindings in this namespace, and this is none of them.',
    remedy: 'Remove the binding, or add its subject or its role to the list of the policy.',
    severity: 'HIGH',
    peers: [],
  },
  (subject, { scope, object }, { policy }) => {
    if (scope.namespace === '') return undefined;
    const restriction = policy.restrictedNamespaces.find((each) =>
      matchesGlob(each.namespace, scope.namespace),
    );
    if (restriction === undefined || matchesAny(restriction.allowedRoles, object.roleRef.name))
      return undefined;
    const isAllowed = restriction.allowedSubjects.some((each) => matchesSubject(each, subject));
    return isAllowed ? undefined : restriction.severity;
  },
);
