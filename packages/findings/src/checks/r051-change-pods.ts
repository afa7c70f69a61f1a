import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { CHANGE } from './resources.ts';

/** Changes pods. */
export const R051 = grantCheck(
  {
    id: 'R051',
    title: 'Changes pods',
    why: 'A new image in a running pod is code that runs with its service account and its secrets.',
    remedy: 'Change the controller of the pods instead; grant it in one namespace.',
    peers: ['RP modify_pods', 'RP rce_weak_ns'],
  },
  {
    targets: [namespaced('', ['pods'], CHANGE)],
    severities: byScope('HIGH', 'HIGH', 'MEDIUM'),
  },
);
