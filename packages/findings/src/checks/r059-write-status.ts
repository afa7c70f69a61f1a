import { clusterWide, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { CHANGE } from './resources.ts';

/** Writes the status of nodes, pods or services. */
export const R059 = grantCheck(
  {
    id: 'R059',
    title: 'Writes the status of nodes, pods or services',
    why: 'A false status steers the scheduler and what watches it; the status of a Service can draw traffic of other addresses to itself (CVE-2020-8554).',
    remedy: 'Leave status to the controller of the object.',
    peers: ['RP modify_node_status', 'RP modify_pod_status', 'RP modify_service_status_cve_2020_8554'],
  },
  {
    targets: [
      clusterWide('', ['nodes/status'], CHANGE),
      namespaced('', ['pods/status', 'services/status'], CHANGE),
    ],
    severities: everywhere('LOW'),
    rate: ({ resource }) => (resource === 'services/status' ? 'MEDIUM' : 'LOW'),
  },
);
