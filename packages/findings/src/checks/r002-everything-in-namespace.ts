import { byScope } from '../access/scope.ts';
import { type GrantCheck, infoOf } from './check.ts';
import { everythingIn } from './whole-rule.ts';

const SEVERITIES = byScope('CRITICAL', 'CRITICAL', 'HIGH');

/** Everything in one namespace; for the whole cluster it is R001. */
export const R002: GrantCheck = {
  kind: 'grant',
  info: {
    ...infoOf(
      {
        id: 'R002',
        title: 'May do everything in a namespace',
        why: 'All verbs on all resources of a namespace are its secrets, its service accounts with their rights, and its pods; in a privileged namespace the control plane.',
        remedy: 'Write a role of what is used: `leastwise generate` makes one of the audit log.',
        peers: ['TR 0112', 'KR'],
      },
      SEVERITIES,
    ),
    severity: 'HIGH',
  },
  tellsEverything: true,
  find: everythingIn,
  rate: (_, { kind }) => (kind === 'cluster' ? undefined : SEVERITIES[kind]),
};
