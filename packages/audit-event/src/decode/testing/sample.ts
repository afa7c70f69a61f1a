/** An audit event as the API server logs it, with some fields of its own. */
export function sample(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: 'a1',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/dev/configmaps/c1?dryRun=All&fieldManager=x',
    verb: 'update',
    user: {
      username: 'system:serviceaccount:dev:robot',
      uid: 'u-1',
      groups: ['system:serviceaccounts', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': ['p-1'], verb: ['delete'] },
    },
    sourceIPs: ['10.0.0.1'],
    userAgent: 'kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07',
    objectRef: {
      resource: 'configmaps',
      namespace: 'dev',
      name: 'c1',
      apiVersion: 'v1',
      resourceVersion: '7',
    },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: {
      kind: 'ConfigMap',
      metadata: { managedFields: [{ 'f:data': {} }] },
      data: { a: '}{][,"' },
    },
    requestReceivedTimestamp: '2026-11-21T01:41:21.605336Z',
    stageTimestamp: '2026-11-21T01:41:21.605964Z',
    annotations: {
      'authorization.k8s.io/decision': 'allow',
      'authorization.k8s.io/reason': 'RBAC: allowed by RoleBinding "rb1/dev" of Role "r1" to User "alice"',
    },
    ...fields,
  };
}

/** The sample as one line, without its newline. */
export function sampleLine(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify(sample(fields));
}
