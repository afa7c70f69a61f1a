import { describe, expect, test } from 'vitest';

import { events, read, words } from '../testing/collect.ts';
import { parseMethod } from './gke-method.ts';

interface Entry {
  readonly methodName: string;
  readonly resourceName?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly entry?: Readonly<Record<string, unknown>>;
}

function logEntry({ methodName, resourceName, payload, entry }: Entry): string {
  return JSON.stringify({
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      authenticationInfo: { principalEmail: 'jane@example.com' },
      authorizationInfo: [{ granted: true, permission: methodName, resource: resourceName }],
      methodName,
      requestMetadata: { callerIp: '10.0.0.1', callerSuppliedUserAgent: 'kubectl/v1.30.1' },
      resourceName,
      serviceName: 'k8s.io',
      request: { '@type': 'core.k8s.io/v1.Pod', verb: 'delete' },
      ...payload,
    },
    insertId: 'i-1',
    resource: { type: 'k8s_cluster', labels: { cluster_name: 'c1' } },
    timestamp: '2024-02-16T12:55:00.510160Z',
    labels: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: allowed' },
    operation: { id: 'op-1', first: true, last: true, producer: 'k8s.io' },
    ...entry,
  });
}

test.each([
  // Subresources and custom resources: what other tools lose.
  [
    'io.k8s.core.v1.pods.exec.create',
    'core/v1/namespaces/d/pods/p/exec',
    'create',
    '',
    'pods',
    'exec',
    'd',
    'p',
    '/api/v1/namespaces/d/pods/p/exec',
  ],
  [
    'io.k8s.apps.v1.deployments.scale.update',
    'apps/v1/namespaces/d/deployments/w/scale',
    'update',
    'apps',
    'deployments',
    'scale',
    'd',
    'w',
    '/apis/apps/v1/namespaces/d/deployments/w/scale',
  ],
  [
    'com.coreos.etcd.database.v1beta2.etcdbackups.create',
    'database.etcd.coreos.com/v1beta2/namespaces/d/etcdbackups/b',
    'create',
    'database.etcd.coreos.com',
    'etcdbackups',
    '',
    'd',
    'b',
    '/apis/database.etcd.coreos.com/v1beta2/namespaces/d/etcdbackups',
  ],
  [
    'com.coreos.etcd.database.v1beta2.etcdbackups.get',
    '',
    'get',
    'database.etcd.coreos.com',
    'etcdbackups',
    '',
    '',
    '',
    '/apis/database.etcd.coreos.com/v1beta2/etcdbackups',
  ],
  // The group: the resource name's own, else the domain reversed.
  [
    'io.k8s.authorization.rbac.v1.roles.patch',
    'rbac.authorization.k8s.io/v1/namespaces/s/roles/system:x',
    'patch',
    'rbac.authorization.k8s.io',
    'roles',
    '',
    's',
    'system:x',
    '/apis/rbac.authorization.k8s.io/v1/namespaces/s/roles/system:x',
  ],
  [
    'io.k8s.authorization.rbac.v1.clusterroles.list',
    '',
    'list',
    'rbac.authorization.k8s.io',
    'clusterroles',
    '',
    '',
    '',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ],
  [
    'io.k8s.rbac.v1.clusterroles.create',
    'rbac.authorization.k8s.io/v1/clusterroles/c',
    'create',
    'rbac.authorization.k8s.io',
    'clusterroles',
    '',
    '',
    'c',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ],
  ['io.k8s.batch.v1.jobs.list', '', 'list', 'batch', 'jobs', '', '', '', '/apis/batch/v1/jobs'],
  [
    'io.k8s.coordination.v1.leases.update',
    'coordination.k8s.io/v1/namespaces/n/leases/l',
    'update',
    'coordination.k8s.io',
    'leases',
    '',
    'n',
    'l',
    '/apis/coordination.k8s.io/v1/namespaces/n/leases/l',
  ],
  // Names: never on create, a selector on collections, a namespace is its own.
  [
    'io.k8s.core.v1.pods.create',
    'core/v1/namespaces/d/pods/p',
    'create',
    '',
    'pods',
    '',
    'd',
    'p',
    '/api/v1/namespaces/d/pods',
  ],
  ['io.k8s.core.v1.secrets.list', 'core/v1/secrets', 'list', '', 'secrets', '', '', '', '/api/v1/secrets'],
  [
    'io.k8s.core.v1.configmaps.watch',
    'core/v1/namespaces/d/configmaps/c',
    'watch',
    '',
    'configmaps',
    '',
    'd',
    'c',
    '/api/v1/namespaces/d/configmaps?watch=true&fieldSelector=metadata.name%3Dc',
  ],
  [
    'io.k8s.core.v1.pods.deletecollection',
    'core/v1/namespaces/d/pods',
    'deletecollection',
    '',
    'pods',
    '',
    'd',
    '',
    '/api/v1/namespaces/d/pods',
  ],
  [
    'io.k8s.core.v1.namespaces.get',
    'core/v1/namespaces/prod',
    'get',
    '',
    'namespaces',
    '',
    'prod',
    'prod',
    '/api/v1/namespaces/prod',
  ],
  [
    'io.k8s.core.v1.namespaces.finalize.update',
    'core/v1/namespaces/prod/finalize',
    'update',
    '',
    'namespaces',
    'finalize',
    'prod',
    'prod',
    '/api/v1/namespaces/prod/finalize',
  ],
  [
    'io.k8s.core.v1.nodes.proxy.get',
    'core/v1/nodes/n1/proxy/metrics',
    'get',
    '',
    'nodes',
    'proxy',
    '',
    'n1',
    '/api/v1/nodes/n1/proxy',
  ],
])(
  '%s of %j',
  (methodName, resourceName, verb, apiGroup, resource, subresource, namespace, name, requestURI) => {
    expect(parseMethod(methodName, resourceName)).toEqual({
      verb,
      requestURI,
      ref: { apiGroup, resource, subresource, namespace, name },
    });
  },
);

