import type { Who } from './actors.ts';
import { deployment, pod, widget, widgetDefinition } from './world.ts';

/** One request of the workload. */
export interface Step {
  readonly who: Who;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly endAfterMs?: number;
}

const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const WEBSOCKET = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'v5.channel.k8s.io',
};
const SPDY = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };

const dev = '/api/v1/namespaces/dev';
const apps = '/apis/apps/v1/namespaces/dev';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const widgets = '/apis/example.com/v1/namespaces/dev/widgets';
const csrs = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const leases = '/apis/coordination.k8s.io/v1/namespaces/dev/leases';

const configMap = (name: string, data: object = { a: '2' }): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const generated = (prefix: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { generateName: prefix },
});
const lease = (name: string): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
  spec: { holderIdentity: 'me' },
});
const limitRange = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name },
  spec: { limits: [] },
});
const role = (name: string, rules: object[]): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name },
  rules,
});
const binding = (name: string, roleName: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roleName },
  subjects: [{ kind: 'ServiceAccount', namespace: 'dev', name: 'helper' }],
});
const readConfigMaps = { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] };
const readSecrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };

/** Requests of one actor, in the words of HTTP. */
function as(who: Who) {
  const send = (method: string, path: string, rest: Partial<Step> = {}): Step => ({
    who,
    method,
    path,
    ...rest,
  });
  return {
    get: (path: string, headers: Record<string, string> = {}) => send('GET', path, { headers }),
    head: (path: string) => send('HEAD', path),
    watch: (path: string) => send('GET', path, { endAfterMs: 300 }),
    post: (path: string, body?: unknown, headers: Record<string, string> = {}) =>
      send('POST', path, { body, headers }),
    put: (path: string, body: unknown) => send('PUT', path, { body }),
    apply: (path: string, body: unknown) =>
      send('PATCH', `${path}?fieldManager=loop&force=true`, { body, headers: APPLY }),
    merge: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      send('PATCH', path, { body, headers: { ...MERGE, ...headers } }),
    jsonPatch: (path: string, body: unknown) => send('PATCH', path, { body, headers: JSON_PATCH }),
    delete: (path: string) => send('DELETE', path),
    other: (method: string, path: string) => send(method, path),
    impersonating: (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
      send(method, path, { headers, body }),
  };
}

/** Reads and writes of plain objects: every way to create, to change and to remove one. */
function objects(): Step[] {
  const alice = as('alice');
  return [
    alice.get(`${dev}/configmaps/settings`),
    alice.head(`${dev}/configmaps/flags`),
    alice.get(`${dev}/configmaps/no-such`),
    alice.post(`${dev}/configmaps`, configMap('made')),
    alice.post(`${dev}/configmaps`, configMap('made')),
    alice.post(`${dev}/configmaps`, generated('made-')),
    alice.post(`${dev}/secrets?dryRun=All`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'dry' } }),
    alice.put(`${dev}/configmaps/made`, configMap('made')),
    alice.merge(`${dev}/configmaps/made`, { data: { b: '1' } }),
    alice.jsonPatch(`${dev}/configmaps/flags`, [{ op: 'add', path: '/data/c', value: '1' }]),
    // Server-side apply that creates needs create, too; the second one does not.
    alice.apply(`${dev}/configmaps/applied`, configMap('applied')),
    alice.apply(`${dev}/configmaps/settings`, configMap('settings')),
    alice.apply('/api/v1/namespaces/prod/configmaps/applied', configMap('applied')),
    // PUT that creates, and one that updates.
    alice.put(`${leases}/leader`, lease('leader')),
    alice.put(`${leases}/leader`, lease('leader')),
    alice.put(`${dev}/limitranges/limits`, limitRange('limits')),
    alice.put(`${dev}/configmaps/absent`, configMap('absent')),
    alice.delete(`${dev}/configmaps/made`),
    alice.delete(`${dev}/configmaps/no-such`),
    alice.delete(`${dev}/configmaps/spare?dryRun=All`),
    // Admission says no after the authorizer has said yes.
    alice.post('/api/v1/namespaces/strict/pods', pod('unfit')),
    alice.delete('/api/v1/namespaces/default'),
    alice.post('/api/v1/namespaces/no-such/configmaps', configMap('nowhere')),
    // Invalid, and not acceptable.
    alice.post(`${dev}/configmaps`, configMap('NOT VALID')),
    alice.get(`${dev}/secrets/db`, { accept: 'application/nonsense' }),
    alice.get(`${dev}/secrets/db?pretty=true`),
  ];
}

