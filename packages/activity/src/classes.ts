import type { CountedRequest, Permission } from '@leastwise/audit-event';

/**
 * What a request does, coarsely. The order is part of the keys of stored counts: append only.
 *
 * - `read`: get; `list-watch`: list, watch; `create`; `update`: update, patch
 * - `delete`: delete, and evictions; `delete-collection`: deletecollection
 * - `exec`: whatever reaches into something that runs: exec, attach, portforward, proxy with any verb (WebSocket
 *   clients get, others create), and adding ephemeral containers
 * - `escalate`: acting as somebody else, and the verbs that guard the handing out of rights. An API server logs no
 *   request under these verbs, so this class counts impersonations alone.
 * - `other`: HTTP methods and verbs besides these
 */
export const VERB_CLASSES = [
  'read',
  'list-watch',
  'create',
  'update',
  'delete',
  'delete-collection',
  'exec',
  'escalate',
  'other',
] as const;

/** One of {@link VERB_CLASSES}. */
export type VerbClass = (typeof VERB_CLASSES)[number];

/**
 * What a request is about, coarsely. The order is part of the keys of stored counts: append only.
 * `custom` is what no API server serves by itself: custom resources, aggregated APIs, and groups that clients make up.
 */
export const RESOURCE_CLASSES = [
  'secrets',
  'configmaps',
  'pods',
  'workloads',
  'rbac',
  'serviceaccounts',
  'tokens',
  'nodes',
  'namespaces',
  'api-extensions',
  'certificates',
  'network',
  'storage',
  'events',
  'leases',
  'reviews',
  'identities',
  'custom',
  'non-resource',
  'other',
] as const;

/** One of {@link RESOURCE_CLASSES}. */
export type ResourceClass = (typeof RESOURCE_CLASSES)[number];

/** What the authorizer said. The order is part of the keys of stored counts. */
export const OUTCOMES = ['allowed', 'denied'] as const satisfies readonly CountedRequest['outcome'][];

const BY_VERB: ReadonlyMap<string, VerbClass> = new Map<string, VerbClass>([
  ['get', 'read'],
  ['list', 'list-watch'],
  ['watch', 'list-watch'],
  ['create', 'create'],
  ['update', 'update'],
  ['patch', 'update'],
  ['delete', 'delete'],
  ['deletecollection', 'delete-collection'],
  ['proxy', 'exec'],
  ['bind', 'escalate'],
  ['escalate', 'escalate'],
  ['approve', 'escalate'],
  ['sign', 'escalate'],
  ['attest', 'escalate'],
]);

/** The verb of a non-resource request is its HTTP method, which may be any word that a client invents. */
const BY_METHOD: ReadonlyMap<string, VerbClass> = new Map<string, VerbClass>([
  ['get', 'read'],
  ['head', 'read'],
  ['options', 'read'],
  ['post', 'create'],
  ['put', 'update'],
  ['patch', 'update'],
  ['delete', 'delete'],
]);

/**
 * The resources of each class as `group/resource`. `*` is every resource of a group that the table does not name, and a
 * subresource belongs to its resource unless the table names it.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/
 */
const MEMBERS: readonly (readonly [ResourceClass, string])[] = [
  ['secrets', '/secrets'],
  ['configmaps', '/configmaps'],
  ['pods', '/pods /bindings'],
  ['workloads', '/replicationcontrollers /podtemplates apps/* batch/* autoscaling/* extensions/*'],
  ['rbac', 'rbac.authorization.k8s.io/*'],
  ['serviceaccounts', '/serviceaccounts'],
  ['tokens', '/serviceaccounts/token'],
  ['nodes', '/nodes'],
  ['namespaces', '/namespaces'],
  ['api-extensions', 'apiextensions.k8s.io/* apiregistration.k8s.io/* admissionregistration.k8s.io/*'],
  ['certificates', 'certificates.k8s.io/*'],
  ['network', '/services /endpoints networking.k8s.io/* gateway.networking.k8s.io/* discovery.k8s.io/*'],
  ['network', 'extensions/ingresses extensions/networkpolicies'],
  ['storage', '/persistentvolumes /persistentvolumeclaims storage.k8s.io/* snapshot.storage.k8s.io/*'],
  ['events', '/events events.k8s.io/*'],
  ['leases', 'coordination.k8s.io/*'],
  ['reviews', 'authorization.k8s.io/* authentication.k8s.io/*'],
  ['other', '/* policy/* node.k8s.io/* resource.k8s.io/* scheduling.k8s.io/* flowcontrol.apiserver.k8s.io/*'],
  ['other', 'internal.apiserver.k8s.io/* storagemigration.k8s.io/* imagepolicy.k8s.io/*'],
];

const BY_GROUP: ReadonlyMap<string, ReadonlyMap<string, ResourceClass>> = byGroup();

function byGroup(): Map<string, Map<string, ResourceClass>> {
  const groups = new Map<string, Map<string, ResourceClass>>();
  for (const [resourceClass, members] of MEMBERS) {
    for (const member of members.split(' ')) {
      const slash = member.indexOf('/');
      const group = groups.get(member.slice(0, slash)) ?? new Map<string, ResourceClass>();
      groups.set(member.slice(0, slash), group.set(member.slice(slash + 1), resourceClass));
    }
  }
  return groups;
}

/** `impersonate` and, with constrained impersonation, `impersonate:MODE` and `impersonate-on:MODE:VERB` (KEP-5284). */
function isImpersonation(verb: string): boolean {
  return verb.startsWith('impersonate');
}

/** The verb class of what an authorizer was asked. */
export function verbClassOf(permission: Permission): VerbClass {
  const { verb, resource } = permission;
  if (resource === '') return BY_METHOD.get(verb) ?? 'other';
  const plain = BY_VERB.get(verb);
  if (plain === undefined) return isImpersonation(verb) ? 'escalate' : 'other';
  const slash = resource.indexOf('/');
  if (slash < 0) return plain;
  switch (resource.slice(slash + 1)) {
    case 'exec':
    case 'attach':
    case 'portforward':
    case 'proxy':
      return 'exec';
    case 'ephemeralcontainers':
      return plain === 'update' ? 'exec' : plain;
    case 'eviction':
      return plain === 'create' ? 'delete' : plain;
    default:
      return plain;
  }
}

/** The resource class of what an authorizer was asked; whom an impersonation is about are `identities`. */
export function resourceClassOf(permission: Permission): ResourceClass {
  const { verb, apiGroup, resource } = permission;
  if (resource === '') return 'non-resource';
  if (isImpersonation(verb)) return 'identities';
  const group = BY_GROUP.get(apiGroup);
  if (group === undefined) return 'custom';
  const named = group.get(resource);
  if (named !== undefined) return named;
  const slash = resource.indexOf('/');
  return (slash < 0 ? undefined : group.get(resource.slice(0, slash))) ?? group.get('*') ?? 'other';
}
