import type { AuditLevel, AuditPolicy, AuditRule, GroupResources } from '../types.ts';

/** The presets, the default first. */
export const POLICY_PRESETS = ['default', 'minimal', 'gke', 'forensics'] as const;
/** One of {@link POLICY_PRESETS}. */
export type PolicyPreset = (typeof POLICY_PRESETS)[number];

/** A rule of a generated policy with the comment that stands above it. */
export interface CommentedRule {
  readonly comment: string;
  readonly rule: AuditRule;
  /** What cannot be known under this rule, for people; absent where nothing is lost. */
  readonly hides?: string;
}

type RuleFields = Partial<Omit<AuditRule, 'level'>>;

/** A rule with its comment. */
export function commented(
  level: AuditLevel,
  comment: string,
  fields: RuleFields = {},
  hides?: string,
): CommentedRule {
  const rule = {
    level,
    users: [],
    userGroups: [],
    verbs: [],
    resources: [],
    namespaces: [],
    nonResourceURLs: [],
    omitStages: [],
    omitManagedFields: undefined,
    ...fields,
  };
  return hides === undefined ? { comment, rule } : { comment, rule, hides };
}

/** Resources of a group. */
export function group(name: string, ...resources: string[]): GroupResources {
  return { group: name, resources, resourceNames: [] };
}

const RBAC = 'rbac.authorization.k8s.io';
const CHANGES = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const WRITES = ['create', 'update', 'patch'];
const READS = ['get', 'list', 'watch'];

const CREDENTIALS = commented('Metadata', 'Never the bodies of what may hold credentials.', {
  resources: [
    group('', 'secrets', 'configmaps', 'serviceaccounts/token'),
    group('authentication.k8s.io', 'tokenreviews', 'tokenrequests'),
  ],
});
const RBAC_WRITES = commented('RequestResponse', 'Who was given which rights.', {
  verbs: CHANGES,
  resources: [group(RBAC, 'roles', 'clusterroles', 'rolebindings', 'clusterrolebindings')],
});
const EVERYTHING = commented('Metadata', 'Everything else: who asked for what, and what the answer was.');
const PROBES = commented(
  'None',
  'Probes of health and version, which everybody may ask.',
  { nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version'] },
  'requests to /healthz, /livez, /readyz and /version',
);

const FORENSICS: readonly CommentedRule[] = [
  commented('RequestResponse', 'What runs, and how it is exposed.', {
    verbs: [...WRITES, 'delete', 'deletecollection'],
    resources: [
      group('', 'pods', 'pods/ephemeralcontainers', 'services', 'namespaces', 'serviceaccounts', 'nodes'),
      group('', 'persistentvolumes'),
      group('apps'),
      group('batch'),
      group('networking.k8s.io'),
      group('policy'),
    ],
  }),
  commented('RequestResponse', 'What decides about the cluster itself.', {
    verbs: CHANGES,
    resources: [
      group('admissionregistration.k8s.io'),
      group('apiregistration.k8s.io'),
      group('apiextensions.k8s.io'),
      group('certificates.k8s.io'),
    ],
  }),
];

/** The groups that Kubernetes itself serves. */
const KNOWN_GROUPS = [
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'extensions',
  'metrics.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  RBAC,
  'scheduling.k8s.io',
  'storage.k8s.io',
].map((name) => group(name));

const CONTROLLERS = ['system:kube-controller-manager', 'system:cloud-controller-manager'];

/**
 * The shape of the policy that Google's clusters start with: what makes noise goes first, then special cases, then
 * the groups that are known. Its bodies are those of writes and their answers, and of what reads ask for.
 * @see kubernetes/kubernetes cluster/gce/gci/configure-helper.sh (create-master-audit-policy)
 */
const GKE: readonly CommentedRule[] = [
  commented(
    'None',
    'kube-proxy watches all the time.',
    {
      users: ['system:kube-proxy'],
      verbs: ['watch'],
      resources: [group('', 'endpoints', 'services', 'services/status')],
    },
    'what system:kube-proxy watches',
  ),
  commented(
    'None',
    'Kubelets read their nodes.',
    { userGroups: ['system:nodes'], verbs: ['get'], resources: [group('', 'nodes', 'nodes/status')] },
    'what nodes (system:nodes) read of themselves',
  ),
  commented(
    'None',
    'Leader election of the control plane.',
    {
      users: [
        ...CONTROLLERS,
        'system:kube-scheduler',
        'system:serviceaccount:kube-system:endpoint-controller',
      ],
      verbs: ['get', 'update'],
      namespaces: ['kube-system'],
      resources: [group('', 'endpoints'), group('coordination.k8s.io', 'leases')],
    },
    `endpoints and leases in kube-system of ${CONTROLLERS.join(', ')}, system:kube-scheduler and the endpoint-controller`,
  ),
  commented(
    'None',
    'The API server looks at namespaces.',
    {
      users: ['system:apiserver'],
      verbs: ['get'],
      resources: [group('', 'namespaces', 'namespaces/status', 'namespaces/finalize')],
    },
    'which namespaces system:apiserver reads',
  ),
  commented(
    'None',
    'The horizontal pod autoscaler reads metrics.',
    { users: CONTROLLERS, verbs: ['get', 'list'], resources: [group('metrics.k8s.io')] },
    `metrics that ${CONTROLLERS.join(' and ')} read`,
  ),
  PROBES,
  commented(
    'None',
    'Events of the cluster, but for their deletion.',
    {
      verbs: [...READS, ...WRITES],
      resources: [group('', 'events'), group('events.k8s.io', 'events')],
    },
    'who writes and reads Event objects: the permission for it looks unused everywhere',
  ),
  commented('Request', 'Status that nodes report: large, and answered by itself.', {
    userGroups: ['system:nodes'],
    verbs: ['update', 'patch'],
    resources: [group('', 'nodes/status', 'pods/status')],
  }),
  CREDENTIALS,
  commented('Request', 'Answers to these can be very large.', {
    users: ['system:serviceaccount:kube-system:namespace-controller'],
    verbs: ['deletecollection'],
  }),
  commented('Request', 'Reads, without what was read.', { verbs: READS, resources: KNOWN_GROUPS }),
  commented('RequestResponse', 'Writes, with what was made of them.', { resources: KNOWN_GROUPS }),
  EVERYTHING,
];

/** The rules of each preset. */
export const PRESET_RULES: Readonly<Record<PolicyPreset, readonly CommentedRule[]>> = {
  default: [CREDENTIALS, RBAC_WRITES, EVERYTHING],
  minimal: [PROBES, EVERYTHING],
  gke: GKE,
  forensics: [CREDENTIALS, RBAC_WRITES, ...FORENSICS, EVERYTHING],
};

/** The policy that rules make: without RequestReceived, which knows no outcome, and without managedFields. */
export function policyOf(rules: readonly CommentedRule[]): AuditPolicy {
  return {
    omitStages: ['RequestReceived'],
    omitManagedFields: true,
    rules: rules.map(({ rule }) => rule),
  };
}
