import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE, controllers } from './resources.ts';
import type { Target } from '../access/grants.ts';
import type { ProfileSettings } from '../access/model.ts';

function targetsFor({ workloadResources }: ProfileSettings): readonly Target[] {
  const own = workloadResources.map(({ apiGroup, resource }) => namespaced(apiGroup, [resource], WRITE));
  return [namespaced('', ['pods'], ['create']), ...controllers(WRITE), ...own];
}

/** Starts pods. */
export const R050 = grantCheck(
  {
    id: 'R050',
    title: 'Starts pods',
    why: 'A pod runs as any service account of its namespace, mounts its secrets, and, where nothing forbids it, the file system of the node.',
    remedy: 'Grant it in the namespace that is deployed to, and hold pods there by Pod Security admission.',
    peers: [
      'RP assign_sa',
      'RP obtain_token_weak_ns',
      'KS create/update',
      'TR 0048',
      'KU 0188/0267',
      'KR',
      'RT',
      'GP',
    ],
  },
  {
    targets: targetsFor,
    severities: byScope('HIGH', 'CRITICAL', 'MEDIUM'),
  },
);
