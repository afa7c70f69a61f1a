import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { roles } from './resources.ts';

/** Escalates roles. */
export const R040 = grantCheck(
  {
    id: 'R040',
    title: 'Escalates roles',
    why: 'The verb escalate lets its holder write rights into a role that it does not have itself: any right, in the end.',
    remedy: 'Remove the verb escalate; let the writer of roles hold the rights it hands out.',
    peers: ['RP escalate_roles', 'TR 0050', 'KU 0191', 'RT', 'KY', 'GP'],
  },
  {
    targets: roles(['escalate']),
    severities: everywhere('CRITICAL'),
  },
);