test.each([
  ['io.k8s.get', '/healthz', '/healthz'],
  ['io.k8s.post', 'apis/x', '/apis/x'],
])('the non-resource request %s of %j', (methodName, resourceName, requestURI) => {
  expect(parseMethod(methodName, resourceName)).toEqual({
    verb: methodName.slice(7),
    requestURI,
    ref: undefined,
  });
});

test.each([
  ['', ''],
  ['io.k8s', ''],
  ['io.k8s.core.v1.pods', 'core/v1/pods'],
  ['io.k8s.core.v1.a.b.c.get', 'core/v1/a'],
  ['io.k8s.core.v1.pods.get', 'core/v1/namespaces/d/secrets/s'],
  ['v1.pods.get', ''],
  ['google.container.v1.ClusterManager.CreateCluster', 'projects/p'],
])('%j of %j is none', (methodName, resourceName) => {
  expect(parseMethod(methodName, resourceName)).toBeUndefined();
});

test('names with odd characters cannot change the path of the URI', () => {
  const found = parseMethod('io.k8s.core.v1.secrets.get', 'core/v1/namespaces/a?b#c/secrets/%2e%2e');
  expect(found?.requestURI).toBe('/api/v1/namespaces/a%3Fb%23c/secrets/%252e%252e');
});

describe('a log entry', () => {
  const exec: Entry = {
    methodName: 'io.k8s.core.v1.pods.exec.create',
    resourceName: 'core/v1/namespaces/d/pods/p/exec',
  };

  test('becomes an event', () => {
    expect(events(read(logEntry(exec)))).toEqual([
      {
        auditID: 'op-1',
        stage: 'ResponseComplete',
        requestURI: '/api/v1/namespaces/d/pods/p/exec',
        verb: 'create',
        user: { username: 'jane@example.com', uid: '', groups: [], extra: [] },
        impersonatedUser: undefined,
        userAgent: 'kubectl/v1.30.1',
        objectRef: { apiGroup: '', resource: 'pods', subresource: 'exec', namespace: 'd', name: 'p' },
        code: 200,
        statusMessage: '',
        receivedAtUs: Date.UTC(2024, 1, 16, 12, 55, 0, 510) * 1000 + 160,
        decision: 'allow',
        reason: 'RBAC: allowed',
        impersonationConstraint: '',
      },
    ]);
  });

  test.each([
    ['status 7 is a refusal', { status: { code: 7, message: 'no' } }, { code: 403, statusMessage: 'no' }],
    ['granted: false is a refusal', { authorizationInfo: [{ granted: false }] }, { code: 403 }],
    [
      'status 5 is 404',
      { status: { code: 5, message: 'not found' } },
      { code: 404, statusMessage: 'not found' },
    ],
    ['status 6 is 409', { status: { code: 6 } }, { code: 409 }],
    ['status 16 is 401', { status: { code: 16 } }, { code: 401 }],
    ['an empty status is success', { status: {} }, { code: 200 }],
    [
      'the principal may be a subject only',
      { authenticationInfo: { principalSubject: 's' } },
      { user: { username: 's' } },
    ],
  ])('%s', (_, payload, expected) => {
    expect(events(read(logEntry({ ...exec, payload })))).toMatchObject([expected]);
  });

  test.each([
    [
      'the first of a long request',
      { operation: { id: 'x', first: true } },
      { auditID: 'x', stage: 'ResponseStarted' },
    ],
    ['the last of a long request', { operation: { id: 'x', last: true } }, { stage: 'ResponseComplete' }],
    ['no operation', { operation: undefined }, { auditID: 'i-1' }],
    ['no labels', { labels: undefined }, { decision: '', reason: undefined }],
    [
      'the time of receipt',
      { timestamp: undefined, receiveTimestamp: '2024-02-16T12:55:01Z' },
      { receivedAtUs: 1708088101000000 },
    ],
  ])('%s', (_, entry, expected) => {
    expect(events(read(logEntry({ ...exec, entry })))).toMatchObject([expected]);
  });

  test.each([
    ['without a time', { entry: { timestamp: undefined } }, '!no-timestamp'],
    ['with a status of the wrong type', { payload: { status: { code: 'x' } } }, '!invalid-field'],
    ['of a method that is none', { methodName: 'io.k8s.x' }, '!invalid-field'],
    ['of the GKE API', { payload: { serviceName: 'container.googleapis.com' } }, 'gke-other-service'],
    [
      'of no service and another method',
      { methodName: 'compute.x', payload: { serviceName: undefined } },
      'gke-other-service',
    ],
  ])('%s', (_, change, expected) => {
    expect(words(read(logEntry({ ...exec, ...change })))).toEqual([expected]);
  });

  test('comes in arrays, many lines and YAML as well', () => {
    const entries = [logEntry(exec), logEntry({ ...exec, entry: { operation: { id: 'op-2' } } })].map(
      (each) => JSON.parse(each) as unknown,
    );
    expect(words(read(JSON.stringify(entries, undefined, 2)))).toEqual(['op-1', 'op-2']);
    const yaml = `---\ninsertId: y-1\nprotoPayload:\n  methodName: io.k8s.core.v1.pods.list\n  serviceName: k8s.io\n  resourceName: core/v1/pods\ntimestamp: '2024-02-16T12:55:01Z'\n`;
    expect(words(read(yaml + yaml))).toEqual(['y-1', 'y-1']);
    expect(words(read(yaml.replaceAll('\n', '\n  ').replace('---\n  ', '- ')))).toEqual(['y-1']);
  });
});
