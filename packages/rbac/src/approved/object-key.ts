import type { ClusterRoleBinding, RbacObject, RoleBinding } from '../types.ts';

/** A key that no other object of a cluster has: its kind, namespace and name, the namespace `''` where it has none. */
export function objectKey({ kind, metadata }: RbacObject): string {
  return `${kind}\0${namespaceOf(kind, metadata.namespace)}\0${metadata.name}`;
}

/** The key of the role that a binding refers to. */
export function roleKey({ metadata, roleRef }: RoleBinding | ClusterRoleBinding): string {
  return `${roleRef.kind}\0${namespaceOf(roleRef.kind, metadata.namespace)}\0${roleRef.name}`;
}

function namespaceOf(kind: RbacObject['kind'], namespace: string | undefined): string {
  return kind === 'Role' || kind === 'RoleBinding' ? (namespace ?? '') : '';
}

/** Whether an object is a RoleBinding or a ClusterRoleBinding. */
export function isBinding(object: RbacObject): object is RoleBinding | ClusterRoleBinding {
  return object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding';
}