/** Lists, watches, selectors, pages and collections. */
function collections(): Step[] {
  const carol = as('carol');
  const named = 'fieldSelector=metadata.name%3Dsettings';
  return [
    carol.get(`${dev}/configmaps`),
    carol.get(`${dev}/configmaps?limit=1`),
    carol.get(`${dev}/configmaps?labelSelector=app%3Dx`),
    carol.get(`/api/v1/namespaces/prod/configmaps?${named}`),
    carol.get(`${dev}/secrets?fieldSelector=type%3DOpaque`),
    carol.get(`${dev}/secrets?fieldSelector=metadata.name%3Ddb,type%3DOpaque`),
    carol.watch(`${dev}/pods?watch=true&timeoutSeconds=1`),
    carol.watch(`${dev}/secrets?watch=1&fieldSelector=metadata.name%3Ddb&timeoutSeconds=1`),
    carol.watch(`${dev}/services?watch=0&timeoutSeconds=1`),
    carol.watch(`/api/v1/watch/namespaces/dev/endpoints?timeoutSeconds=1`),
    carol.watch(`/api/v1/watch/namespaces/dev/services/web?timeoutSeconds=1`),
    carol.get('/api/v1/pods?limit=2'),
    carol.watch('/apis/apps/v1/deployments?watch=true&timeoutSeconds=1'),
    carol.get('/api/v1/nodes'),
    carol.get('/api/v1/nodes/n1'),
    carol.get('/api/v1/namespaces'),
    carol.get('/api/v1/namespaces/dev'),
    carol.get('/api/v1/namespaces/prod'),
    carol.watch('/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dprod&timeoutSeconds=1'),
    carol.get('/apis/storage.k8s.io/v1/storageclasses'),
    carol.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fresh' } }),
    carol.merge('/api/v1/namespaces/prod', { metadata: { labels: { a: 'b' } } }),
    carol.put('/api/v1/namespaces/dev/finalize', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'dev' },
    }),
    carol.delete('/api/v1/namespaces/doomed'),
    carol.delete(`/apis/events.k8s.io/v1/namespaces/dev/events`),
    carol.delete(`${dev}/limitranges?${named}`),
    carol.delete('/apis/coordination.k8s.io/v1/namespaces/prod/leases?labelSelector=a%3Db'),
  ];
}

/** Subresources of workloads, and what a kubelet would answer. */
function subresources(): Step[] {
  const bob = as('bob');
  const builder = as('builder');
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace: 'dev' } };
  const evict = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web-1' } };
  const bind = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'web-2' },
    target: { kind: 'Node', name: 'n1' },
  };
  const token = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  return [
    bob.get(`${apps}/deployments/web/scale`),
    bob.put(`${apps}/deployments/web/scale`, { ...scale, spec: { replicas: 2 } }),
    bob.merge(`${apps}/deployments/web/scale`, { spec: { replicas: 3 } }),
    bob.get(`${apps}/deployments/web/status`),
    bob.merge(`${apps}/deployments/web/status`, { status: { observedGeneration: 1 } }),
    bob.post(`${apps}/deployments`, deployment('extra')),
    bob.merge(`${dev}/pods/web-0/status`, { status: { message: 'seen' } }),
    bob.post(`${dev}/pods/web-1/eviction`, evict),
    bob.post(`${dev}/pods/web-2/binding`, bind),
    bob.post(`${dev}/bindings`, { ...bind, metadata: { name: 'web-3' } }),
    bob.post(`${dev}/serviceaccounts/helper/token`, token),
    bob.merge(`${dev}/pods/web-0/ephemeralcontainers`, {
      spec: { ephemeralContainers: [{ name: 'debug', image: 'registry.example.com/debug:1' }] },
    }),
    bob.merge(`${dev}/pods/web-0/resize`, { spec: { containers: [] } }),
    bob.get(`${dev}/pods/web-0/log`),
    bob.post(`${dev}/pods/web-0/exec?command=ls&stdout=true`, undefined, SPDY),
    bob.get(`${dev}/pods/web-0/exec?command=ls&stdout=true`, WEBSOCKET),
    bob.get(`${dev}/pods/web-0/attach?stdout=true`, WEBSOCKET),
    bob.post(`${dev}/pods/web-4/attach?stdout=true`, undefined, SPDY),
    bob.get(`${dev}/pods/web-0/portforward`, WEBSOCKET),
    bob.post(`${dev}/pods/web-4/portforward`, undefined, SPDY),
    bob.get(`${dev}/pods/web-0/proxy/metrics`),
    bob.get(`${dev}/services/web/proxy/healthz`),
    bob.get(`${dev}/services/http:web:80/proxy/`),
    bob.put(`${dev}/services/web/proxy/a/b`, {}),
    bob.get('/api/v1/nodes/n1/proxy/metrics'),
    bob.merge('/api/v1/nodes/n1', { spec: { unschedulable: true } }),
    bob.merge('/api/v1/nodes/n1/status', { status: { phase: 'Running' } }),
    bob.post(`${dev}/pods`, pod('own')),
    bob.delete(`${dev}/pods/own`),
    builder.get(`${dev}/pods/web-0/log?container=main&tailLines=1`),
    builder.apply(`${apps}/deployments/built`, deployment('built')),
    builder.apply(`${apps}/deployments/built`, deployment('built')),
    builder.post(`${dev}/events`, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: 'built-' },
      involvedObject: { kind: 'Pod', namespace: 'dev', name: 'web-0' },
    }),
  ];
}

