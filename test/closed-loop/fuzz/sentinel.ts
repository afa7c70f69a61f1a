import type { AccessRequest, RbacObject, RoleRef } from '@leastwise/rbac';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = 'rbac.authorization.k8s.io/v1';
const NAME = 'fuzz-sentinel';

/**
 * Objects of all four kinds, to be created last: the authorizer has one cache for each kind, and each sees
 * its objects in the order in which they were written, so that whoever sees these has seen everything.
 */
export function sentinel(namespace: string): {
  readonly objects: readonly RbacObject[];
  readonly requests: readonly AccessRequest[];
} {
  const subjects = [{ apiGroup: RBAC_GROUP, kind: 'User', name: NAME } as const];
  const ref = (kind: RoleRef['kind']): RoleRef => ({ apiGroup: RBAC_GROUP, kind, name: NAME });
  const role = { apiVersion: API_VERSION, metadata: { name: NAME, namespace } } as const;
  const clusterRole = { apiVersion: API_VERSION, metadata: { name: NAME } } as const;
  const rule = { verbs: ['get'], apiGroups: [NAME], resources: ['roles'] };
  const url = { verbs: ['get'], nonResourceURLs: [`/${NAME}`] };
  const asked = { verb: 'get', apiGroup: '', resource: '', namespace: '', name: '', path: '' };
  const subject = { kind: 'User', namespace: '', name: NAME } as const;
  const ask = (permission: Partial<typeof asked>): AccessRequest => ({
    subject,
    groups: [],
    permission: { ...asked, ...permission },
  });
  return {
    objects: [
      { ...role, kind: 'Role', rules: [rule] },
      { ...clusterRole, kind: 'ClusterRole', rules: [url] },
      { ...role, kind: 'RoleBinding', roleRef: ref('Role'), subjects },
      { ...clusterRole, kind: 'ClusterRoleBinding', roleRef: ref('ClusterRole'), subjects },
    ],
    requests: [ask({ apiGroup: NAME, resource: 'roles', namespace }), ask({ path: `/${NAME}` })],
  };
}
