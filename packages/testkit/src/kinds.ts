/** A subresource with the verbs that its requests have. */
export interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
}

/** A resource of the API. */
export interface Kind {
  readonly apiGroup: string;
  readonly version: string;
  readonly resource: string;
  readonly isNamespaced: boolean;
  readonly subresources: readonly Subresource[];
}

/** The eight verbs of requests on resources. */
export const VERBS = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
] as const;

/** The namespaces of generated requests: few, so that subjects meet in them. */
export const NAMESPACES = ['shop', 'pay', 'kube-system', 'preview-4711'] as const;

/** Paths of requests that are for no resource, discovery among them. */
export const NON_RESOURCE_PATHS = [
  '/healthz',
  '/livez',
  '/metrics',
  '/version',
  '/openapi/v2',
  '/api',
  '/apis',
  '/apis/apps/v1',
  '/api/v1',
  '/logs/kube-apiserver.log',
  '/custom path/x',
] as const;

const SCALE: Subresource = { name: 'scale', verbs: ['get', 'update', 'patch'] };
const STATUS: Subresource = { name: 'status', verbs: ['get', 'update', 'patch'] };

/** `get`: by WebSocket; `create`: by SPDY. */
function interactive(name: string): Subresource {
  return { name, verbs: ['get', 'create'] };
}

function kind(
  groupVersion: string,
  resource: string,
  scope: 'namespaced' | 'cluster',
  subresources: readonly Subresource[] = [],
): Kind {
  const [version = '', apiGroup = ''] = groupVersion.split('/').toReversed();
  return { apiGroup, version, resource, isNamespaced: scope === 'namespaced', subresources };
}

/** A cross-section of the API: both scopes, subresources of every sort, custom resources. */
export const KINDS: readonly Kind[] = [
  kind('v1', 'pods', 'namespaced', [
    { name: 'log', verbs: ['get'] },
    interactive('exec'),
    interactive('portforward'),
    { name: 'eviction', verbs: ['create'] },
    STATUS,
  ]),
  kind('v1', 'services', 'namespaced', [{ name: 'proxy', verbs: ['get', 'create'] }]),
  kind('v1', 'configmaps', 'namespaced'),
  kind('v1', 'secrets', 'namespaced'),
  kind('v1', 'events', 'namespaced'),
  kind('v1', 'serviceaccounts', 'namespaced', [{ name: 'token', verbs: ['create'] }]),
  kind('v1', 'nodes', 'cluster', [STATUS, { name: 'proxy', verbs: ['get'] }]),
  kind('v1', 'persistentvolumes', 'cluster'),
  kind('v1', 'namespaces', 'cluster', [STATUS, { name: 'finalize', verbs: ['update'] }]),
  kind('apps/v1', 'deployments', 'namespaced', [SCALE, STATUS]),
  kind('apps/v1', 'replicasets', 'namespaced', [SCALE]),
  kind('batch/v1', 'jobs', 'namespaced'),
  kind('coordination.k8s.io/v1', 'leases', 'namespaced'),
  kind('networking.k8s.io/v1', 'ingresses', 'namespaced', [STATUS]),
  kind('rbac.authorization.k8s.io/v1', 'roles', 'namespaced'),
  kind('rbac.authorization.k8s.io/v1', 'clusterroles', 'cluster'),
  kind('apiextensions.k8s.io/v1', 'customresourcedefinitions', 'cluster', [STATUS]),
  kind('argoproj.io/v1alpha1', 'applications', 'namespaced'),
];
