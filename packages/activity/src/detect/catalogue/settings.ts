/** What a cluster's owner knows better than a catalogue. A pattern is a name, or the beginning of names before a `*`. */
export interface SettingsOptions {
  /** Users whose ordinary work is what others are detected for. */
  readonly systemIdentities?: readonly string[];
  readonly privilegedNamespaces?: readonly string[];
  /** Users who may use the cluster at all; `undefined` for everybody. */
  readonly allowedUsers?: readonly string[];
  /** Users that stand for nobody in particular, and are not for daily use. */
  readonly sharedAdmins?: readonly string[];
  /** Names that nodes have; `undefined` for any. */
  readonly nodeNames?: readonly string[];
}

/** How many patterns of system identities may be given besides, and how long each may be. */
export const MAX_SYSTEM_PATTERNS = 200;
const PATTERN = /^[^*\p{Cc}]{1,253}\*?$/u;

/** Whether a text names system identities: a name, or the beginning of names before a `*`; never everybody. */
export function isSystemPattern(text: string): boolean {
  return PATTERN.test(text);
}

/** Settings of a cluster in which more identities than the parts of Kubernetes itself are of the system. */
export function settingsWithSystem(patterns: readonly string[]): Settings {
  return createSettings({ systemIdentities: [...DEFAULT_SYSTEM_IDENTITIES, ...patterns] });
}

/** Settings as detections ask them. */
export interface Settings {
  readonly isSystem: (username: string) => boolean;
  readonly isPrivilegedNamespace: (namespace: string) => boolean;
  readonly isAllowedUser: (username: string) => boolean;
  readonly isSharedAdmin: (username: string) => boolean;
  readonly isNodeName: (name: string) => boolean;
}

/**
 * The service accounts in kube-system that the controllers of kube-controller-manager use.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
 */
const CONTROLLERS =
  'attachdetach-controller certificate-controller clusterrole-aggregation-controller cronjob-controller ' +
  'daemon-set-controller deployment-controller device-taint-eviction-controller disruption-controller ' +
  'endpoint-controller endpointslice-controller endpointslicemirroring-controller ephemeral-volume-controller ' +
  'expand-controller generic-garbage-collector horizontal-pod-autoscaler job-controller ' +
  'legacy-service-account-token-cleaner namespace-controller node-controller persistent-volume-binder ' +
  'pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller ' +
  'replication-controller resource-claim-controller resourcequota-controller root-ca-cert-publisher ' +
  'route-controller selinux-warning-controller service-account-controller service-cidrs-controller ' +
  'service-controller statefulset-controller taint-eviction-controller tokens-controller ' +
  'ttl-after-finished-controller ttl-controller validatingadmissionpolicy-status-controller';

/** The parts of Kubernetes itself. Others of a cluster's own, such as its GitOps controllers, are for its owner to add. */
export const DEFAULT_SYSTEM_IDENTITIES: readonly string[] = [
  'system:apiserver',
  'system:kube-controller-manager',
  'system:kube-scheduler',
  'system:cloud-controller-manager',
  ...CONTROLLERS.split(' ').map((name) => `system:serviceaccount:kube-system:${name}`),
];

const DEFAULT_SHARED_ADMINS = ['kubernetes-admin', 'kubernetes-super-admin', 'system:admin', 'kube:admin'];

/** Settings out of options; what is not given is what most clusters have. */
export function createSettings(options: SettingsOptions = {}): Settings {
  const { allowedUsers = ['*'], nodeNames = ['*'] } = options;
  return {
    isSystem: matcher(options.systemIdentities ?? DEFAULT_SYSTEM_IDENTITIES),
    isPrivilegedNamespace: matcher(options.privilegedNamespaces ?? ['kube-system', 'kube-public']),
    isAllowedUser: matcher(allowedUsers),
    isSharedAdmin: matcher(options.sharedAdmins ?? DEFAULT_SHARED_ADMINS),
    isNodeName: matcher(nodeNames),
  };
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = patterns
    .filter((pattern) => pattern.endsWith('*'))
    .map((pattern) => pattern.slice(0, -1));
  return (name) => names.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
}
