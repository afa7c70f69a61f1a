import { bootstrapDefaults } from '../bootstrap/index.ts';
import { NEWEST_KUBERNETES } from '../options.ts';

/** A resource or subresource that an API server serves, as discovery tells it. */
export interface KnownResource {
  readonly apiGroup: string;
  /** `pods`, or with a subresource `pods/log`. */
  readonly resource: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly string[];
}

/** The eight verbs that API servers have for resources by themselves. */
export const STANDARD_VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

interface ServedGroup {
  readonly apiGroup: string;
  /** `RESOURCE`, which has all eight verbs, or `RESOURCE:VERB,VERB`. */
  readonly namespaced: readonly string[];
  readonly cluster: readonly string[];
}

/*
 * What a Kubernetes API server serves by default: the resources of stable versions, and the verbs by the methods of
 * their paths. Source: kubernetes 1.34.1, api/openapi-spec/swagger.json. A namespace is listed as namespaced, since the
 * authorizer is asked about each of them in itself.
 */
const SERVED: readonly ServedGroup[] = [
  {
    apiGroup: '',
    namespaced: [
      'bindings:create',
      'namespaces:create,delete,get,list,patch,update,watch',
      'namespaces/finalize:update',
      'namespaces/status:get,patch,update',
      'configmaps',
      'endpoints',
      'events',
      'limitranges',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status:get,patch,update',
      'pods',
      'pods/attach:create,get',
      'pods/binding:create',
      'pods/ephemeralcontainers:get,patch,update',
      'pods/eviction:create',
      'pods/exec:create,get',
      'pods/log:get',
      'pods/portforward:create,get',
      'pods/proxy:create,delete,get,patch,update',
      'pods/resize:get,patch,update',
      'pods/status:get,patch,update',
      'podtemplates',
      'replicationcontrollers',
      'replicationcontrollers/scale:get,patch,update',
      'replicationcontrollers/status:get,patch,update',
      'resourcequotas',
      'resourcequotas/status:get,patch,update',
      'secrets',
      'serviceaccounts',
      'serviceaccounts/token:create',
      'services',
      'services/proxy:create,delete,get,patch,update',
      'services/status:get,patch,update',
    ],
    cluster: [
      'componentstatuses:get,list,watch',
      'nodes',
      'nodes/proxy:create,delete,get,patch,update',
      'nodes/status:get,patch,update',
      'persistentvolumes',
      'persistentvolumes/status:get,patch,update',
    ],
  },
  {
    apiGroup: 'admissionregistration.k8s.io',
    namespaced: [],
    cluster: [
      'mutatingwebhookconfigurations',
      'validatingadmissionpolicies',
      'validatingadmissionpolicies/status:get,patch,update',
      'validatingadmissionpolicybindings',
      'validatingwebhookconfigurations',
    ],
  },
  {
    apiGroup: 'apiextensions.k8s.io',
    namespaced: [],
    cluster: ['customresourcedefinitions', 'customresourcedefinitions/status:get,patch,update'],
  },
  {
    apiGroup: 'apiregistration.k8s.io',
    namespaced: [],
    cluster: ['apiservices', 'apiservices/status:get,patch,update'],
  },
  {
    apiGroup: 'apps',
    namespaced: [
      'controllerrevisions',
      'daemonsets',
      'daemonsets/status:get,patch,update',
      'deployments',
      'deployments/scale:get,patch,update',
      'deployments/status:get,patch,update',
      'replicasets',
      'replicasets/scale:get,patch,update',
      'replicasets/status:get,patch,update',
      'statefulsets',
      'statefulsets/scale:get,patch,update',
      'statefulsets/status:get,patch,update',
    ],
    cluster: [],
  },
  {
    apiGroup: 'authentication.k8s.io',
    namespaced: [],
    cluster: ['selfsubjectreviews:create', 'tokenreviews:create'],
  },
  {
    apiGroup: 'authorization.k8s.io',
    namespaced: ['localsubjectaccessreviews:create'],
    cluster: [
      'selfsubjectaccessreviews:create',
      'selfsubjectrulesreviews:create',
      'subjectaccessreviews:create',
    ],
  },
  {
    apiGroup: 'autoscaling',
    namespaced: ['horizontalpodautoscalers', 'horizontalpodautoscalers/status:get,patch,update'],
    cluster: [],
  },
  {
    apiGroup: 'batch',
    namespaced: ['cronjobs', 'cronjobs/status:get,patch,update', 'jobs', 'jobs/status:get,patch,update'],
    cluster: [],
  },
  {
    apiGroup: 'certificates.k8s.io',
    namespaced: [],
    cluster: [
      'certificatesigningrequests',
      'certificatesigningrequests/approval:get,patch,update',
      'certificatesigningrequests/status:get,patch,update',
    ],
  },
  {
    apiGroup: 'coordination.k8s.io',
    namespaced: ['leases'],
    cluster: [],
  },
  {
    apiGroup: 'discovery.k8s.io',
    namespaced: ['endpointslices'],
    cluster: [],
  },
  {
    apiGroup: 'events.k8s.io',
    namespaced: ['events'],
    cluster: [],
  },
  {
    apiGroup: 'flowcontrol.apiserver.k8s.io',
    namespaced: [],
    cluster: [
      'flowschemas',
      'flowschemas/status:get,patch,update',
      'prioritylevelconfigurations',
      'prioritylevelconfigurations/status:get,patch,update',
    ],
  },
  {
    apiGroup: 'networking.k8s.io',
    namespaced: ['ingresses', 'ingresses/status:get,patch,update', 'networkpolicies'],
    cluster: ['ingressclasses', 'ipaddresses', 'servicecidrs', 'servicecidrs/status:get,patch,update'],
  },
  {
    apiGroup: 'node.k8s.io',
    namespaced: [],
    cluster: ['runtimeclasses'],
  },
  {
    apiGroup: 'policy',
    namespaced: ['poddisruptionbudgets', 'poddisruptionbudgets/status:get,patch,update'],
    cluster: [],
  },
  {
    apiGroup: 'rbac.authorization.k8s.io',
    namespaced: ['rolebindings', 'roles'],
    cluster: ['clusterrolebindings', 'clusterroles'],
  },
  {
    apiGroup: 'resource.k8s.io',
    namespaced: ['resourceclaims', 'resourceclaims/status:get,patch,update', 'resourceclaimtemplates'],
    cluster: ['deviceclasses', 'resourceslices'],
  },
  {
    apiGroup: 'scheduling.k8s.io',
    namespaced: [],
    cluster: ['priorityclasses'],
  },
  {
    apiGroup: 'storage.k8s.io',
    namespaced: ['csistoragecapacities'],
    cluster: [
      'csidrivers',
      'csinodes',
      'storageclasses',
      'volumeattachments',
      'volumeattachments/status:get,patch,update',
      'volumeattributesclasses',
    ],
  },
];

