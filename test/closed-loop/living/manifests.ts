import type { KubeObject } from './api.ts';

/** Pods of one label, as the owner of pods spells them. */
export interface PodOptions {
  readonly app: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A pod's spec: kwok runs every image. */
export function podSpec(spec: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    containers: [{ name: 'main', image: 'example.com/main:1', ports: [{ containerPort: 80 }] }],
    ...spec,
  };
}

function podTemplate({ app, spec }: PodOptions): Record<string, unknown> {
  return { metadata: { labels: { app } }, spec: podSpec(spec) };
}

function object(
  apiVersion: string,
  kind: string,
  [namespace, name]: readonly [string, string],
  rest: Readonly<Record<string, unknown>>,
): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === '' ? {} : { namespace }) },
    ...rest,
  };
}

/** A namespace. */
export function namespace(name: string): KubeObject {
  return object('v1', 'Namespace', ['', name], {});
}

/** A node with room for everything; its kubelet is kwok. */
export function node(name: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  const room = { cpu: '32', memory: '256Gi', pods: '110' };
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec,
    status: { allocatable: room, capacity: room },
  };
}

/** Anything that has pods by a label selector: deployments, stateful sets, daemon sets. */
export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  where: readonly [string, string],
  fields: Readonly<Record<string, unknown>> = {},
  spec: Readonly<Record<string, unknown>> = {},
): KubeObject {
  const [, app] = where;
  const template = podTemplate({ app, spec });
  return object('apps/v1', kind, where, {
    spec: { selector: { matchLabels: { app } }, template, ...fields },
  });
}

/** A replication controller, the oldest of them. */
export function replicationController(where: readonly [string, string], replicas: number): KubeObject {
  const [, app] = where;
  return object('v1', 'ReplicationController', where, {
    spec: { replicas, selector: { app }, template: podTemplate({ app }) },
  });
}

/** A job's spec. */
export function jobSpec(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { template: { spec: podSpec({ restartPolicy: 'Never' }) }, ...fields };
}

/** A job. */
export function job(
  where: readonly [string, string],
  fields: Readonly<Record<string, unknown>> = {},
): KubeObject {
  return object('batch/v1', 'Job', where, { spec: jobSpec(fields) });
}

/** A cron job of every minute that keeps one finished job. */
export function cronJob(where: readonly [string, string]): KubeObject {
  return object('batch/v1', 'CronJob', where, {
    spec: {
      schedule: '* * * * *',
      successfulJobsHistoryLimit: 1,
      jobTemplate: { spec: jobSpec() },
    },
  });
}

/** A service; without an `app` it has no selector. */
export function service(where: readonly [string, string], app?: string): KubeObject {
  const selector = app === undefined ? {} : { selector: { app } };
  return object('v1', 'Service', where, { spec: { ports: [{ port: 80 }], ...selector } });
}

/** Endpoints written by hand, which are mirrored to slices. */
export function endpoints(where: readonly [string, string]): KubeObject {
  return object('v1', 'Endpoints', where, {
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }],
  });
}

/** An autoscaler of a deployment; no metrics are there to follow. */
export function autoscaler(where: readonly [string, string], deployment: string): KubeObject {
  const resource = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } };
  return object('autoscaling/v2', 'HorizontalPodAutoscaler', where, {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [{ type: 'Resource', resource }],
    },
  });
}

/** A disruption budget that lets one pod go. */
export function disruptionBudget(where: readonly [string, string], app: string): KubeObject {
  return object('policy/v1', 'PodDisruptionBudget', where, {
    spec: { maxUnavailable: 1, selector: { matchLabels: { app } } },
  });
}

/** A quota on pods. */
export function quota(where: readonly [string, string]): KubeObject {
  return object('v1', 'ResourceQuota', where, { spec: { hard: { pods: '50' } } });
}

/** A config map, which may belong to another one. */
export function configMap(
  where: readonly [string, string],
  owner?: { uid: unknown; name: string },
): KubeObject {
  const map = object('v1', 'ConfigMap', where, { data: { key: 'value' } });
  if (owner === undefined) return map;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', ...owner }];
  return { ...map, metadata: { ...map.metadata, ownerReferences } };
}

const SIZE = '1Gi';

/** A volume of a class that no driver provides. */
export function volume(name: string, storageClassName: string): KubeObject {
  return object('v1', 'PersistentVolume', ['', name], {
    spec: {
      storageClassName,
      capacity: { storage: SIZE },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/nowhere' },
    },
  });
}

/** A claim's spec. */
export function claimSpec(storageClassName: string): Record<string, unknown> {
  return { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: SIZE } } };
}

/** A claim on a volume. */
export function claim(where: readonly [string, string], storageClassName: string): KubeObject {
  return object('v1', 'PersistentVolumeClaim', where, { spec: claimSpec(storageClassName) });
}

/** A service account. */
export function serviceAccount(where: readonly [string, string]): KubeObject {
  return object('v1', 'ServiceAccount', where, {});
}

/** A secret that the controller manager fills with a token. */
export function tokenSecret(where: readonly [string, string], account: string): KubeObject {
  const secret = object('v1', 'Secret', where, { type: 'kubernetes.io/service-account-token' });
  const annotations = { 'kubernetes.io/service-account.name': account };
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}

/** A ClusterRole that gets its rules from others with a label, and such another one. */
export function aggregatedRoles(name: string): readonly [KubeObject, KubeObject] {
  const label = { 'example.com/part-of': name };
  const part = object('rbac.authorization.k8s.io/v1', 'ClusterRole', ['', `${name}-part`], {
    rules: [{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] }],
  });
  const whole = object('rbac.authorization.k8s.io/v1', 'ClusterRole', ['', name], {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: label }] },
    rules: [],
  });
  return [{ ...part, metadata: { ...part.metadata, labels: label } }, whole];
}

/** What a kubelet asks a client certificate with: P-256, `O=system:nodes`, `CN=system:node:edge`; nobody has its key. */
const REQUEST = `-----BEGIN CERTIFICATE REQUEST-----
MIHsMIGUAgEAMDIxFTATBgNVBAoMDHN5c3RlbTpub2RlczEZMBcGA1UEAwwQc3lz
dGVtOm5vZGU6ZWRnZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABB3aGg5sBUAP
oHthwsSzRUPPdh2vbzns/pNl5/N88LNOemQKrRgNroeMBKRNfCgChWCAbYPFTmwJ
OGVwT0uWe6KgADAKBggqhkjOPQQDAgNHADBEAiB9IV2avugldfjM8YuXFC3bvzTe
qoApvx5ACtONY2ebaAIgbSPp7J23k285irSAkB4I9AJ1rTV5rj5uWbO46KmavN4=
-----END CERTIFICATE REQUEST-----
`;

/** A node's request for a client certificate, which is approved and signed by itself. */
export function nodeCertificateRequest(name: string): KubeObject {
  return object('certificates.k8s.io/v1', 'CertificateSigningRequest', ['', name], {
    spec: {
      request: Buffer.from(REQUEST).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  });
}
