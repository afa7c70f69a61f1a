import { clusterWide } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE } from './resources.ts';

/** Takes over an API group. */
export const R072 = grantCheck(
  {
    id: 'R072',
    title: 'Takes over an API group',
    why: 'An APIService sends all requests for a group, with the identity of their senders, to a server of its choice.',
    remedy: 'Leave APIServices to the pipeline of the platform.',
    peers: [],
  },
  {
    targets: [clusterWide('apiregistration.k8s.io', ['apiservices'], WRITE)],
    severities: everywhere('CRITICAL'),
  },
);
