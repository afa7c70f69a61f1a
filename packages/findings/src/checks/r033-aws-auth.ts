import { namespaced } from '../access/grants.ts';
import type { ProfileSettings } from '../access/model.ts';
import type { Target } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck, isNamed } from './grant-check.ts';
import { CHANGE } from './resources.ts';

const MAP = 'aws-auth';

function targetsFor({ provider }: ProfileSettings): readonly Target[] {
  const isElsewhere = provider !== undefined && provider !== 'eks';
  return isElsewhere ? [] : [namespaced('', ['configmaps'], CHANGE)];
}

/** The map from identities of AWS to groups. A rule without names holds it too. */
export const R033 = grantCheck(
  {
    id: 'R033',
    title: 'Changes who may log in to EKS',
    why: 'The ConfigMap aws-auth in kube-system says which identities of AWS are which groups, system:masters among them.',
    remedy: 'Name other ConfigMaps in resourceNames; use access entries instead of aws-auth.',
    peers: ['RP eks_modify_aws_auth', 'TR 0115'],
  },
  {
    targets: targetsFor,
    severities: everywhere('CRITICAL'),
    rate: (grant, { kind, namespace }, { policy }) => {
      const reaches = kind === 'cluster' || namespace === 'kube-system';
      if (!reaches || (isNamed(grant) && !grant.names.includes(MAP))) return undefined;
      // Nobody says that this is EKS, and the map is not named: it may well not be there.
      return policy.provider === undefined && !isNamed(grant) ? 'HIGH' : 'CRITICAL';
    },
  },
);
