import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE } from './resources.ts';

const STORAGE = 'storage.k8s.io';

/** Writes volumes and storage classes. */
export const R062 = grantCheck(
  {
    id: 'R062',
    title: 'Writes volumes and storage classes',
    why: 'A PersistentVolume may be a path of the node (hostPath): whoever writes one reads and writes there.',
    remedy: 'Let a provisioner make volumes; users need persistentvolumeclaims only.',
    peers: ['KU 0278', 'RT', 'GP'],
  },
  {
    targets: [
      clusterWide('', ['persistentvolumes'], WRITE),
      clusterWide(
        STORAGE,
        ['storageclasses', 'volumeattachments', 'csidrivers', 'csinodes', 'volumeattributesclasses'],
        WRITE,
      ),
      namespaced(STORAGE, ['csistoragecapacities'], WRITE),
    ],
    severities: everywhere('HIGH'),
    rate: ({ apiGroup }) => (apiGroup === '' ? 'HIGH' : 'MEDIUM'),
  },
);
