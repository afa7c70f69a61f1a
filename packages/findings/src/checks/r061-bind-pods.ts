import { namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';

/** Places pods on nodes. */
export const R061 = grantCheck(
  {
    id: 'R061',
    title: 'Places pods on nodes',
    why: 'A binding puts a pod on a node of its choice, past the scheduler, taints and affinities.',
    remedy: 'Leave it to schedulers.',
    peers: [],
  },
  {
    targets: [namespaced('', ['pods/binding', 'bindings'], ['create'])],
    severities: everywhere('MEDIUM'),
  },
);
