import { clusterWide, namespaced } from '../access/grants.ts';
import type { CombinationPart } from './check.ts';
import { BIND, BIND_IN_CLUSTER } from './bind-targets.ts';
import { part } from './grant-check.ts';
import { bindsHarmlessOnly } from './harmless-roles.ts';
import { RBAC, WRITE } from './resources.ts';

const isDangerous: CombinationPart['accepts'] = (grant, scope, model) =>
  !bindsHarmlessOnly(grant, scope, model);

/** Writing bindings, and binding roles beyond one's own rights; for RoleBindings and ClusterRoleBindings apart. */
export const BINDING_PARTS: readonly CombinationPart[] = [
  part('bind', BIND, isDangerous),
  part('bind in cluster', BIND_IN_CLUSTER, isDangerous),
  part('write', [namespaced(RBAC, ['rolebindings'], WRITE)]),
  part('write in cluster', [clusterWide(RBAC, ['clusterrolebindings'], WRITE)]),
];
