import { clusterWide, namespaced, type Target } from '../access/grants.ts';
import { RBAC } from './resources.ts';

/**
 * What allows a RoleBinding to any role: the API server asks for `bind` on the role or the ClusterRole, in the namespace
 * of the binding; not on rolebindings.
 * @see kubernetes pkg/registry/rbac/escalation_check.go, BindingAuthorized
 */
export const BIND: readonly Target[] = [namespaced(RBAC, ['roles', 'clusterroles'], ['bind'])];

/** What allows a ClusterRoleBinding to any ClusterRole, which no RoleBinding grants. */
export const BIND_IN_CLUSTER: readonly Target[] = [clusterWide(RBAC, ['clusterroles'], ['bind'])];
