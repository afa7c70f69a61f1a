import { clusterWide } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';

/** Reaches the kubelet. */
export const R056 = grantCheck(
  {
    id: 'R056',
    title: 'Reaches the kubelet',
    why: 'Through nodes/proxy one speaks to the kubelet as the API server: with any verb, get included, that runs commands in all pods of the node, unaudited and past admission.',
    remedy: 'Grant nodes/metrics, nodes/stats and the like instead.',
    peers: [
      'RP/RT (create only)',
      'KS (needs get AND create)',
      'TR 0047 (misses `*`)',
      'KU 0279',
      'KY',
      'GP',
    ],
  },
  {
    targets: [clusterWide('', ['nodes/proxy'], 'any')],
    severities: everywhere('CRITICAL'),
  },
);
