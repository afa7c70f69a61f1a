import { describe, expect, test } from 'vitest';

import { of, policy, request, urlRequest } from '../testing/build.ts';
import type { AuditRule, RequestAttributes } from '../types.ts';
import { matchPolicy } from './match-policy.ts';

// The cases of k8s.io/apiserver pkg/audit/policy/checker_test.go (Apache License 2.0, The Kubernetes Authors) in our form.
const TIM = { username: 'tim@k8s.io', groups: ['humans', 'developers'] };
const REQUESTS = {
  namespaced: request({ user: TIM, name: 'busybox' }),
  cluster: request({
    user: TIM,
    apiGroup: 'rbac.authorization.k8s.io',
    resource: 'clusterroles',
    namespace: '',
    name: 'edit',
  }),
  nonResource: urlRequest('/logs/kubelet.log', { user: TIM }),
  subresource: request({ user: TIM, subresource: 'log', name: 'busybox' }),
  unauthorized: request({ user: undefined, name: 'busybox' }),
} satisfies Record<string, RequestAttributes>;
const RULES = {
  default: { level: 'Metadata' },
  create: { level: 'Request', verbs: ['create'] },
  tims: { level: 'Metadata', users: ['tim@k8s.io'] },
  humans: { level: 'Metadata', userGroups: ['humans'] },
  serviceAccounts: { level: 'Request', userGroups: ['system:serviceaccounts'] },
  getPods: { level: 'RequestResponse', verbs: ['get'], resources: [of(['pods'])] },
  getPodLogs: { level: 'Request', verbs: ['get'], resources: [of(['pods/log'])] },
  any: { level: 'Request', verbs: ['get'], resources: [of(['*'])] },
  anyLog: { level: 'Request', verbs: ['get'], resources: [of(['*/log'])] },
  anyOfPods: { level: 'Request', verbs: ['get'], resources: [of(['pods/*'])] },
  getClusterRoles: {
    level: 'RequestResponse',
    verbs: ['get'],
    resources: [of(['clusterroles'], 'rbac.authorization.k8s.io')],
    namespaces: [''],
  },
  getLogs: { level: 'RequestResponse', verbs: ['get'], nonResourceURLs: ['/logs*'] },
  getMetrics: { level: 'Request', verbs: ['get'], nonResourceURLs: ['/metrics'] },
  clusterRoleEdit: {
    level: 'Request',
    resources: [of(['clusterroles'], 'rbac.authorization.k8s.io', ['edit'])],
  },
} satisfies Record<string, Partial<AuditRule>>;

