import { namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { streamVerbs } from './stream-verbs.ts';

/** Forwards ports of pods. */
export const R054 = grantCheck(
  {
    id: 'R054',
    title: 'Forwards ports of pods',
    why: 'It reaches ports of a pod that no network policy and no Service opens.',
    remedy: 'Grant it to people for a time, in one namespace.',
    peers: ['KU 0063'],
  },
  {
    targets: (settings) => [namespaced('', ['pods/portforward'], streamVerbs(settings))],
    severities: everywhere('MEDIUM'),
  },
);
