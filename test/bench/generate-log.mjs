#!/usr/bin/env node
// Writes a large audit log like a real one, the same for the same arguments:
//   generate-log.mjs --events 1000000 --subjects 200 --names 120000 --namespaces 50 --mix metadata|mixed|bodies --seed 1
//     --out FILE
// `mixed` has bodies in 22 % of the lines and averages some 1.5 KB a line; `bodies` has them in all, some 7 KB a line.
import { closeSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    subjects: { type: 'string', default: '200' },
    names: { type: 'string', default: '120000' },
    namespaces: { type: 'string', default: '50' }, // that, or more
    mix: { type: 'string', default: 'mixed' },
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '40' },
    out: { type: 'string' },
  },
});

let state = Number(values.seed) >>> 0;
/** Mulberry32: small, and the same on every machine. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

const subjects = Number(values.subjects);
const names = Number(values.names);
const namespaces = Number(values.namespaces);
const events = Number(values.events);
const spanUs = Number(values.days) * 86_400_000_000;
const startUs = Date.UTC(2026, 0, 5) * 1000;

const RESOURCES = [
  ['', 'v1', 'pods'],
  ['', 'v1', 'configmaps'],
  ['', 'v1', 'secrets'],
  ['', 'v1', 'services'],
  ['', 'v1', 'events'],
  ['apps', 'v1', 'deployments'],
  ['apps', 'v1', 'replicasets'],
  ['batch', 'v1', 'jobs'],
  ['coordination.k8s.io', 'v1', 'leases'],
  ['networking.k8s.io', 'v1', 'ingresses'],
];
// An object is met by some two verbs, as in recordings of real clusters: who updates it does not patch it, too.
const HABITS = [
  ['get', 'get', 'update'],
  ['get', 'patch'],
  ['update', 'update', 'get'],
  ['get', 'delete'],
];
const UNNAMED = ['list', 'create', 'watch'];

function uuid() {
  const hex = () => (random() * 4294967296).toString(16).split('.')[0].padStart(8, '0');
  const all = hex() + hex() + hex() + hex();
  return `${all.slice(0, 8)}-${all.slice(8, 12)}-4${all.slice(13, 16)}-a${all.slice(17, 20)}-${all.slice(20, 32)}`;
}

function time(us) {
  return new Date(Math.floor(us / 1000)).toISOString().replace('Z', String(us % 1000).padStart(3, '0') + 'Z');
}

function body(kind, apiVersion, namespace, name, bytes) {
  const containers = [];
  let size = 600;
  for (let i = 0; size < bytes; i += 1) {
    const container = {
      name: `c${i}`,
      image: `registry.example.com/team/app:${uuid()}`,
      env: [{ name: 'MODE', value: `"quoted" \\ and {braces} ${i}` }],
      resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    };
    containers.push(container);
    size += 300;
  }
  return {
    kind,
    apiVersion,
    metadata: {
      name,
      namespace,
      uid: uuid(),
      resourceVersion: String(below(1e9)),
      labels: { app: name, 'pod-template-hash': 'x' },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': `{"kind":"${kind}","verb":"get"}\n`,
      },
      managedFields: [
        { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:metadata': { 'f:labels': {} } } },
      ],
    },
    spec: { template: { spec: { containers } } },
  };
}

function event(index) {
  const id = below(subjects);
  const home = `ns-${id % 50}`;
  // Beyond the usual fifty, subjects work in all of them; else the log is the same for the same seed as ever.
  const namespace = namespaces > 50 ? `ns-${below(namespaces)}` : home;
  const username = `system:serviceaccount:${home}:app-${id}`;
  const [group, version, resource] = RESOURCES[(id + below(4)) % RESOURCES.length];
  const isNamed = random() < 0.7;
  // Each subject works on its own share of the names, with each of its four resources on a part of them.
  const number = below(Math.max(1, Math.floor(names / subjects / 4)));
  const name = `${resource.slice(0, -1)}-${id}-${number}`;
  const verb = pick(isNamed ? HABITS[number % HABITS.length] : UNNAMED);
  const isWatch = verb === 'watch';
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const query = isWatch
    ? '?allowWatchBookmarks=true&resourceVersion=12345&timeoutSeconds=500&watch=true'
    : isNamed
      ? ''
      : '?limit=500';
  const isRefused = random() < 0.01;
  const us = startUs + Math.floor((spanUs / events) * index) + below(1000);
  const code = isRefused ? 403 : verb === 'create' ? 201 : 200;
  const hasBody = values.mix === 'bodies' || (values.mix === 'mixed' && random() < 0.22);
  const bodyBytes = values.mix === 'bodies' ? 3300 : 650;
  const make = (bytes) => body('Deployment', 'apps/v1', namespace, name, bytes);
  const made = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: hasBody ? 'RequestResponse' : 'Metadata',
    auditID: uuid(),
    stage: 'ResponseComplete',
    requestURI: `${root}/namespaces/${namespace}/${resource}${isNamed ? `/${name}` : ''}${query}`,
    verb,
    user: {
      username,
      uid: `0000-${id}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${home}`, 'system:authenticated'],
      extra: {
        // A token lives for an hour or more, so its id comes again and again.
        'authentication.kubernetes.io/credential-id': [
          `JTI=0a1b2c3d-4e5f-4a6b-8c7d-${String(id).padStart(12, '0')}`,
        ],
        'authentication.kubernetes.io/node-name': [`node-${id % 20}`],
        'authentication.kubernetes.io/pod-name': [`app-${id}-7d4b9c6f5-x${id}`],
      },
    },
    sourceIPs: [`10.0.${id % 256}.${below(256)}`],
    userAgent: `app/v1.${id % 9} (linux/amd64) kubernetes/4cb5f07`,
    objectRef: {
      resource,
      namespace,
      ...(isNamed ? { name } : {}),
      ...(group === '' ? {} : { apiGroup: group }),
      apiVersion: version,
    },
    responseStatus: { metadata: {}, code },
    ...(hasBody ? { requestObject: make(bodyBytes), responseObject: make(bodyBytes) } : {}),
    requestReceivedTimestamp: time(us),
    stageTimestamp: time(us + 1500),
    annotations: {
      'authorization.k8s.io/decision': isRefused ? 'forbid' : 'allow',
      'authorization.k8s.io/reason': isRefused
        ? ''
        : `RBAC: allowed by RoleBinding "app-${id}/${namespace}" of Role "app-${id}" to ServiceAccount "app-${id}/${home}"`,
      ...(values.mix === 'mixed' ? { 'example.com/note': 'n'.repeat(40) } : {}),
    },
  };
  const line = JSON.stringify(made);
  // Long-running requests are logged twice.
  return isWatch ? `${line.replace('ResponseComplete', 'ResponseStarted')}\n${line}\n` : `${line}\n`;
}

if (values.out === undefined) throw new Error('--out FILE is missing');
const out = openSync(values.out, 'w');
let pending = '';
for (let written = 0, index = 0; written < events; index += 1) {
  const text = event(index);
  written += text.indexOf('\n') === text.length - 1 ? 1 : 2;
  pending += text;
  if (pending.length > 1 << 20) {
    writeSync(out, pending);
    pending = '';
  }
}
writeSync(out, pending);
closeSync(out);
