import { type Api, at, listAt, textAt, until } from './api.ts';
import * as make from './manifests.ts';

/** Told of each thing that works, by name. */
export type Found = (what: string) => void;

/** One part of a drive, in namespaces of its own. */
export type Story = (api: Api, found: Found) => Promise<void>;

async function wait(found: Found, what: string, isSo: () => Promise<boolean>): Promise<void> {
  await until(what, isSo);
  found(what);
}

/** Deployments, their services, budget and autoscaler: rollout, scaling, eviction, loss of a pod. */
export async function deployments(api: Api, found: Found): Promise<void> {
  const core = '/api/v1/namespaces/shop';
  const web = '/apis/apps/v1/namespaces/shop/deployments/web';
  await api.create(
    make.namespace('shop'),
    make.configMap(['shop', 'settings']),
    make.service(['shop', 'web'], 'web'),
    make.service(['shop', 'mirrored']),
    make.endpoints(['shop', 'mirrored']),
    make.workload('Deployment', ['shop', 'web'], { replicas: 3 }),
    make.workload('Deployment', ['shop', 'api'], { replicas: 2 }),
    make.disruptionBudget(['shop', 'web'], 'web'),
    make.autoscaler(['shop', 'api'], 'api'),
    make.replicationController(['shop', 'old'], 2),
  );
  const available = async (path: string): Promise<unknown> =>
    at(await api.get(path), 'status', 'availableReplicas');
  const webPods = (): Promise<readonly unknown[]> => api.items(`${core}/pods?labelSelector=app%3Dweb`);
  await wait(found, 'deployment available', async () => (await available(web)) === 3);
  await wait(found, 'replication controller available', async () => {
    return (await available(`${core}/replicationcontrollers/old`)) === 2;
  });
  await wait(found, 'service has endpoints', async () => {
    return listAt(await api.get(`${core}/endpoints/web`), 'subsets', 0, 'addresses').length === 3;
  });
  const slices = (name: string): Promise<readonly unknown[]> =>
    api.items(
      `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name%3D${name}`,
    );
  await wait(
    found,
    'service has slices',
    async () => listAt(await slices('web'), 0, 'endpoints').length === 3,
  );
  await wait(found, 'endpoints are mirrored', async () => (await slices('mirrored')).length > 0);
  await wait(found, 'budget counts pods', async () => {
    const budget = await api.get('/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web');
    return at(budget, 'status', 'currentHealthy') === 3;
  });
  await wait(found, 'autoscaler knows its target', async () => {
    const hpa = await api.get('/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/api');
    return listAt(hpa, 'status', 'conditions').some((each) => at(each, 'type') === 'AbleToScale');
  });
  await wait(found, 'root certificate published', async () => {
    return at(await api.get(`${core}/configmaps/kube-root-ca.crt`), 'data', 'ca.crt') !== undefined;
  });

  const template = { metadata: { annotations: { revision: '2' } } };
  await api.patch(web, { spec: { template } });
  await wait(found, 'rolled out', async () => {
    const now = await api.get(web);
    const of = (field: string): unknown => at(now, 'status', field);
    const isSeen = of('observedGeneration') === at(now, 'metadata', 'generation');
    return isSeen && of('updatedReplicas') === 3 && of('replicas') === 3;
  });
  await api.patch(`${web}/scale`, { spec: { replicas: 6 } });
  await wait(found, 'scaled up', async () => (await available(web)) === 6);
  await api.patch(`${web}/scale`, { spec: { replicas: 3 } });
  await wait(found, 'scaled down', async () => (await webPods()).length === 3);

  const [lost, evicted] = (await webPods()).map((pod) => textAt(pod, 'metadata', 'name'));
  await api.remove(`${core}/pods/${String(lost)}`);
  await wait(found, 'lost pod replaced', async () => {
    return (await api.isGone(`${core}/pods/${String(lost)}`)) && (await available(web)) === 3;
  });
  await until('the budget lets a pod go', async () => {
    const metadata = { name: evicted, namespace: 'shop' };
    await api.post(`${core}/pods/${String(evicted)}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata,
    });
    return true;
  });
  await wait(found, 'evicted pod replaced', async () => {
    return (await api.isGone(`${core}/pods/${String(evicted)}`)) && (await available(web)) === 3;
  });
  await api.remove(`${core}/services/mirrored`);
  await wait(found, 'mirrored slices gone', async () => (await slices('mirrored')).length === 0);
}

/** Jobs that end, one that ends itself, one of every minute. */
export async function jobs(api: Api, found: Found): Promise<void> {
  const batch = '/apis/batch/v1/namespaces/batch';
  await api.create(
    make.namespace('batch'),
    make.cronJob(['batch', 'tick']),
    make.job(['batch', 'once'], { completions: 3, parallelism: 2 }),
    make.job(['batch', 'brief'], { ttlSecondsAfterFinished: 2 }),
    make.job(['batch', 'paused'], { suspend: true }),
  );
  const succeeded = async (name: string): Promise<unknown> =>
    at(await api.get(`${batch}/jobs/${name}`), 'status', 'succeeded');
  await wait(found, 'job completed', async () => (await succeeded('once')) === 3);
  await wait(found, 'finished job gone after its time', () => api.isGone(`${batch}/jobs/brief`));
  await api.patch(`${batch}/jobs/paused`, { spec: { suspend: false } });
  await wait(found, 'resumed job completed', async () => (await succeeded('paused')) === 1);
  const seen = new Set<unknown>();
  await wait(found, 'cron job ran twice, and its older job was cleaned up', async () => {
    const owned = (await api.items(`${batch}/jobs`)).filter(
      (each) => at(each, 'metadata', 'ownerReferences', 0, 'name') === 'tick',
    );
    for (const each of owned)
      if (at(each, 'status', 'succeeded') === 1) seen.add(at(each, 'metadata', 'uid'));
    return seen.size >= 2 && owned.length === 1;
  });
  await api.remove(`${batch}/cronjobs/tick`, 'Foreground');
  await wait(found, 'cron job gone with its jobs', () => api.isGone(`${batch}/cronjobs/tick`));
}

/** Volumes, claims, stateful sets and quotas. */
export async function storage(api: Api, found: Found): Promise<void> {
  const core = '/api/v1/namespaces/data';
  const ephemeral = { volumeClaimTemplate: { spec: make.claimSpec('scratch') } };
  await api.create(
    make.namespace('data'),
    make.quota(['data', 'pods']),
    make.volume('disk', 'disks'),
    make.volume('scratch', 'scratch'),
    make.claim(['data', 'disk'], 'disks'),
    make.workload('StatefulSet', ['data', 'db'], { replicas: 2, serviceName: 'db' }),
    make.workload(
      'Deployment',
      ['data', 'scratch'],
      { replicas: 1 },
      { volumes: [{ name: 'scratch', ephemeral }] },
    ),
    make.workload(
      'Deployment',
      ['data', 'disk'],
      { replicas: 1 },
      {
        volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }],
      },
    ),
  );
  const ready = async (path: string): Promise<unknown> =>
    at(await api.get(`/apis/apps/v1/namespaces/data/${path}`), 'status', 'readyReplicas');
  await wait(found, 'stateful set ready', async () => (await ready('statefulsets/db')) === 2);
  await wait(found, 'pod with a claim ready', async () => (await ready('deployments/disk')) === 1);
  await wait(
    found,
    'pod with an ephemeral claim ready',
    async () => (await ready('deployments/scratch')) === 1,
  );
  await wait(
    found,
    'quota counted',
    async () => at(await api.get(`${core}/resourcequotas/pods`), 'status', 'used', 'pods') === '4',
  );
  await api.remove('/apis/apps/v1/namespaces/data/deployments/disk');
  await api.remove(`${core}/persistentvolumeclaims/disk`);
  await wait(found, 'claim gone', () => api.isGone(`${core}/persistentvolumeclaims/disk`));
  await wait(
    found,
    'volume released',
    async () => at(await api.get('/api/v1/persistentvolumes/disk'), 'status', 'phase') === 'Released',
  );
  await api.remove('/api/v1/persistentvolumes/disk');
  await wait(found, 'volume gone', () => api.isGone('/api/v1/persistentvolumes/disk'));
  await api.patch('/apis/apps/v1/namespaces/data/statefulsets/db', { spec: { replicas: 1 } });
  await wait(found, 'stateful set scaled down', () => api.isGone(`${core}/pods/db-1`));
}

/** A node that is drained by a taint, comes back, and is lost. */
export async function nodes(api: Api, found: Found): Promise<void> {
  const core = '/api/v1/namespaces/edge';
  const edge = '/api/v1/nodes/edge';
  const apart = [{ key: 'edge', effect: 'NoSchedule' }];
  const tolerations = [{ key: 'edge', effect: 'NoSchedule', operator: 'Exists' }];
  await api.create(
    make.namespace('edge'),
    make.node('edge', { taints: apart }),
    make.workload('DaemonSet', ['edge', 'agent'], {}, { tolerations }),
    make.workload(
      'Deployment',
      ['edge', 'pinned'],
      { replicas: 1 },
      {
        tolerations,
        nodeSelector: { 'kubernetes.io/hostname': 'edge' },
      },
    ),
  );
  const agents = async (): Promise<unknown> =>
    at(await api.get('/apis/apps/v1/namespaces/edge/daemonsets/agent'), 'status', 'numberReady');
  const pinned = async (): Promise<readonly string[]> =>
    (await api.items(`${core}/pods?labelSelector=app%3Dpinned`))
      .filter((pod) => at(pod, 'status', 'phase') === 'Running')
      .map((pod) => textAt(pod, 'metadata', 'uid'));
  await wait(found, 'daemon set on every node', async () => (await agents()) === 3);
  await wait(
    found,
    'nodes have networks',
    async () => at(await api.get(edge), 'spec', 'podCIDR') !== undefined,
  );
  await wait(found, 'pinned pod runs', async () => (await pinned()).length === 1);
  await api.patch(edge, { spec: { taints: [...apart, { key: 'drain', effect: 'NoExecute' }] } });
  await wait(found, 'drained by a taint', async () => (await pinned()).length === 0);
  await api.patch(edge, { spec: { taints: apart } });
  await wait(found, 'pinned pod runs again', async () => (await pinned()).length === 1);
  const [left] = await pinned();
  await api.remove(edge);
  await wait(found, 'pods of a lost node gone', async () => !(await pinned()).includes(left ?? ''));
  await wait(found, 'daemon set on the nodes that are left', async () => (await agents()) === 2);
}

/** Tokens, certificates and aggregated roles. */
export async function identities(api: Api, found: Found): Promise<void> {
  const core = '/api/v1/namespaces/people';
  const request = '/apis/certificates.k8s.io/v1/certificatesigningrequests/edge';
  await api.create(
    make.namespace('people'),
    make.serviceAccount(['people', 'robot']),
    make.tokenSecret(['people', 'robot-token'], 'robot'),
    make.nodeCertificateRequest('edge'),
    ...make.aggregatedRoles('everything'),
  );
  await wait(
    found,
    'namespace has its service account',
    async () => !(await api.isGone(`${core}/serviceaccounts/default`)),
  );
  await wait(
    found,
    'token made',
    async () => at(await api.get(`${core}/secrets/robot-token`), 'data', 'token') !== undefined,
  );
  await wait(found, 'certificate approved', async () =>
    listAt(await api.get(request), 'status', 'conditions').some((each) => at(each, 'type') === 'Approved'),
  );
  await wait(
    found,
    'certificate signed',
    async () => at(await api.get(request), 'status', 'certificate') !== undefined,
  );
  for (const role of ['everything', 'view']) {
    await wait(
      found,
      `role ${role} aggregated`,
      async () =>
        listAt(await api.get(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`), 'rules').length > 0,
    );
  }
  await api.remove(`${core}/serviceaccounts/robot`);
  await wait(found, 'token gone with its account', () => api.isGone(`${core}/secrets/robot-token`));
  await api.remove(`${core}/serviceaccounts/default`);
  await wait(
    found,
    'service account made again',
    async () => !(await api.isGone(`${core}/serviceaccounts/default`)),
  );
}

