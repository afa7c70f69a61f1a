import type { ControlPlane, KubeClient } from '@leastwise/testkit';

const core = (kind: string, name: string, rest: object = {}): object => ({
  apiVersion: 'v1',
  kind,
  metadata: { name },
  ...rest,
});

/** A pod that is bound to no node, since there is none. */
export function pod(name: string): object {
  return core('Pod', name, {
    spec: {
      // The API server waits for no kubelet that way when the pod is deleted.
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'registry.example.com/app:1' }],
    },
  });
}

/** A deployment of one container. */
export function deployment(name: string): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'registry.example.com/app:1' }] },
      },
    },
  };
}

/** The custom resource of the workload, with status and scale. */
export function widgetDefinition(plural: string): object {
  const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
          subresources: {
            status: {},
            scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
          },
        },
      ],
    },
  };
}

/** An object of {@link widgetDefinition}`('widgets')`. */
export function widget(name: string): object {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec: { replicas: 1 } };
}

/** Pods here are refused by the PodSecurity admission plugin, whatever the authorizer says. */
const STRICT = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
};

const OBJECTS: readonly (readonly [path: string, object: object])[] = [
  ...['dev', 'prod', 'doomed'].map((name) => ['/api/v1/namespaces', core('Namespace', name)] as const),
  ['/api/v1/namespaces', STRICT],
  ...['robot', 'builder', 'default', 'helper'].map(
    (name) => ['/api/v1/namespaces/dev/serviceaccounts', core('ServiceAccount', name)] as const,
  ),
  ...['settings', 'flags', 'spare'].map(
    (name) => ['/api/v1/namespaces/dev/configmaps', core('ConfigMap', name, { data: { a: '1' } })] as const,
  ),
  ['/api/v1/namespaces/prod/configmaps', core('ConfigMap', 'settings', { data: { a: '1' } })],
  ['/api/v1/namespaces/dev/secrets', core('Secret', 'db', { stringData: { password: 'x' } })],
  ...['web-0', 'web-1', 'web-2', 'web-3', 'web-4'].map(
    (name) => ['/api/v1/namespaces/dev/pods', pod(name)] as const,
  ),
  ['/api/v1/namespaces/prod/pods', pod('web-0')],
  ['/api/v1/namespaces/dev/services', core('Service', 'web', { spec: { ports: [{ port: 80 }] } })],
  ['/apis/apps/v1/namespaces/dev/deployments', deployment('web')],
  ['/api/v1/nodes', core('Node', 'n1')],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/dev/roles',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'of-the-admin' },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
    },
  ],
  ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions', widgetDefinition('widgets')],
];

async function untilServed(admin: KubeClient, path: string): Promise<void> {
  for (let i = 0; i < 100; i += 1) {
    if ((await admin.send({ method: 'GET', path })).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${path} is not served`);
}

/** Creates what the workload finds. @throws Error where the API server refuses one */
export async function makeWorld({ admin }: ControlPlane): Promise<void> {
  for (const [path, body] of OBJECTS) {
    const answer = await admin.send({ method: 'POST', path, body });
    if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.text}`);
  }
  await untilServed(admin, '/apis/example.com/v1/widgets');
  for (const name of ['w1', 'w2']) {
    const path = '/apis/example.com/v1/namespaces/dev/widgets';
    const answer = await admin.send({ method: 'POST', path, body: widget(name) });
    if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.text}`);
  }
}
