import { namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { REMOVE } from './resources.ts';

/** Deletes events. */
export const R076 = grantCheck(
  {
    id: 'R076',
    title: 'Deletes events',
    why: 'Events tell what happened; whoever deletes them hides it.',
    remedy: 'Remove it: events end by themselves.',
    peers: ['KU 0031'],
  },
  {
    targets: [namespaced('', ['events'], REMOVE), namespaced('events.k8s.io', ['events'], REMOVE)],
    severities: everywhere('MEDIUM'),
  },
);
