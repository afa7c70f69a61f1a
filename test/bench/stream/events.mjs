// Audit events like those of a busy cluster, the same for the same arguments: few subjects send most of the requests, and
// each of them repeats itself. `metadata` events have 1.65 KB, those with `bodies` 7.7 KB.

/** How many different requests a subject makes. */
const HABITS = 40;
const START_US = Date.UTC(2026, 0, 5) * 1000;
const HOUR_US = 3_600_000_000;
const NAMESPACES = 80;
const SIZES = { metadata: 1650, bodies: 7700 };
const RESOURCES = [
  ['', 'v1', 'pods'],
  ['', 'v1', 'configmaps'],
  ['', 'v1', 'secrets'],
  ['', 'v1', 'endpoints'],
  ['apps', 'v1', 'deployments'],
  ['apps', 'v1', 'replicasets'],
  ['batch', 'v1', 'jobs'],
  ['coordination.k8s.io', 'v1', 'leases'],
];
const VERBS = ['get', 'get', 'update', 'update', 'patch', 'list', 'watch', 'create', 'delete'];
const UNNAMED = new Set(['list', 'watch', 'create']);

/** Mulberry32: small, and the same on every machine. */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Draws 0 to `count` - 1 by Zipf's law: each as often as its rank divides. */
function zipf(count) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i += 1) sums[i] = sum += 1 / (i + 1);
  return (random) => {
    const wanted = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const hex = (random) =>
  Math.floor(random() * 4294967296)
    .toString(16)
    .padStart(8, '0');

function uuid(random) {
  const [a, b, c, d] = [hex(random), hex(random), hex(random), hex(random)];
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`;
}

function time(us) {
  return new Date(Math.floor(us / 1000)).toISOString().replace('Z', `${String(us % 1000).padStart(3, '0')}Z`);
}

function bodyOf(random, { namespace, name, resource }, bytes) {
  const container = () => ({
    name: `c-${hex(random)}`,
    image: `registry.example.com/team/app:${uuid(random)}`,
    env: [{ name: 'MODE', value: '"quoted" \\ and {braces}' }],
    resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
  });
  const containers = Array.from({ length: Math.max(1, Math.round((bytes - 300) / 330)) }, container);
  const metadata = { name, namespace, uid: uuid(random), resourceVersion: '12345678', labels: { app: name } };
  return { kind: resource, apiVersion: 'apps/v1', metadata, spec: { template: { spec: { containers } } } };
}

/** What all events of a subject say of it. A token lives for an hour or more, so its ID comes again and again. */
function userOf(subject, home, account) {
  const random = randomOf(subject + 0x5eed);
  return {
    username: `system:serviceaccount:${home}:${account}`,
    uid: uuid(random),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${home}`, 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/credential-id': [`JTI=${uuid(random)}`],
      'authentication.kubernetes.io/node-name': [`node-${subject % 20}`],
      'authentication.kubernetes.io/node-uid': [uuid(random)],
      'authentication.kubernetes.io/pod-name': [`${account}-7d4b9c6f5-x${subject}`],
      'authentication.kubernetes.io/pod-uid': [uuid(random)],
    },
  };
}

/** A request that a subject makes again and again: all of its event but when and under which ID. */
function habitOf(subject, number, mix) {
  const random = randomOf(subject * 64 + number);
  const below = (count) => Math.floor(random() * count);
  const home = `ns-${subject % NAMESPACES}`;
  const namespace = random() < 0.8 ? home : `ns-${below(NAMESPACES)}`;
  const [apiGroup, apiVersion, resource] = RESOURCES[(subject + below(3)) % RESOURCES.length];
  const verb = VERBS[below(VERBS.length)];
  const name = UNNAMED.has(verb) ? '' : `${resource}-${subject}-${below(12)}`;
  const isRefused = random() < 0.02;
  const root = apiGroup === '' ? `/api/${apiVersion}` : `/apis/${apiGroup}/${apiVersion}`;
  const query = verb === 'watch' ? '?allowWatchBookmarks=true&timeoutSeconds=500&watch=true' : '';
  const account = `app-${subject}`;
  const event = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: mix === 'bodies' ? 'RequestResponse' : 'Metadata',
    auditID: 'AUDIT-ID',
    stage: 'ResponseComplete',
    requestURI: `${root}/namespaces/${namespace}/${resource}${name === '' ? '' : `/${name}`}${query}`,
    verb,
    user: userOf(subject, home, account),
    sourceIPs: [`10.0.${subject % 256}.7`],
    userAgent: `app/v1.${subject % 9} (linux/amd64) kubernetes/4cb5f07`,
    objectRef: {
      resource,
      namespace,
      ...(name === '' ? {} : { name }),
      ...(apiGroup === '' ? {} : { apiGroup }),
      apiVersion,
    },
    responseStatus: { metadata: {}, code: isRefused ? 403 : verb === 'create' ? 201 : 200 },
    ...(mix === 'bodies' ? bodiesOf(random, { namespace, name, resource }) : {}),
    requestReceivedTimestamp: 'RECEIVED',
    stageTimestamp: 'STAGED',
    annotations: {
      'authorization.k8s.io/decision': isRefused ? 'forbid' : 'allow',
      'authorization.k8s.io/reason': isRefused
        ? ''
        : `RBAC: allowed by RoleBinding "${account}/${home}" of Role "${account}" to ServiceAccount "${account}/${home}"`,
    },
    shipper: {
      tag: 'kube.audit',
      file: '/var/log/kubernetes/audit/audit.log',
      host: `control-${subject % 3}`,
      trace: '',
    },
  };
  const missing = SIZES[mix] - JSON.stringify(event).length - 75;
  while (event.shipper.trace.length < missing) event.shipper.trace += `${uuid(random)} `;
  return { verb, parts: JSON.stringify(event).split(/AUDIT-ID|RECEIVED|STAGED/) };
}

function bodiesOf(random, object) {
  return { requestObject: bodyOf(random, object, 3000), responseObject: bodyOf(random, object, 3000) };
}

/**
 * Events with their keys, in the order of their times.
 * @yields {{ key: string, value: string, ms: number }} what a shipper would send, and when
 */
export function* eventsOf({ count, subjects, mix, perHour, seed = 1 }) {
  const random = randomOf(seed);
  const [subjectOf, numberOf] = [zipf(subjects), zipf(HABITS)];
  const habits = new Map();
  const step = HOUR_US / perHour;
  for (let made = 0; made < count; made += 1) {
    const id = subjectOf(random) * HABITS + numberOf(random);
    let habit = habits.get(id);
    if (!habit) {
      habit = habitOf(Math.floor(id / HABITS), id % HABITS, mix);
      // Where there are too many to be kept, most come once.
      if (habits.size < 50_000) habits.set(id, habit);
    }
    const us = START_US + Math.floor(made * step);
    const key = uuid(random);
    const [start, received, staged, end] = habit.parts;
    const value = `${start}${key}${received}${time(us)}${staged}${time(us + 1500)}${end}`;
    yield { key, value, ms: Math.floor(us / 1000) + 1000 };
    if (habit.verb !== 'watch' || made + 1 >= count) continue;
    // Long-running requests are logged twice.
    made += 1;
    yield {
      key,
      value: value.replace('ResponseComplete', 'ResponseStarted'),
      ms: Math.floor(us / 1000) + 1000,
    };
  }
}
