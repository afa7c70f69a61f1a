import { clusterWide } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE, REMOVE, ADMISSION } from './resources.ts';

const MUTATING: ReadonlySet<string> = new Set([
  'mutatingwebhookconfigurations',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

/** Controls admission. */
export const R070 = grantCheck(
  {
    id: 'R070',
    title: 'Controls admission',
    why: 'Admission webhooks and policies see and change whatever is written, or let it pass: the mutating ones write into every object.',
    remedy: 'Leave them to the pipeline of the platform; name the one configuration in resourceNames.',
    peers: ['RP control_webhooks', 'KU 0281', 'TR 0114', 'RT', 'KY', 'GP'],
  },
  {
    targets: [
      clusterWide(ADMISSION, [...MUTATING], [...WRITE, ...REMOVE]),
      clusterWide(
        ADMISSION,
        [
          'validatingwebhookconfigurations',
          'validatingadmissionpolicies',
          'validatingadmissionpolicybindings',
        ],
        [...WRITE, ...REMOVE],
      ),
    ],
    severities: everywhere('HIGH'),
    rate: ({ resource }) => (MUTATING.has(resource) ? 'CRITICAL' : 'HIGH'),
  },
);
