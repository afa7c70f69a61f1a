import { clusterWide } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';

/** Reads from the kubelet. */
export const R057 = grantCheck(
  {
    id: 'R057',
    title: 'Reads from the kubelet',
    why: 'Logs of nodes and checkpoints of containers hold secrets; statistics, pods and configuration tell what runs where.',
    remedy:
      'Grant only the subresource that is needed; a checkpoint is a copy of a process with all it knows.',
    peers: [],
  },
  {
    targets: [
      clusterWide('', ['nodes/log', 'nodes/checkpoint'], 'any'),
      clusterWide(
        '',
        ['nodes/stats', 'nodes/metrics', 'nodes/pods', 'nodes/configz', 'nodes/healthz'],
        'any',
      ),
    ],
    severities: everywhere('MEDIUM'),
    rate: ({ resource }) => {
      if (resource === 'nodes/checkpoint') return 'HIGH';
      return resource === 'nodes/log' ? 'MEDIUM' : 'INFO';
    },
  },
);
