import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck, isNamed } from './grant-check.ts';
import { WRITE, REMOVE } from './resources.ts';

const CHANGES = [...WRITE, ...REMOVE];

/** Takes capacity from others. */
export const R079 = grantCheck(
  {
    id: 'R079',
    title: 'Takes capacity from others',
    why: 'Flow schemas and priority classes decide whose requests and pods come first; leases of kube-system decide which controller leads.',
    remedy:
      'Leave flow control and priorities to the pipeline of the platform; name the leases in resourceNames.',
    peers: ['GP (DoS)'],
  },
  {
    targets: [
      clusterWide('flowcontrol.apiserver.k8s.io', ['flowschemas', 'prioritylevelconfigurations'], CHANGES),
      clusterWide('scheduling.k8s.io', ['priorityclasses'], CHANGES),
      namespaced('coordination.k8s.io', ['leases'], CHANGES),
    ],
    severities: everywhere('MEDIUM'),
    rate: (grant, { kind, namespace }) => {
      if (grant.resource === 'priorityclasses') return 'LOW';
      if (grant.resource !== 'leases') return 'MEDIUM';
      const isKubeSystem = kind !== 'namespace' || namespace === 'kube-system';
      return isKubeSystem && !isNamed(grant) ? 'LOW' : undefined;
    },
  },
);