/*
 * What the API server and the kubelet ask the authorizer about although nobody serves it.
 * Sources: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping,
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation,
 * https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization,
 * https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/ (subresources of nodes).
 */
const ASKED: readonly ServedGroup[] = [
  {
    apiGroup: '',
    namespaced: ['serviceaccounts:impersonate'],
    cluster: [
      'groups:impersonate',
      'users:impersonate',
      'nodes/checkpoint:create,get',
      'nodes/configz:create,get',
      'nodes/healthz:create,get',
      'nodes/log:create,get',
      'nodes/metrics:create,get',
      'nodes/pods:create,get',
      'nodes/spec:create,get',
      'nodes/stats:create,get',
    ],
  },
  { apiGroup: 'authentication.k8s.io', namespaced: [], cluster: ['uids:impersonate'] },
  { apiGroup: 'certificates.k8s.io', namespaced: [], cluster: ['signers:approve,attest,sign'] },
  {
    apiGroup: 'rbac.authorization.k8s.io',
    namespaced: ['roles:bind,escalate'],
    cluster: ['clusterroles:bind,escalate'],
  },
];

function resourcesOf({ apiGroup, namespaced, cluster }: ServedGroup): KnownResource[] {
  const parse = (text: string, isNamespaced: boolean): KnownResource => {
    const [resource = '', verbs] = text.split(':');
    return { apiGroup, resource, isNamespaced, verbs: verbs?.split(',') ?? STANDARD_VERBS };
  };
  return [...namespaced.map((each) => parse(each, true)), ...cluster.map((each) => parse(each, false))];
}

/** What an API server serves by default, for where its discovery is not at hand. */
export const BUILT_IN_RESOURCES: readonly KnownResource[] = SERVED.flatMap(resourcesOf);

/** What an authorizer is asked about besides what discovery tells: impersonation, bind, escalate, signers, the kubelet. */
export const ASKED_RESOURCES: readonly KnownResource[] = ASKED.flatMap(resourcesOf);

/** URLs that every API server has: those of its default roles, and its logs, metrics and profiles. */
export const BUILT_IN_URLS: readonly string[] = [
  ...new Set([
    ...bootstrapDefaults(NEWEST_KUBERNETES)
      .flatMap((object) => ('rules' in object ? object.rules : []))
      .flatMap(({ nonResourceURLs = [] }) => nonResourceURLs)
      .filter((url) => url !== '*'),
    '/debug/*',
    '/logs',
    '/logs/*',
    '/metrics/*',
  ]),
].sort();
