import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { type CombinationCheck, infoOf } from './check.ts';
import { part } from './grant-check.ts';
import { CHANGE, REMOVE } from './resources.ts';

/** Drives pods of the control plane to a node of its own. */
export const R060: CombinationCheck = {
  kind: 'combination',
  info: infoOf(
    {
      id: 'R060',
      title: 'Steals pods',
      why: 'It may make pods of a privileged namespace start anew, and keep all nodes but its own from taking them: then their tokens are on its node.',
      remedy: 'Take away changing nodes, or removing pods in privileged namespaces.',
      peers: ['RP steal_pods'],
    },
    everywhere('HIGH'),
  ),
  parts: [
    part('unseat', [
      namespaced('', ['pods'], [...REMOVE, 'update', 'patch']),
      namespaced('', ['pods/eviction'], ['create']),
      namespaced('', ['pods/status'], CHANGE),
      clusterWide('', ['nodes'], [...REMOVE, ...CHANGE]),
    ]),
    part('keep from nodes', [clusterWide('', ['nodes', 'nodes/status'], CHANGE)]),
  ],
  alternatives: [{ all: ['unseat', 'keep from nodes'] }],
  rate: ({ kind }) => (kind === 'namespace' ? undefined : 'HIGH'),
};
