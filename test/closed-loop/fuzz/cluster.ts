import { setTimeout as sleep } from 'node:timers/promises';

import { usernameOf } from '@leastwise/audit-event';
import { type AccessRequest, parseManifests, type RbacObject } from '@leastwise/rbac';
import type { KubeClient } from '@leastwise/testkit';

const RBAC_PATH = '/apis/rbac.authorization.k8s.io/v1';
const PLURALS = {
  Role: 'roles',
  ClusterRole: 'clusterroles',
  RoleBinding: 'rolebindings',
  ClusterRoleBinding: 'clusterrolebindings',
} as const;
const WORKERS = 16;

/** Does something for every item, some at a time, and keeps the order of the results. */
export async function forEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of left) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return results;
}

/** Creates namespaces. @throws Error where one is refused */
export async function createNamespaces(admin: KubeClient, names: readonly string[]): Promise<void> {
  await forEach(names, (name) =>
    create(admin, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  );
}

/** Creates RBAC objects. @throws Error where one is refused */
export async function createObjects(admin: KubeClient, objects: readonly RbacObject[]): Promise<void> {
  await forEach(objects, (object) => create(admin, collectionOf(object), object));
}

/** Where objects of its kind and namespace are posted to. */
export function collectionOf({ kind, metadata }: RbacObject): string {
  const namespace = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${RBAC_PATH}${namespace}/${PLURALS[kind]}`;
}

async function create(admin: KubeClient, path: string, body: unknown): Promise<void> {
  const { status, text } = await admin.send({ method: 'POST', path, body });
  if (status !== 201) throw new Error(`${path} refused ${JSON.stringify(body)}: ${String(status)} ${text}`);
}

/** All RBAC objects of the cluster, as our own reader has them. @throws Error where it has a problem with one */
export async function readObjects(admin: KubeClient, query = ''): Promise<RbacObject[]> {
  const lists = await forEach(Object.values(PLURALS), async (plural) => {
    const { status, text } = await admin.send({ method: 'GET', path: `${RBAC_PATH}/${plural}${query}` });
    if (status !== 200) throw new Error(`${plural}: ${String(status)} ${text}`);
    const { objects, problems } = parseManifests(text, plural);
    if (problems.length > 0) throw new Error(`our reader: ${JSON.stringify(problems.slice(0, 5))}`);
    return objects;
  });
  return lists.flat();
}

/** What the API server answers. */
export interface Review {
  readonly allowed: boolean;
  /** Names the binding that it found first; empty for system:masters and for refusals. */
  readonly reason: string;
}

/** Asks the API server whether it would allow a request. @throws Error where it gives no answer */
export async function review(
  admin: KubeClient,
  { subject, groups, permission }: AccessRequest,
): Promise<Review> {
  const { verb, apiGroup, resource, namespace, name, path } = permission;
  const slash = resource.indexOf('/');
  const base = slash < 0 ? resource : resource.slice(0, slash);
  const subresource = slash < 0 ? '' : resource.slice(slash + 1);
  const attributes =
    resource === ''
      ? { nonResourceAttributes: { path, verb } }
      : { resourceAttributes: { namespace, verb, group: apiGroup, resource: base, subresource, name } };
  const members = subject.kind === 'Group' ? [...groups, subject.name] : groups;
  const { status, body, text } = await admin.send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: usernameOf(subject), groups: members, ...attributes },
    },
  });
  if (status !== 201) throw new Error(`no review: ${String(status)} ${text}`);
  const answer = (body as { status?: { allowed?: boolean; reason?: string } }).status;
  return { allowed: answer?.allowed ?? false, reason: answer?.reason ?? '' };
}

/** Asks until all of these requests are allowed: the authorizer answers from caches. @throws Error after a minute */
export async function untilAllowed(admin: KubeClient, requests: readonly AccessRequest[]): Promise<void> {
  for (let left = 600; left > 0; left -= 1) {
    const answers = await forEach(requests, (request) => review(admin, request));
    if (answers.every(({ allowed }) => allowed)) return;
    await sleep(100);
  }
  throw new Error('the authorizer never saw what was bound');
}
