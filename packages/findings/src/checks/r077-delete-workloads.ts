import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { REMOVE, controllers } from './resources.ts';

/** Deletes workloads, secrets, services or volumes. */
export const R077 = grantCheck(
  {
    id: 'R077',
    title: 'Deletes workloads, secrets, services or volumes',
    why: 'Deletion stops what runs, and may lose data for good.',
    remedy: 'Grant it in the namespace that is deployed to; deletecollection is seldom needed.',
    peers: ['KU 0007', 'KS'],
  },
  {
    targets: [
      namespaced('', ['pods', 'secrets', 'services'], REMOVE),
      ...controllers(REMOVE),
      clusterWide('', ['persistentvolumes'], REMOVE),
    ],
    severities: everywhere('MEDIUM'),
  },
);
