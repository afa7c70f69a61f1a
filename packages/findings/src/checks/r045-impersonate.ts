import { clusterWide, namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck, isNamed } from './grant-check.ts';

const IMPERSONATE = ['impersonate'];
const SEVERITIES = byScope('CRITICAL', 'CRITICAL', 'HIGH');

/**
 * Acts as somebody else, with all his rights.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export const R045 = grantCheck(
  {
    id: 'R045',
    title: 'Impersonates others',
    why: 'It may send requests as any user, group or service account; as a member of system:masters it may do everything.',
    remedy: 'Name whom it may impersonate in resourceNames; never a group with more rights than it has.',
    peers: ['RP impersonate', 'KU 0065/0191', 'TR 0043', 'KS', 'KR', 'RT', 'GP'],
  },
  {
    targets: [
      clusterWide('', ['users', 'groups'], IMPERSONATE),
      namespaced('', ['serviceaccounts'], IMPERSONATE),
      // The key of a user's extra is the subresource, without which nothing is asked.
      clusterWide('authentication.k8s.io', ['uids', 'userextras/'], IMPERSONATE),
    ],
    severities: SEVERITIES,
    rate: (grant, { kind }) =>
      isNamed(grant) && !grant.names.includes('system:masters') ? 'MEDIUM' : SEVERITIES[kind],
  },
);
