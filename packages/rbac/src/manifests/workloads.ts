import type { ReadContext } from './collector.ts';
import type { Path } from './problem.ts';
import type { Fields, Shape } from './shape.ts';

/** The kinds of workloads that are read, by the group of their API, with the way to the spec of their pods. */
const POD_SPECS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/Pod', ['spec']],
  ['/ReplicationController', ['spec', 'template', 'spec']],
  ['apps/DaemonSet', ['spec', 'template', 'spec']],
  ['apps/Deployment', ['spec', 'template', 'spec']],
  ['apps/ReplicaSet', ['spec', 'template', 'spec']],
  ['apps/StatefulSet', ['spec', 'template', 'spec']],
  ['batch/CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
  ['batch/Job', ['spec', 'template', 'spec']],
]);

/** What RBAC has to do with a workload: as whom its pods run. */
export interface WorkloadManifest {
  readonly kind: string;
  readonly namespace: string;
  /** `metadata.name`; where the API server makes it up, what it begins with. */
  readonly name: string;
  /** As the API server takes it: `default` where nothing is said. */
  readonly serviceAccountName: string;
  /** What the pod says of mounting its token; absent where it leaves that to the service account. */
  readonly automountServiceAccountToken?: boolean;
}

/** A service account of a manifest. */
export interface ServiceAccountManifest {
  readonly kind: 'ServiceAccount';
  readonly namespace: string;
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly automountServiceAccountToken?: boolean;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '';
}

/** A kind of workload as it is known here; `undefined` for any other kind. All versions of a group have one form. */
export function workloadKind(kind: string, apiVersion: string): string | undefined {
  const key = `${groupOf(apiVersion)}/${kind}`;
  return POD_SPECS.has(key) ? key : undefined;
}

/** Whether this is the kind of service accounts. */
export function isServiceAccount(kind: string, apiVersion: string): boolean {
  return kind === 'ServiceAccount' && apiVersion === 'v1';
}

interface Meta {
  readonly at: Path;
  readonly fields: Fields;
  readonly namespace: string;
}

function metaOf(shape: Shape, object: Fields, { path, defaultNamespace }: ReadContext): Meta {
  const at = [...path, 'metadata'];
  const fields = shape.fields(shape.get(object, 'metadata'), at);
  const namespace = shape.text(shape.get(fields, 'namespace'), [...at, 'namespace']);
  return { at, fields, namespace: namespace === '' ? defaultNamespace : namespace };
}

function automount(shape: Shape, fields: Fields, path: Path): { automountServiceAccountToken?: boolean } {
  const key = 'automountServiceAccountToken';
  const value = shape.flag(shape.get(fields, key), [...path, key]);
  return value === undefined ? {} : { [key]: value };
}

/**
 * Reads a workload as far as it says as whom its pods run; the rest of it is nobody's business here.
 * @param key - from {@link workloadKind}
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (`serviceAccount` is the old
 *   name of `serviceAccountName`, and used where that is empty)
 */
export function readWorkload(
  shape: Shape,
  key: string,
  object: Fields,
  context: ReadContext,
): WorkloadManifest {
  const { at, fields, namespace } = metaOf(shape, object, context);
  const own = shape.text(shape.get(fields, 'name'), [...at, 'name']);
  const name = own === '' ? shape.required(shape.get(fields, 'generateName'), [...at, 'name']) : own;
  let spec = object;
  const path = [...context.path];
  for (const step of POD_SPECS.get(key) ?? []) {
    path.push(step);
    spec = shape.fields(shape.get(spec, step), path);
  }
  const account = ['serviceAccountName', 'serviceAccount'].map((field) =>
    shape.text(shape.get(spec, field), [...path, field]),
  );
  return {
    kind: key.slice(key.indexOf('/') + 1),
    namespace,
    name,
    serviceAccountName: account.find((each) => each !== '') ?? 'default',
    ...automount(shape, spec, path),
  };
}

/** Reads a service account. */
export function readServiceAccount(
  shape: Shape,
  object: Fields,
  context: ReadContext,
): ServiceAccountManifest {
  const { at, fields, namespace } = metaOf(shape, object, context);
  const annotations = shape.textMap(shape.get(fields, 'annotations'), [...at, 'annotations']);
  return {
    kind: 'ServiceAccount',
    namespace,
    name: shape.required(shape.get(fields, 'name'), [...at, 'name']),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...automount(shape, object, context.path),
  };
}
