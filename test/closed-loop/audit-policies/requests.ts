import type { StaticUser } from '@leastwise/testkit';

/** A request as it is sent, with a path that no other way of writing stands for. */
export interface SentRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly body?: unknown;
}

/** A user with a token of its own; the groups are those that the API server sees. */
export function user(token: string, name: string, ...groups: string[]): StaticUser {
  return { token, name, groups };
}

const get = (path: string): SentRequest => ({ method: 'GET', path });
const write = (method: string, path: string): SentRequest => ({ method, path, body: {} });

const DEFAULT = '/api/v1/namespaces/default';
const SYSTEM = '/api/v1/namespaces/kube-system';
const APPS = '/apis/apps/v1/namespaces/default';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/**
 * Requests of every kind that rules tell apart: named and unnamed, in namespaces and in none, of subresources, of
 * groups that nobody serves, long-running ones, and of other URLs. Whether they are allowed makes no difference.
 */
export const REQUESTS: readonly SentRequest[] = [
  get(`${DEFAULT}/pods`),
  get(`${DEFAULT}/pods/web`),
  get('/api/v1/pods'),
  get(`${DEFAULT}/pods?watch=true&timeoutSeconds=1`),
  get(`${DEFAULT}/pods?fieldSelector=metadata.name%3Dweb`),
  get(`${DEFAULT}/pods/web/log`),
  get(`${DEFAULT}/pods/web/status`),
  write('POST', `${DEFAULT}/pods`),
  write('POST', `${DEFAULT}/pods/web/exec?command=id`),
  write('POST', `${DEFAULT}/pods/web/eviction`),
  write('PUT', `${DEFAULT}/pods/web/status`),
  get(`${DEFAULT}/secrets`),
  get(`${DEFAULT}/secrets/key`),
  get('/api/v1/secrets'),
  write('POST', `${SYSTEM}/secrets`),
  get(`${SYSTEM}/configmaps/controller-leader`),
  get(`${SYSTEM}/configmaps`),
  write('PUT', `${DEFAULT}/configmaps/controller-leader`),
  write('DELETE', '/api/v1/namespaces/nowhere/configmaps'),
  write('POST', `${DEFAULT}/serviceaccounts/default/token`),
  get('/api/v1/namespaces'),
  get('/api/v1/namespaces/kube-system'),
  get('/api/v1/nodes/n1'),
  get('/api/v1/nodes/n1/proxy/metrics'),
  get(`${SYSTEM}/endpoints?watch=1&timeoutSeconds=1`),
  get('/api/v1/services?watch=1&timeoutSeconds=1'),
  write('POST', `${DEFAULT}/events`),
  write('DELETE', `${DEFAULT}/events/none`),
  get(`${APPS}/deployments`),
  write('PATCH', `${APPS}/deployments/web`),
  write('PATCH', `${APPS}/deployments/web/scale`),
  get(`${APPS}/deployments/web/status`),
  get('/apis/extensions/v1beta1/ingresses'),
  get(`${RBAC}/clusterroles/edit`),
  write('POST', `${RBAC}/namespaces/default/roles`),
  write('PUT', `${RBAC}/clusterrolebindings/none`),
  write('POST', '/apis/authentication.k8s.io/v1/tokenreviews'),
  write('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'),
  write('PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/none'),
  get('/apis/metrics.k8s.io/v1beta1/pods'),
  write('POST', '/apis/user.openshift.io/v1/identities'),
  get('/apis/apiserver.openshift.io/v1/apirequestcounts/x'),
  write('PUT', '/apis/apiserver.openshift.io/v1/apirequestcounts/x/status'),
  write('PATCH', '/apis/batch.volcano.sh/v1alpha1/namespaces/default/jobs/x'),
  get('/api'),
  get('/apis'),
  get('/api/v1'),
  get('/version'),
  get('/healthz'),
  get('/healthz/ping'),
  get('/healthzfoo'),
  get('/livez'),
  get('/metrics'),
  get('/logs/kubelet.log'),
  { method: 'HEAD', path: '/version' },
  { method: 'OPTIONS', path: `${DEFAULT}/pods` },
  write('POST', '/version'),
];
