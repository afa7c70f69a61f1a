import { namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { CHANGE } from './resources.ts';

/** Adds containers to running pods. */
export const R053 = grantCheck(
  {
    id: 'R053',
    title: 'Adds containers to running pods',
    why: 'An ephemeral container runs any image within a pod, beside its processes and with its service account.',
    remedy: 'Grant it to people for a time, in one namespace.',
    peers: ['RP pods_ephemeral_ctrs', 'RT'],
  },
  {
    targets: [namespaced('', ['pods/ephemeralcontainers'], CHANGE)],
    severities: everywhere('HIGH'),
  },
);