type Row = [keyof typeof REQUESTS, AuditRule['level'], ...(keyof typeof RULES)[]];
const ROWS: readonly Row[] = [
  ['namespaced', 'Metadata', 'default'],
  ['namespaced', 'None', 'create'],
  ['namespaced', 'Metadata', 'tims'],
  ['namespaced', 'Metadata', 'humans'],
  ['namespaced', 'None', 'serviceAccounts'],
  ['namespaced', 'RequestResponse', 'getPods'],
  ['namespaced', 'None', 'getClusterRoles'],
  ['namespaced', 'None', 'getLogs'],
  ['namespaced', 'None', 'getMetrics'],
  ['namespaced', 'Metadata', 'getMetrics', 'serviceAccounts', 'default'],
  ['namespaced', 'RequestResponse', 'getMetrics', 'getPods', 'default'],
  ['namespaced', 'RequestResponse', 'getPodLogs', 'getPods'],
  ['cluster', 'Metadata', 'default'],
  ['cluster', 'None', 'create'],
  ['cluster', 'Metadata', 'tims'],
  ['cluster', 'Metadata', 'humans'],
  ['cluster', 'None', 'serviceAccounts'],
  ['cluster', 'None', 'getPods'],
  ['cluster', 'RequestResponse', 'getClusterRoles'],
  ['cluster', 'Request', 'clusterRoleEdit', 'getClusterRoles'],
  ['cluster', 'None', 'getLogs'],
  ['cluster', 'None', 'getMetrics'],
  ['cluster', 'Metadata', 'getMetrics', 'serviceAccounts', 'default'],
  ['cluster', 'RequestResponse', 'getMetrics', 'getClusterRoles', 'default'],
  ['cluster', 'None', 'getPodLogs', 'getPods'],
  ['nonResource', 'Metadata', 'default'],
  ['nonResource', 'None', 'create'],
  ['nonResource', 'Metadata', 'tims'],
  ['nonResource', 'Metadata', 'humans'],
  ['nonResource', 'None', 'serviceAccounts'],
  ['nonResource', 'None', 'getPods'],
  ['nonResource', 'None', 'getClusterRoles'],
  ['nonResource', 'RequestResponse', 'getLogs'],
  ['nonResource', 'None', 'getMetrics'],
  ['nonResource', 'Metadata', 'getMetrics', 'serviceAccounts', 'default'],
  ['nonResource', 'RequestResponse', 'getLogs', 'getClusterRoles', 'default'],
  ['nonResource', 'None', 'getPodLogs', 'getPods'],
  ['subresource', 'Request', 'getPodLogs', 'getPods'],
  ['subresource', 'Request', 'any'],
  ['subresource', 'Request', 'anyLog'],
  ['subresource', 'Request', 'anyOfPods'],
  ['unauthorized', 'None', 'tims'],
  ['unauthorized', 'Metadata', 'tims', 'default'],
  ['unauthorized', 'None', 'humans'],
  ['unauthorized', 'Metadata', 'humans', 'default'],
];

describe("the cases of the API server's own test", () => {
  test.each(ROWS)('%s is at level %s under %s, %s, %s', (name, level, ...rules) => {
    const made = policy(rules.map((each) => RULES[each]));
    expect(matchPolicy(made, REQUESTS[name]).level).toBe(level);
  });

  test.each([
    [[], ['RequestReceived'], ['ResponseStarted', 'ResponseComplete', 'Panic']],
    [[], ['RequestReceived', 'ResponseStarted', 'ResponseComplete'], ['Panic']],
    [['RequestReceived', 'ResponseStarted'], ['RequestReceived'], ['ResponseComplete', 'Panic']],
    [['RequestReceived', 'ResponseStarted'], ['Panic', 'RequestReceived'], ['ResponseComplete']],
    [['RequestReceived'], [], ['ResponseStarted', 'ResponseComplete', 'Panic']],
  ] as const)('stages: the policy omits %j, the rule %j, left are %j', (ofPolicy, ofRule, left) => {
    const made = policy([{ level: 'Request', omitStages: ofRule }], { omitStages: ofPolicy });
    expect(matchPolicy(made, REQUESTS.cluster).stages).toEqual(left);
  });

  test.each([
    [undefined, undefined, false],
    [false, undefined, false],
    [true, undefined, true],
    [true, false, false],
    [false, true, true],
  ])('managed fields: the policy says %s, the rule %s', (ofPolicy, ofRule, omitted) => {
    const made = policy([{ verbs: ['get'], omitManagedFields: ofRule }], { omitManagedFields: ofPolicy });
    expect(matchPolicy(made, request()).omitManagedFields).toBe(omitted);
  });
});

describe('the first rule that matches', () => {
  test('is told by its index, and none where none does', () => {
    const made = policy([{ verbs: ['list'] }, { users: ['alice'] }, {}]);
    expect(matchPolicy(made, request()).rule).toBe(1);
    expect(matchPolicy(policy([{ verbs: ['list'] }]), request())).toEqual({
      rule: undefined,
      level: 'None',
      stages: [],
      omitManagedFields: false,
    });
  });

  test('logs no stage at level None', () => {
    expect(matchPolicy(policy([{ level: 'None' }]), request()).stages).toEqual([]);
  });
});

