import type { Stage } from '@leastwise/audit-event';

import type { AuditLevel } from './types.ts';

/** Requests that a detection has to see, every combination of the lists. */
export interface ProbeSpec {
  /** `nobody`: authentication failed. Default: a person. */
  readonly who?: 'nobody' | 'anonymous';
  readonly verbs: readonly string[];
  readonly group?: string;
  /** With subresource; absent where `paths` are given. */
  readonly resources?: readonly string[];
  /** `''`: cluster-scoped, or of all namespaces. */
  readonly namespaces?: readonly string[];
  /** The name that the request is about; `''` for a whole collection. */
  readonly name?: string;
  readonly paths?: readonly string[];
}

/** What a detection rests on. */
export interface DetectionNeed {
  readonly id: string;
  readonly title: string;
  /** The least level that tells enough. */
  readonly level: AuditLevel;
  /** One of these stages has to be logged. */
  readonly stages: readonly Stage[];
  readonly probes: readonly ProbeSpec[];
}

const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const WRITES = ['create', 'update', 'patch'];
const CHANGES = [...WRITES, 'delete', 'deletecollection'];
const ROLES: readonly ProbeSpec[] = [
  { verbs: WRITES, group: RBAC, resources: ['roles'] },
  { verbs: WRITES, group: RBAC, resources: ['clusterroles'], namespaces: [''] },
];
const BINDINGS: readonly ProbeSpec[] = [
  { verbs: WRITES, group: RBAC, resources: ['rolebindings'] },
  { verbs: WRITES, group: RBAC, resources: ['clusterrolebindings'], namespaces: [''] },
];
const WORKLOADS: readonly ProbeSpec[] = [
  { verbs: WRITES, resources: ['pods'] },
  { verbs: WRITES, group: 'apps', resources: ['deployments', 'daemonsets', 'statefulsets'] },
  { verbs: WRITES, group: 'batch', resources: ['jobs', 'cronjobs'] },
];
const SECRET_READS: readonly ProbeSpec[] = [
  { verbs: ['get', 'list', 'watch'], resources: ['secrets'] },
  { verbs: ['list', 'watch'], resources: ['secrets'], namespaces: [''] },
];
/** Some of what anybody does: a detection that looks at everything sees these. */
const ANYTHING: readonly ProbeSpec[] = [
  {
    verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
    resources: ['pods', 'configmaps', 'secrets'],
  },
  { verbs: ['list', 'patch'], group: 'apps', resources: ['deployments'] },
  { verbs: ['list'], group: RBAC, resources: ['clusterroles'], namespaces: [''] },
];

const ENDED: readonly Stage[] = ['ResponseComplete'];
const BEGUN_OR_ENDED: readonly Stage[] = ['ResponseStarted', 'ResponseComplete'];

/** What Metadata is enough for, unless another level is named. */
function need(
  id: string,
  title: string,
  probes: readonly ProbeSpec[],
  more: { readonly level?: AuditLevel; readonly stages?: readonly Stage[] } = {},
): DetectionNeed {
  return { id, title, level: more.level ?? 'Metadata', stages: more.stages ?? ENDED, probes };
}

