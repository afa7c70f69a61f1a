// Evidence of many service accounts, the same for the same seed: what a publisher reads from its state.
import { emptyCluster, observe } from '@leastwise/rbac';
import { createRandom } from '@leastwise/testkit';

const DAY_US = 86_400_000_000;
/** The first day, in microseconds since the epoch. */
const FIRST_US = 20_000 * DAY_US;
const DAYS = 60;
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
const KINDS = {
  '': 'pods,pods/log,services,endpoints,configmaps,secrets,events,serviceaccounts,persistentvolumeclaims,replicationcontrollers,resourcequotas,limitranges',
  apps: 'deployments,deployments/scale,statefulsets,replicasets,daemonsets,controllerrevisions',
  batch: 'jobs,cronjobs,jobs/status',
  autoscaling: 'horizontalpodautoscalers',
  policy: 'poddisruptionbudgets',
  'networking.k8s.io': 'ingresses,networkpolicies',
  'coordination.k8s.io': 'leases',
  'discovery.k8s.io': 'endpointslices',
  'cert-manager.io': 'certificates,certificaterequests,issuers',
  'monitoring.coreos.com': 'servicemonitors,podmonitors,prometheusrules',
  'argoproj.io': 'applications,rollouts,workflows',
};
const RESOURCES = Object.entries(KINDS).flatMap(([apiGroup, names]) =>
  names.split(',').map((resource) => ({ apiGroup, resource })),
);
const CLUSTER_RESOURCES = ['nodes', 'namespaces', 'persistentvolumes'].map((resource) => ({
  apiGroup: '',
  resource,
}));

/**
 * One cluster in which each subject needs `rules` different pairs of a verb and a resource, most of them in its own
 * namespace, a few in a neighbour and in the cluster; a tenth are of one to three names. Ten subjects share a namespace.
 * @param repeats - how often the last request of each subject was seen again on the last day: more of the same
 */
export function clusterOf({ subjects, rules, seed = 1, repeats = 0, name = 'prod' }) {
  const random = createRandom(seed);
  const into = new Map([[name, emptyCluster(name)]]);
  const namespaces = Math.max(1, Math.ceil(subjects / 10));
  const namespaceOf = (i) => `team-${String(i % namespaces)}`;
  let serial = 0;
  const request = (subject, permission, day) => ({
    cluster: name,
    identity: { hi: 0, lo: 0 },
    auditID: `${(serial += 1).toString(16).padStart(8, '0')}-7c1e-4f6a-9d2b-${String(seed).padStart(12, '0')}`,
    receivedAtUs: FIRST_US + day * DAY_US + (serial % 86_000) * 1_000_000,
    outcome: 'allowed',
    client: 'client-go',
    need: {
      subject,
      groups: [
        'system:serviceaccounts',
        `system:serviceaccounts:${subject.namespace}`,
        'system:authenticated',
      ],
      permissions: [permission],
      viaRbac: true,
      grantingGroup: '',
      grantingBinding: undefined,
    },
    impersonation: undefined,
    namespaceLife: undefined,
  });
  for (let i = 0; i < subjects; i += 1) {
    const subject = { kind: 'ServiceAccount', namespace: namespaceOf(i), name: `account-${String(i)}` };
    const cells = new Map();
    while (cells.size < rules) {
      const verb = random.pick(VERBS);
      const where = random.next();
      const isWide = where < 0.04;
      const what = random.pick(isWide ? CLUSTER_RESOURCES : RESOURCES);
      const namespace = isWide ? '' : where < 0.1 ? namespaceOf(i + 1) : subject.namespace;
      cells.set(`${verb} ${what.apiGroup} ${what.resource} ${namespace}`, {
        verb,
        ...what,
        namespace,
        path: '',
      });
    }
    let last;
    for (const cell of cells.values()) {
      const isNamed = ['get', 'update', 'patch', 'delete'].includes(cell.verb) && random.next() < 0.2;
      const names = isNamed
        ? Array.from({ length: 1 + random.int(3) }, (_, n) => `app-${String(i)}-${String(n)}`)
        : [''];
      for (const each of names) {
        last = { ...cell, name: each };
        observe(into, request(subject, last, random.int(DAYS)), true);
        observe(into, request(subject, last, random.int(DAYS)), true);
      }
    }
    for (let again = 0; again < repeats; again += 1) observe(into, request(subject, last, DAYS - 1), true);
  }
  // So that the newest day is the same for every seed.
  const account = { kind: 'ServiceAccount', namespace: namespaceOf(0), name: 'account-0' };
  const pods = { verb: 'get', apiGroup: '', resource: 'pods', namespace: namespaceOf(0), name: '', path: '' };
  observe(into, request(account, pods, DAYS - 1), true);
  return into.get(name);
}

/** The rules of all subjects of a cluster. */
export function rulesOf(cluster) {
  return [...cluster.subjects.values()].reduce((sum, { allowed }) => sum + allowed.rules.size, 0);
}