describe('what people get wrong', () => {
  const secrets = (namespace: string, verb = 'list') =>
    request({ verb, resource: 'secrets', namespace, name: '' });
  const pods = (fields: Partial<RequestAttributes> = {}) => request(fields);

  test.each<[string, Partial<AuditRule>, RequestAttributes, boolean]>([
    ['* is no verb', { verbs: ['*'] }, pods(), false],
    ['* is no user', { users: ['*'] }, pods(), false],
    ['a prefix is no user', { users: ['ali*'] }, pods(), false],
    ['* is no group of users', { userGroups: ['*'] }, pods(), false],
    ['* is no namespace', { namespaces: ['*'] }, pods(), false],
    ['* is no name', { resources: [of(['pods'], '', ['*'])] }, pods(), false],
    ['verbs are in lower case', { verbs: ['GET'] }, pods(), false],
    ['a namespace misses a list of all namespaces', { namespaces: ['default'] }, secrets(''), false],
    ['an empty namespace matches a list of all namespaces', { namespaces: [''] }, secrets(''), true],
    [
      'an empty namespace matches cluster-scoped requests',
      { namespaces: [''] },
      request({ resource: 'nodes', namespace: '' }),
      true,
    ],
    [
      'a namespace object is in itself',
      { namespaces: ['x'] },
      request({ resource: 'namespaces', namespace: 'x', name: 'x' }),
      true,
    ],
    [
      'resources without a list are the whole group',
      { resources: [of([])] },
      pods({ subresource: 'log' }),
      true,
    ],
    ['an omitted group is core, not all', { resources: [of([])] }, pods({ apiGroup: 'apps' }), false],
    ['the group * is every group', { resources: [of(['pods'], '*')] }, pods({ apiGroup: 'apps' }), true],
    [
      'a resource is not its subresources',
      { resources: [of(['pods'])] },
      pods({ subresource: 'log' }),
      false,
    ],
    ['* is all resources with subresources', { resources: [of(['*'])] }, pods({ subresource: 'log' }), true],
    ['*/log is not log itself', { resources: [of(['*/log'])] }, pods({ resource: 'log' }), false],
    ['pods/* is pods, too', { resources: [of(['pods/*'])] }, pods(), true],
    [
      'pods/* is not podtemplates',
      { resources: [of(['pods/*'])] },
      pods({ resource: 'podtemplates' }),
      false,
    ],
    ['*/* is nothing', { resources: [of(['*/*'])] }, pods({ subresource: 'log' }), false],
    [
      'names miss creates',
      { resources: [of(['pods'], '', ['web'])] },
      pods({ verb: 'create', name: '' }),
      false,
    ],
    [
      'names match subresources',
      { resources: [of(['pods/exec'], '', ['web'])] },
      pods({ verb: 'create', subresource: 'exec' }),
      true,
    ],
    ['names without resources are no condition', { resources: [of([], '', ['other'])] }, pods(), true],
    ['a namespace is a condition on resources', { namespaces: [''] }, urlRequest('/healthz'), false],
    ['URLs are no resources', { nonResourceURLs: ['*'] }, pods(), false],
    ['a rule without either is about both', {}, urlRequest('/healthz'), true],
    ['a prefix is no path segment', { nonResourceURLs: ['/healthz*'] }, urlRequest('/healthzfoo'), true],
    ['a path is exact', { nonResourceURLs: ['/healthz'] }, urlRequest('/healthz/etcd'), false],
    ['a prefix matches itself', { nonResourceURLs: ['/healthz*'] }, urlRequest('/healthz'), true],
    ['* is every path', { nonResourceURLs: ['*'] }, urlRequest('/healthz'), true],
    ['nobody is in no group', { userGroups: ['system:unauthenticated'] }, pods({ user: undefined }), false],
    ['one group is enough', { userGroups: ['a', 'system:authenticated'] }, pods(), true],
  ])('%s', (_, rule, asked, isMatched) => {
    expect(matchPolicy(policy([rule]), asked).rule).toBe(isMatched ? 0 : undefined);
  });
});
