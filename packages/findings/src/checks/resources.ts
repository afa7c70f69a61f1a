import { clusterWide, namespaced, type Target } from '../access/grants.ts';

/** Verbs that show an object's content. */
export const READ = ['get', 'list', 'watch'] as const;
/** Verbs that bring an object into being or change it. */
export const WRITE = ['create', 'update', 'patch'] as const;
/** Verbs that change what is there. */
export const CHANGE = ['update', 'patch'] as const;
/** Verbs that remove objects. */
export const REMOVE = ['delete', 'deletecollection'] as const;

/** The API group of roles and bindings. */
export const RBAC = 'rbac.authorization.k8s.io';
/** The API group of webhooks and admission policies. */
export const ADMISSION = 'admissionregistration.k8s.io';
/** The API group of certificate signing requests and signers. */
export const CERTIFICATES = 'certificates.k8s.io';

/** The built-in controllers that start pods from a template, by API group. */
export const CONTROLLERS: readonly (readonly [apiGroup: string, resources: readonly string[]])[] = [
  ['', ['replicationcontrollers']],
  ['apps', ['deployments', 'statefulsets', 'daemonsets', 'replicasets']],
  ['batch', ['jobs', 'cronjobs']],
];

/** Verbs on the built-in controllers of pods. */
export function controllers(verbs: Target['verbs']): readonly Target[] {
  return CONTROLLERS.map(([group, resources]) => namespaced(group, resources, verbs));
}

/** Verbs on roles of both kinds. */
export function roles(verbs: readonly string[]): readonly Target[] {
  return [namespaced(RBAC, ['roles'], verbs), clusterWide(RBAC, ['clusterroles'], verbs)];
}
