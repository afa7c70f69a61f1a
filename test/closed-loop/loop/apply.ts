import type { ControlPlane } from '@leastwise/testkit';

import type { RbacManifest } from './rendered.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const API_GROUP = 'rbac.authorization.k8s.io';

/** The collection that an object belongs to. */
export function collectionOf({ kind, metadata }: Pick<RbacManifest, 'kind' | 'metadata'>): string {
  const plural = `${kind.toLowerCase()}s`;
  return metadata.namespace === undefined
    ? `${RBAC}/${plural}`
    : `${RBAC}/namespaces/${metadata.namespace}/${plural}`;
}

/** Runs tasks, a few at a time. */
export async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/**
 * Creates RBAC objects and waits until the authorizer knows them.
 * @throws Error where the API server refuses one: all that is generated has to be accepted
 */
export async function applyRbac(plane: ControlPlane, objects: readonly RbacManifest[]): Promise<void> {
  await inParallel(objects, async (object) => {
    const answer = await plane.admin.send({ method: 'POST', path: collectionOf(object), body: object });
    if (answer.status !== 201) throw new Error(`${object.kind} ${object.metadata.name}: ${answer.text}`);
  });
  await untilKnown(plane);
}

let sentinels = 0;

/**
 * The authorizer learns of each kind of object in the order of creation: once it knows one of each kind
 * that was created last, it knows all before.
 */
async function untilKnown({ admin }: ControlPlane): Promise<void> {
  sentinels += 1;
  const name = `sentinel-${String(sentinels)}`;
  const subjects = [{ apiGroup: API_GROUP, kind: 'User', name }];
  const make = async (
    kind: RbacManifest['kind'],
    namespace: string | undefined,
    rest: object,
  ): Promise<void> => {
    const metadata = namespace === undefined ? { name } : { name, namespace };
    const body = { apiVersion: `${API_GROUP}/v1`, kind, metadata, ...rest };
    await admin.send({ method: 'POST', path: collectionOf({ kind, metadata }), body });
  };
  const rules = (resource: string): object => ({
    rules: [{ apiGroups: [''], resources: [resource], verbs: ['get'] }],
  });
  const ref = (kind: string): object => ({ roleRef: { apiGroup: API_GROUP, kind, name }, subjects });
  await make('Role', 'default', rules('sentinels'));
  await make('ClusterRole', undefined, rules('clustersentinels'));
  await make('RoleBinding', 'default', ref('Role'));
  await make('ClusterRoleBinding', undefined, ref('ClusterRole'));
  for (const resource of ['sentinels', 'clustersentinels']) {
    const question = { user: name, resourceAttributes: { verb: 'get', resource, namespace: 'default' } };
    for (let i = 0; !(await review(admin, question)); i += 1) {
      if (i > 300) throw new Error('the authorizer does not learn of new objects');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Asks the API server's authorizer. */
export async function review(admin: ControlPlane['admin'], spec: object): Promise<boolean> {
  const answer = await admin.send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec },
  });
  const { status } = answer.body as { status?: { allowed?: boolean } };
  if (answer.status !== 201 || status === undefined) throw new Error(`no review: ${answer.text}`);
  return status.allowed === true;
}
