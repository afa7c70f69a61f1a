import { refersToClusterRole, subjectCheck } from './binding-check.ts';

const ALL = 'system:serviceaccounts';

/** All service accounts, of the cluster or of a namespace. */
export const R013 = subjectCheck(
  {
    id: 'R013',
    title: 'Grants to all service accounts',
    why: 'Every pod of the cluster, or of a namespace, holds it, those of tomorrow too.',
    remedy: 'Bind the service account that needs it.',
    severity: 'HIGH',
    peers: [],
  },
  (subject, binding) => {
    if (subject.kind !== 'Group') return undefined;
    if (refersToClusterRole(binding, ['system:service-account-issuer-discovery'])) return undefined;
    if (subject.name === ALL) return 'HIGH';
    return subject.name.startsWith(`${ALL}:`) ? 'MEDIUM' : undefined;
  },
);