/** Custom resources and their definitions. */
function customResources(): Step[] {
  const crista = as('crista');
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  return [
    crista.get(definitions),
    crista.get(`${definitions}/widgets.example.com`),
    crista.post(definitions, widgetDefinition('gadgets')),
    crista.merge(`${definitions}/widgets.example.com/status`, { status: { storedVersions: ['v1'] } }),
    crista.get(widgets),
    crista.get(`${widgets}/w1`),
    crista.post(widgets, widget('w3')),
    crista.merge(`${widgets}/w1`, { spec: { replicas: 2 } }),
    crista.merge(`${widgets}/w1/status`, { status: { replicas: 1 } }),
    crista.get(`${widgets}/w1/scale`),
    crista.merge(`${widgets}/w2/scale`, { spec: { replicas: 5 } }),
    crista.apply(`${widgets}/w4`, widget('w4')),
    crista.delete(`${widgets}/w3`),
    crista.delete(`${widgets}?labelSelector=a%3Db`),
    crista.get('/apis/example.com/v1/namespaces/dev/no-such-kind'),
    crista.get('/apis/no-such.example.com/v1/things'),
  ];
}

/** URLs that are no resources. */
function urls(): Step[] {
  const raw = as('raw');
  return [
    raw.get('/version'),
    raw.get('/metrics'),
    raw.head('/metrics'),
    raw.get('/healthz/ping?verbose'),
    raw.get('/logs/'),
    raw.get('/debug/pprof/cmdline'),
    raw.get('/api'),
    raw.get('/apis/apps'),
    raw.get('/openapi/v3'),
    raw.get('/no/such%20path?x=1'),
    raw.post('/metrics', {}),
    raw.get('/api/v1/namespaces/dev/pods/web-0/status/trailing'),
    // No verb stands for these methods on a resource; nothing but `*` allows them.
    raw.other('OPTIONS', `${dev}/pods`),
    raw.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'dev' } },
    }),
    raw.post('/apis/authorization.k8s.io/v1/namespaces/dev/localsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'LocalSubjectAccessReview',
      metadata: { namespace: 'dev' },
      spec: {
        user: 'jane@example.com',
        resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'dev' },
      },
    }),
  ];
}

/** Acting as somebody else: as a user, with groups, a uid, extras, and as a service account. */
function impersonation(): Step[] {
  const ivan = as('ivan');
  const jane = { 'impersonate-user': 'jane@example.com' };
  return [
    ivan.impersonating('GET', `${dev}/configmaps/settings`, jane),
    ivan.impersonating('GET', `${dev}/configmaps`, { ...jane, 'impersonate-group': 'auditors' }),
    ivan.impersonating('GET', `${dev}/services/web`, { ...jane, 'impersonate-uid': '1234' }),
    ivan.impersonating('GET', `${dev}/endpoints`, { ...jane, 'impersonate-extra-scopes': 'view' }),
    ivan.impersonating('GET', `${dev}/pods/web-0`, {
      ...jane,
      'impersonate-extra-example.com%2fteam': 'red',
    }),
    ivan.impersonating('GET', `${dev}/pods/web-0`, {
      'impersonate-user': 'system:serviceaccount:dev:robot',
    }),
    // Whom he acts as may not: refused for mallory, and ivan needs impersonate all the same.
    ivan.impersonating('GET', `${dev}/secrets/db`, { 'impersonate-user': 'mallory@example.com' }),
    // He may not act as himself without any right of his own; others may not act at all.
    as('lim').impersonating('GET', `${dev}/pods`, jane),
    as('mallory').impersonating('GET', `${dev}/pods`, jane),
    as('mallory').impersonating('GET', '/version', {
      'impersonate-user': 'admin',
      'impersonate-group': 'system:masters',
    }),
  ];
}

