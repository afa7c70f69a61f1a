import type { BindingSubject, ClusterRole, PolicyRule, RbacObject, Role, RoleRef } from '@leastwise/rbac';

import { CONTROLLER_ROLES } from './controller-roles.ts';
import { SYSTEM_ROLES } from './system-roles.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** What Kubernetes puts on each object that it makes by itself. */
export const BOOTSTRAP_LABEL = 'kubernetes.io/bootstrapping';
/** With the value `false`, the API server no longer repairs the object when it starts. */
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
/** A ClusterRole with a label that begins so becomes part of another one. */
export const AGGREGATE_TO = 'rbac.authorization.k8s.io/aggregate-to-';

/** The roles that are put together by the aggregation controller, with those that become part of others. */
const AGGREGATES: ReadonlyMap<string, { readonly to?: string; readonly from?: string }> = new Map([
  ['admin', { from: 'admin' }],
  ['edit', { from: 'edit', to: 'admin' }],
  ['view', { from: 'view', to: 'edit' }],
  ['system:aggregate-to-admin', { to: 'admin' }],
  ['system:aggregate-to-edit', { to: 'edit' }],
  ['system:aggregate-to-view', { to: 'view' }],
]);

/** Bindings of components, by name; the role has the same name unless it is said. A service account is `NAMESPACE/NAME`. */
const COMPONENT_BINDINGS: readonly {
  readonly name: string;
  readonly namespace?: string;
  readonly role?: string;
  readonly subjects: readonly string[];
}[] = [
  { name: 'system:kube-controller-manager', subjects: ['User system:kube-controller-manager'] },
  { name: 'system:kube-dns', subjects: ['kube-system/kube-dns'] },
  { name: 'system:kube-scheduler', subjects: ['User system:kube-scheduler'] },
  { name: 'system:node', subjects: [] },
  { name: 'system:node-proxier', subjects: ['User system:kube-proxy'] },
  { name: 'system:volume-scheduler', subjects: ['User system:kube-scheduler'] },
  {
    name: 'system:controller:bootstrap-signer',
    namespace: 'kube-public',
    subjects: ['kube-system/bootstrap-signer'],
  },
  {
    name: 'system::extension-apiserver-authentication-reader',
    namespace: 'kube-system',
    role: 'extension-apiserver-authentication-reader',
    subjects: ['User system:kube-controller-manager', 'User system:kube-scheduler'],
  },
  {
    name: 'system::leader-locking-kube-controller-manager',
    namespace: 'kube-system',
    subjects: [
      'User system:kube-controller-manager',
      'kube-system/kube-controller-manager',
      'kube-system/leader-election-controller',
    ],
  },
  {
    name: 'system::leader-locking-kube-scheduler',
    namespace: 'kube-system',
    subjects: ['User system:kube-scheduler', 'kube-system/kube-scheduler'],
  },
  ...['bootstrap-signer', 'cloud-provider', 'token-cleaner'].map((controller) => ({
    name: `system:controller:${controller}`,
    namespace: 'kube-system',
    subjects: [`kube-system/${controller}`],
  })),
];

function listOf(text = ''): readonly string[] {
  return text.split(',');
}

function ruleOf(line: string): PolicyRule {
  const [verbs, group = '', resources, names] = line.split(' ');
  if (group === 'url') return { verbs: listOf(verbs), nonResourceURLs: listOf(resources) };
  return {
    verbs: listOf(verbs),
    apiGroups: [group === 'core' ? '' : group],
    resources: listOf(resources),
    ...(names === undefined ? {} : { resourceNames: names.split('|') }),
  };
}

function rulesOf(text: string): readonly PolicyRule[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(ruleOf);
}

function metadataOf(place: string, labels: Readonly<Record<string, string>> = {}): Role['metadata'] {
  const slash = place.indexOf('/');
  return {
    name: place.slice(slash + 1),
    ...(slash < 0 ? {} : { namespace: place.slice(0, slash) }),
    labels: { [BOOTSTRAP_LABEL]: 'rbac-defaults', ...labels },
    annotations: { [AUTOUPDATE]: 'true' },
  };
}

function roleOf(place: string, text: string): Role | ClusterRole {
  const aggregate = AGGREGATES.get(place);
  const labels = aggregate?.to === undefined ? {} : { [AGGREGATE_TO + aggregate.to]: 'true' };
  const metadata = metadataOf(place, labels);
  const rules = rulesOf(text);
  if (metadata.namespace !== undefined) return { apiVersion: API_VERSION, kind: 'Role', metadata, rules };
  if (aggregate?.from === undefined) return { apiVersion: API_VERSION, kind: 'ClusterRole', metadata, rules };
  const clusterRoleSelectors = [{ matchLabels: { [AGGREGATE_TO + aggregate.from]: 'true' } }];
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata,
    rules,
    aggregationRule: { clusterRoleSelectors },
  };
}

function subjectOf(text: string): BindingSubject {
  const slash = text.indexOf('/');
  if (slash < 0) return { apiGroup: RBAC_GROUP, kind: 'User', name: text.slice('User '.length) };
  return { kind: 'ServiceAccount', namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

function bindingOf({
  name,
  namespace,
  role = name,
  subjects,
}: (typeof COMPONENT_BINDINGS)[number]): RbacObject {
  const roleRef = (kind: RoleRef['kind']): RoleRef => ({ apiGroup: RBAC_GROUP, kind, name: role });
  const metadata = metadataOf(namespace === undefined ? name : `${namespace}/${name}`);
  const listed = subjects.map(subjectOf);
  if (namespace === undefined) {
    const kind = 'ClusterRoleBinding';
    return { apiVersion: API_VERSION, kind, metadata, roleRef: roleRef('ClusterRole'), subjects: listed };
  }
  return {
    apiVersion: API_VERSION,
    kind: 'RoleBinding',
    metadata,
    roleRef: roleRef('Role'),
    subjects: listed,
  };
}

/** A controller's service account is called as its role is, without the prefix. */
function controllerBinding(place: string): RbacObject {
  return bindingOf({ name: place, subjects: [`kube-system/${place.slice('system:controller:'.length)}`] });
}

/**
 * The roles that Kubernetes makes by itself, and the bindings of its own components: not for one version, but the
 * union over those that are known here. It tells what is Kubernetes' own work, and what `admin`, `edit` and `view` grant
 * where the input does not have them. Those that are bound to groups are in `bootstrapDefaults` of `@leastwise/rbac`.
 * @remarks Pure; a new list for each call.
 */
export function shippedObjects(): readonly RbacObject[] {
  const aggregated = ['admin', 'edit', 'view'].map((name) => roleOf(name, ''));
  const written = Object.entries({ ...SYSTEM_ROLES, ...CONTROLLER_ROLES });
  return [
    ...aggregated,
    ...written.map(([place, text]) => roleOf(place, text)),
    ...COMPONENT_BINDINGS.map(bindingOf),
    ...Object.keys(CONTROLLER_ROLES)
      .filter((place) => !place.includes('/'))
      .map(controllerBinding),
  ];
}
