import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE } from './resources.ts';

const GATEWAY_API = [
  'gateways',
  'httproutes',
  'grpcroutes',
  'tlsroutes',
  'tcproutes',
  'udproutes',
  'referencegrants',
];

/** Redirects traffic. */
export const R074 = grantCheck(
  {
    id: 'R074',
    title: 'Redirects traffic',
    why: 'Services, endpoints, ingresses and routes decide where traffic goes, across namespaces too (CVE-2021-25740); network policies decide what may pass.',
    remedy: 'Grant it in the namespace that is deployed to; leave endpoints to the controller.',
    peers: ['TR 0056', 'RT', 'GK block-endpoint-edit (CVE-2021-25740)'],
  },
  {
    targets: [
      namespaced('', ['services', 'endpoints'], WRITE),
      namespaced('discovery.k8s.io', ['endpointslices'], WRITE),
      namespaced('networking.k8s.io', ['networkpolicies', 'ingresses'], WRITE),
      namespaced('gateway.networking.k8s.io', GATEWAY_API, WRITE),
      clusterWide('gateway.networking.k8s.io', ['gatewayclasses'], WRITE),
    ],
    severities: everywhere('MEDIUM'),
  },
);