/** Owners and what they take along, or leave behind; a namespace with all that is in it. */
export async function endings(api: Api, found: Found): Promise<void> {
  const core = '/api/v1/namespaces/doomed';
  const apps = '/apis/apps/v1/namespaces/doomed';
  await api.create(
    make.namespace('doomed'),
    make.configMap(['doomed', 'owner']),
    make.workload('Deployment', ['doomed', 'foreground'], { replicas: 1 }),
    make.workload('Deployment', ['doomed', 'orphaned'], { replicas: 1 }),
    make.serviceAccount(['doomed', 'robot']),
    make.tokenSecret(['doomed', 'robot'], 'robot'),
    make.service(['doomed', 'orphaned'], 'orphaned'),
    make.claim(['doomed', 'never'], 'nothing'),
    make.job(['doomed', 'last']),
  );
  const uid = at(await api.get(`${core}/configmaps/owner`), 'metadata', 'uid');
  await api.create(make.configMap(['doomed', 'owned'], { uid, name: 'owner' }));
  const ready = async (name: string): Promise<boolean> =>
    at(await api.get(`${apps}/deployments/${name}`), 'status', 'readyReplicas') === 1;
  await until('deployments ready', async () => (await ready('foreground')) && (await ready('orphaned')));
  await api.remove(`${core}/configmaps/owner`);
  await wait(found, 'owned object gone with its owner', () => api.isGone(`${core}/configmaps/owned`));
  await api.remove(`${apps}/deployments/foreground`, 'Foreground');
  await wait(found, 'deployment gone after its pods', () => api.isGone(`${apps}/deployments/foreground`));
  await api.remove(`${apps}/deployments/orphaned`, 'Orphan');
  await wait(found, 'replica set orphaned', async () => {
    const [left] = await api.items(`${apps}/replicasets?labelSelector=app%3Dorphaned`);
    return left !== undefined && at(left, 'metadata', 'ownerReferences') === undefined;
  });
  await api.remove(core);
  await wait(found, 'namespace gone', () => api.isGone(core));
}