/** What each detection on the stream of events needs of an audit policy, in the order of their ids. */
export const DETECTION_NEEDS: readonly DetectionNeed[] = [
  need('D01', 'anonymous access that was allowed', [
    { who: 'anonymous', verbs: ['get', 'list'], resources: ['pods', 'secrets'] },
    { who: 'anonymous', verbs: ['get'], paths: ['/api', '/metrics'] },
  ]),
  need(
    'D02',
    'failed authentication',
    [
      { who: 'nobody', verbs: ['get', 'list'], resources: ['pods', 'secrets'] },
      { who: 'nobody', verbs: ['get'], paths: ['/api'] },
    ],
    { stages: ['ResponseStarted'] },
  ),
  need('D03', 'many different requests refused', ANYTHING),
  need('D04', 'allowed and refused requests mixed, as of somebody who tries', ANYTHING),
  need('D05', 'looking around: many kinds of resources listed', [
    { verbs: ['get', 'list'], resources: ['pods', 'configmaps', 'serviceaccounts'] },
    { verbs: ['list'], resources: ['namespaces', 'nodes'], namespaces: [''] },
    { verbs: ['list'], group: RBAC, resources: ['clusterroles', 'clusterrolebindings'], namespaces: [''] },
  ]),
  need('D06', 'asking what one may do', [
    {
      verbs: ['create'],
      group: 'authorization.k8s.io',
      resources: ['selfsubjectrulesreviews', 'selfsubjectaccessreviews'],
      namespaces: [''],
    },
  ]),
  need('D07', 'secrets of all namespaces listed', [
    { verbs: ['list', 'watch'], resources: ['secrets'], namespaces: [''] },
  ]),
  need('D08', 'many secrets read', [{ verbs: ['get'], resources: ['secrets'] }]),
  need('D09', 'secrets read by an unusual client', SECRET_READS),
  need('D10', 'secrets of system namespaces read', [
    { verbs: ['get', 'list'], resources: ['secrets'], namespaces: ['kube-system', 'default'] },
  ]),
  need('D11', 'many refused reads of secrets', SECRET_READS),
  need('D12', 'secrets written', [{ verbs: CHANGES, resources: ['secrets'] }]),
  need('D13', 'service account tokens issued', [{ verbs: ['create'], resources: ['serviceaccounts/token'] }]),
  need(
    'D14',
    'exec and attach into pods',
    [{ verbs: ['create', 'get'], resources: ['pods/exec', 'pods/attach'] }],
    { stages: ['ResponseStarted'] },
  ),
  need('D15', 'suspicious commands in exec', [{ verbs: ['create', 'get'], resources: ['pods/exec'] }], {
    stages: BEGUN_OR_ENDED,
  }),
  need('D16', 'port forwarding', [{ verbs: ['create', 'get'], resources: ['pods/portforward'] }], {
    stages: BEGUN_OR_ENDED,
  }),
  need('D17', 'ephemeral containers added', [
    { verbs: ['update', 'patch'], resources: ['pods/ephemeralcontainers'] },
  ]),
  need(
    'D18',
    'requests to kubelets through nodes/proxy',
    [{ verbs: ['get', 'create'], resources: ['nodes/proxy'], namespaces: [''] }],
    { stages: BEGUN_OR_ENDED },
  ),
  need('D19', 'privileged pods and workloads', WORKLOADS, { level: 'Request' }),
  need('D20', 'pods created in system namespaces', [
    { verbs: ['create'], resources: ['pods'], namespaces: ['kube-system', 'kube-public'] },
  ]),
  need(
    'D21',
    'pods with the service account of a controller',
    [{ verbs: ['create'], resources: ['pods'], namespaces: ['kube-system'] }],
    { level: 'Request' },
  ),
  need('D22', 'service accounts and namespaces created or deleted', [
    { verbs: ['create'], resources: ['serviceaccounts'], namespaces: ['kube-system', 'probe'] },
    { verbs: ['create'], resources: ['namespaces'], namespaces: [''] },
    { verbs: ['delete'], resources: ['namespaces'], namespaces: ['probe'], name: 'probe' },
  ]),
  need('D23', 'bindings to powerful roles', BINDINGS, { level: 'Request' }),
  need('D24', 'powerful rules written into roles', ROLES, { level: 'Request' }),
  need(
    'D25',
    'roles patched to wildcards',
    [
      { verbs: ['patch'], group: RBAC, resources: ['roles'] },
      { verbs: ['patch'], group: RBAC, resources: ['clusterroles'], namespaces: [''] },
    ],
    { level: 'RequestResponse' },
  ),
  need('D26', 'RBAC written by service accounts', [...ROLES, ...BINDINGS]),
  need('D27', 'system roles changed or deleted', [
    {
      verbs: ['update', 'patch', 'delete'],
      group: RBAC,
      resources: ['clusterroles'],
      namespaces: [''],
      name: 'system:probe',
    },
  ]),
  need('D28', 'RBAC written, then a workload', [...ROLES, ...BINDINGS, ...WORKLOADS]),
  need('D29', 'acting as a powerful identity', ANYTHING),
  need('D30', 'admission, API services and CRDs changed', [
    {
      verbs: CHANGES,
      group: ADMISSION,
      resources: [
        'mutatingwebhookconfigurations',
        'validatingwebhookconfigurations',
        'validatingadmissionpolicies',
      ],
      namespaces: [''],
    },
    { verbs: CHANGES, group: 'apiregistration.k8s.io', resources: ['apiservices'], namespaces: [''] },
    {
      verbs: CHANGES,
      group: 'apiextensions.k8s.io',
      resources: ['customresourcedefinitions'],
      namespaces: [''],
    },
  ]),
  need('D31', 'certificates requested and approved', [
    {
      verbs: ['create'],
      group: 'certificates.k8s.io',
      resources: ['certificatesigningrequests'],
      namespaces: [''],
    },
    {
      verbs: ['update', 'patch'],
      group: 'certificates.k8s.io',
      resources: ['certificatesigningrequests/approval'],
      namespaces: [''],
    },
  ]),
  need(
    'D32',
    'configuration of DNS and cloud identities changed',
    ['coredns', 'aws-auth'].map((name) => ({
      verbs: ['update', 'patch', 'delete'],
      resources: ['configmaps'],
      namespaces: ['kube-system'],
      name,
    })),
  ),
  need('D33', 'events deleted', [
    { verbs: ['delete', 'deletecollection'], resources: ['events'] },
    { verbs: ['delete', 'deletecollection'], group: 'events.k8s.io', resources: ['events'] },
  ]),
  need('D34', 'many objects deleted', [
    { verbs: ['delete', 'deletecollection'], resources: ['pods', 'configmaps', 'secrets'] },
    { verbs: ['delete', 'deletecollection'], group: 'apps', resources: ['deployments'] },
  ]),
  need('D35', 'workloads changed by somebody new', WORKLOADS),
  need(
    'D36',
    'exposed services, credentials in ConfigMaps, forbidden images',
    [
      ...WORKLOADS,
      { verbs: WRITES, resources: ['services', 'configmaps'] },
      { verbs: WRITES, group: 'networking.k8s.io', resources: ['ingresses'] },
    ],
    { level: 'Request' },
  ),
  need('D37', 'nodes created', [{ verbs: ['create'], resources: ['nodes'], namespaces: [''] }]),
  need('D38', 'users who should not be there', ANYTHING),
  need('D39', 'system identities from outside', ANYTHING),
  need('D40', 'clients that are new for a service account', ANYTHING),
  need('D41', 'tokens of service accounts used elsewhere', ANYTHING),
  need('D42', 'members of system:masters at work', ANYTHING),
  need(
    'D43',
    'pod security labels of namespaces changed',
    [{ verbs: ['patch', 'update'], resources: ['namespaces'], namespaces: ['probe'], name: 'probe' }],
    { level: 'Request' },
  ),
  need('D44', 'pods written by anonymous clients', [
    { who: 'anonymous', verbs: ['create', 'update', 'patch'], resources: ['pods'] },
  ]),
  need('D50', 'spikes of requests', ANYTHING),
  need('D51', 'unusual hours', ANYTHING),
  need('D52', 'first use of a permission', ANYTHING),
];
