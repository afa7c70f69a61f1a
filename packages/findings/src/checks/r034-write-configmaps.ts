import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE } from './resources.ts';

const SEVERITIES = byScope('HIGH', 'HIGH', 'LOW');

/** What the control plane, the nodes and DNS are configured by. */
const CONFIGURES_THE_CLUSTER: ReadonlySet<string> = new Set([
  'aws-auth',
  'coredns',
  'coredns-custom',
  'extension-apiserver-authentication',
  'kube-dns',
  'kube-proxy',
  'kubeadm-config',
  'kubelet-config',
]);

/** Changes ConfigMaps. */
export const R034 = grantCheck(
  {
    id: 'R034',
    title: 'Changes ConfigMaps',
    why: 'In kube-system ConfigMaps configure DNS, the kubelets and, on some providers, who may log in; elsewhere the applications.',
    remedy: 'Name the ConfigMaps in resourceNames, and grant it in their namespace.',
    peers: ['KU 0037', 'TR 0049'],
  },
  {
    targets: [namespaced('', ['configmaps'], WRITE)],
    severities: SEVERITIES,
    rate: ({ names }, { kind, namespace }) => {
      const isKubeSystem = kind !== 'namespace' || namespace === 'kube-system';
      const isHarmless = names.length > 0 && !names.some((name) => CONFIGURES_THE_CLUSTER.has(name));
      return isKubeSystem && !isHarmless ? 'HIGH' : 'LOW';
    },
  },
);
