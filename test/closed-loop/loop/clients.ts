import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  V1ConfigMap,
  V1ObjectMeta,
  Watch,
} from '@kubernetes/client-node';
import type { ControlPlane } from '@leastwise/testkit';

import { deployment, widget } from './world.ts';

/** How one call of a real client ended. */
export interface ClientRun {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

const MANIFEST = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kubectl', namespace: 'dev' },
      data: { a: '1' },
    },
    { ...deployment('kubectl'), metadata: { name: 'kubectl', namespace: 'dev' } },
  ],
};

const KUBECTL: readonly (readonly string[])[] = [
  ['version'],
  ['api-resources', '--cached=false'],
  ['get', 'pods', '-n', 'dev'],
  ['get', 'pod', 'web-0', '-n', 'dev', '-o', 'yaml'],
  ['get', 'deployments,services', '-A'],
  ['get', 'widgets', '-n', 'dev'],
  ['describe', 'pod', 'web-0', '-n', 'dev'],
  ['apply', '-f', '{manifest}'],
  ['apply', '-f', '{manifest}'],
  ['apply', '--server-side', '--force-conflicts', '-f', '{manifest}'],
  ['diff', '-f', '{manifest}'],
  ['scale', 'deployment/kubectl', '--replicas=3', '-n', 'dev'],
  ['set', 'image', 'deployment/kubectl', 'main=registry.example.com/app:2', '-n', 'dev'],
  ['rollout', 'restart', 'deployment/kubectl', '-n', 'dev'],
  ['label', 'configmap', 'kubectl', 'a=b', '-n', 'dev'],
  ['create', 'secret', 'generic', 'kubectl', '--from-literal=a=b', '-n', 'dev'],
  ['create', 'token', 'helper', '-n', 'dev'],
  ['cordon', 'n1'],
  ['uncordon', 'n1'],
  ['logs', 'web-0', '-n', 'dev'],
  ['exec', 'web-0', '-n', 'dev', '--', 'ls'],
  ['auth', 'can-i', 'list', 'pods', '-n', 'dev'],
  ['auth', 'whoami'],
  ['get', '--raw', '/readyz/ping'],
  ['wait', '--for=delete', 'pod/no-such', '-n', 'dev', '--timeout=1s'],
  ['delete', 'secret', 'kubectl', '-n', 'dev'],
  ['delete', '-f', '{manifest}', '--wait=false'],
];

function runKubectl(kubectl: string, args: readonly string[], home: string): Promise<ClientRun> {
  const what = `kubectl ${args.join(' ')}`;
  return new Promise((resolve) => {
    execFile(
      kubectl,
      [...args, `--kubeconfig=${join(home, 'kubeconfig')}`, '--request-timeout=20s'],
      { env: { PATH: process.env['PATH'], HOME: home }, timeout: 60_000 },
      (error, _, stderr) => {
        resolve({ what: what.replaceAll(home, ''), ok: error === null, detail: stderr.slice(0, 600) });
      },
    );
  });
}

async function driveKubectl(plane: ControlPlane, kubectl: string, token: string): Promise<ClientRun[]> {
  // A home of its own: what kubectl caches of discovery would change what it asks.
  const home = await mkdtemp(join(tmpdir(), 'leastwise-kubectl-'));
  try {
    const manifest = join(home, 'manifest.json');
    await writeFile(manifest, JSON.stringify(MANIFEST));
    await writeFile(join(home, 'kubeconfig'), kubeConfig(plane, token).exportConfig());
    const runs: ClientRun[] = [];
    for (const args of KUBECTL) {
      runs.push(
        await runKubectl(
          kubectl,
          args.map((arg) => (arg === '{manifest}' ? manifest : arg)),
          home,
        ),
      );
    }
    return runs;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function kubeConfig({ url, ca }: ControlPlane, token: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server: url, caData: Buffer.from(ca).toString('base64'), skipTLSVerify: false }],
    users: [{ name: 'u', token }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  return config;
}

async function watchPods(config: KubeConfig): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const path = '/api/v1/namespaces/dev/pods';
    new Watch(config)
      .watch(
        path,
        { timeoutSeconds: 1 },
        () => undefined,
        (error: unknown) => {
          // The end of a watch that has timed out is no error; a refusal is.
          if (String(error).includes('orbidden')) reject(new Error(String(error)));
          else resolve();
        },
      )
      .catch(reject);
  });
}

function configMap(data: Record<string, string> = {}): V1ConfigMap {
  const made = new V1ConfigMap();
  made.metadata = new V1ObjectMeta();
  made.metadata.name = 'node';
  made.data = data;
  return made;
}

async function driveClientNode(plane: ControlPlane, token: string): Promise<ClientRun[]> {
  const config = kubeConfig(plane, token);
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const custom = config.makeApiClient(CustomObjectsApi);
  const widgets = { group: 'example.com', version: 'v1', namespace: 'dev', plural: 'widgets' };
  const calls: [string, () => Promise<unknown>][] = [
    ['list pods', () => core.listNamespacedPod({ namespace: 'dev' })],
    ['list pods of all namespaces', () => core.listPodForAllNamespaces({ limit: 1 })],
    ['watch pods', () => watchPods(config)],
    ['create a config map', () => core.createNamespacedConfigMap({ namespace: 'dev', body: configMap() })],
    ['read it', () => core.readNamespacedConfigMap({ namespace: 'dev', name: 'node' })],
    [
      'replace it',
      () =>
        core.replaceNamespacedConfigMap({
          namespace: 'dev',
          name: 'node',
          body: configMap({ a: 'b' }),
        }),
    ],
    ['delete it', () => core.deleteNamespacedConfigMap({ namespace: 'dev', name: 'node' })],
    ['read a scale', () => apps.readNamespacedDeploymentScale({ namespace: 'dev', name: 'web' })],
    ['read a custom resource', () => custom.getNamespacedCustomObject({ ...widgets, name: 'w1' })],
    [
      'create a custom resource',
      () => custom.createNamespacedCustomObject({ ...widgets, body: widget('node') }),
    ],
    ['exec', () => new Exec(config).exec('dev', 'web-0', 'main', ['ls'], null, null, null, false)],
  ];
  const runs: ClientRun[] = [];
  for (const [what, call] of calls) {
    const detail = await call().then(
      () => '',
      (error: unknown) => `failed: ${String(error).slice(0, 600)}`,
    );
    runs.push({ what: `client-node: ${what}`, ok: detail === '', detail });
  }
  return runs;
}

/** Drives kubectl under one token and the Node client under another. */
export async function driveClients(
  plane: ControlPlane,
  kubectl: string,
  tokens: { readonly kubectl: string; readonly clientNode: string },
): Promise<ClientRun[]> {
  return [
    ...(await driveKubectl(plane, kubectl, tokens.kubectl)),
    ...(await driveClientNode(plane, tokens.clientNode)),
  ];
}
