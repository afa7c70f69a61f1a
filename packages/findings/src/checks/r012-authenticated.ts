import { refersToClusterRole, subjectCheck } from './binding-check.ts';

const MEANT_FOR_ALL = ['system:basic-user', 'system:discovery', 'system:public-info-viewer'];

/** Everybody with an account, and every pod. */
export const R012 = subjectCheck(
  {
    id: 'R012',
    title: 'Grants to everybody who is authenticated',
    why: 'system:authenticated are all users and all service accounts; on GKE everybody with a Google account.',
    remedy: 'Bind the group that needs it.',
    severity: 'HIGH',
    peers: ['TR 01011 (GKE only)', 'KU 0265', 'GK'],
  },
  (subject, binding, { policy }) => {
    const isAll = subject.kind === 'Group' && subject.name === 'system:authenticated';
    if (!isAll || refersToClusterRole(binding, MEANT_FOR_ALL)) return undefined;
    return policy.provider === 'gke' ? 'CRITICAL' : 'HIGH';
  },
);