/** Writes of RBAC that the writer holds already, by its own requests. */
function rbacWithinOwnRights(): Step[] {
  const dora = as('dora');
  return [
    dora.get(`${dev}/configmaps/settings`),
    dora.get(`${dev}/configmaps`),
    dora.post(
      `${rbac}/namespaces/dev/roles`,
      role('settings-reader', [{ ...readConfigMaps, resourceNames: ['settings'], verbs: ['get'] }]),
    ),
    dora.post(`${rbac}/namespaces/dev/rolebindings`, binding('settings-reader', 'settings-reader')),
    dora.get(`${rbac}/namespaces/dev/roles/settings-reader`),
    dora.delete(`${rbac}/namespaces/dev/rolebindings/settings-reader`),
    dora.get(`${rbac}/clusterroles?limit=1`),
  ];
}

/** What needs a right that no audit event shows: the replay refuses these, and the policy says so. */
function unseen(): Step[] {
  const eve = as('eve');
  const request = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'loop' },
    spec: { request: CSR, signerName: 'example.com/loop', usages: ['client auth'] },
  };
  const approval = {
    status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Loop', message: 'ok' }] },
  };
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'loop' },
    spec: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['endpoints'] },
        ],
      },
      validations: [{ expression: 'true' }],
    },
  };
  return [
    eve.post(`${rbac}/namespaces/dev/roles`, role('secret-reader', [readSecrets])),
    eve.post(`${rbac}/namespaces/dev/rolebindings`, binding('secret-reader', 'of-the-admin')),
    eve.post(csrs, request),
    eve.merge(`${csrs}/loop/approval`, approval),
    eve.post('/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', policy),
  ];
}

/** Requests that are refused, and few that are not. */
function refusals(): Step[] {
  const lim = as('lim');
  const mallory = as('mallory');
  const anonymous = as('anonymous');
  return [
    lim.get(`${dev}/pods`),
    lim.get(`${dev}/pods/web-0`),
    lim.get(`${dev}/secrets/db`),
    lim.get(`${dev}/secrets`),
    lim.delete(`${dev}/pods/web-0`),
    lim.get('/api/v1/namespaces/prod/pods'),
    lim.get('/api/v1/pods'),
    lim.get(`${dev}/pods/web-0/log`),
    lim.post(`${dev}/pods/web-0/exec?command=ls`, undefined, SPDY),
    lim.get('/metrics'),
    mallory.get(`${dev}/pods`),
    mallory.get(`${dev}/secrets/db`),
    mallory.post(`${rbac}/clusterrolebindings`, {}),
    mallory.apply(`${dev}/configmaps/settings`, configMap('settings')),
    mallory.get('/logs/'),
    anonymous.get('/version'),
    anonymous.get('/healthz'),
    anonymous.get(`${dev}/pods`),
    anonymous.get('/metrics'),
    as('nobody').get(`${dev}/pods`),
    as('nobody').get('/version'),
  ];
}

/** The whole of it, in order. */
export function workload(): Step[] {
  return [
    ...objects(),
    ...collections(),
    ...subresources(),
    ...customResources(),
    ...urls(),
    ...impersonation(),
    ...rbacWithinOwnRights(),
    ...unseen(),
    ...refusals(),
  ];
}

/** A certificate signing request in PEM, base64: a fixed one, for a key that nobody keeps. */
const CSR =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWE1IOENBUUF3SFRFTk1Bc0dBMVVFQXd3RWJHOXZjREVNTUFvR0ExVUVDZ3dEWkdWMk1Ga3dFd1lIS29aSQp6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUU2SHUzOTNNekFkaSs5ZXVHME5HN0tUVDBVUkdacXB1WkRCeGE3MkJNCllMUk44MHBROWlndTIyT3RYcitSdWtpTVBDd2xhMkZ5SkpEZVVlOHMrTkU3TmFBQU1Bb0dDQ3FHU000OUJBTUMKQTBnQU1FVUNJSDZaN3paQ0Q5dHFiQ1FxMkRZeFZKM1hsaXV2RnB3OTN1MEh1OGZVci9Td0FpRUF4VXR0Qy84WApUV1FIYXhad3dQbDhkZWdyOVNYOU10MDlzR2ZidlRCTU9Idz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==';
