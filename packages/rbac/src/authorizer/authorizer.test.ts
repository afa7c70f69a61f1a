import type { Permission, Subject } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import type { BindingSubject, PolicyRule, RbacObject } from '../types.ts';
import { createAuthorizer } from './index.ts';
import {
  account,
  ALICE,
  ask,
  bind,
  bindCluster,
  clusterRole,
  group,
  isAllowed,
  ref,
  role,
  SA,
  url,
  user,
  V1,
  withRule,
} from './testing/build.ts';

describe('a resource rule (evaluation_helpers.go)', () => {
  const pods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] };
  const any = (over: Partial<PolicyRule>): PolicyRule => ({
    verbs: ['*'],
    apiGroups: ['*'],
    resources: ['*'],
    ...over,
  });
  const cases: [string, PolicyRule, Permission, boolean][] = [
    ['allows a listed verb', pods, ask('get', 'pods'), true],
    ['and no other', pods, ask('watch', 'pods'), false],
    ['verbs * is every verb', any({}), ask('impersonate', 'pods'), true],
    ['even the empty one of an odd method', any({}), ask('', 'pods'), true],
    ['which no list allows', pods, ask('', 'pods'), false],
    ['no verb by prefix', any({ verbs: ['get*'] }), ask('get', 'pods'), false],
    ['allows a listed group', any({ apiGroups: ['', 'apps'] }), ask('get', 'x', { apiGroup: 'apps' }), true],
    ['and no other group', any({ apiGroups: [''] }), ask('get', 'x', { apiGroup: 'apps' }), false],
    ['groups * is every group', any({}), ask('get', 'x', { apiGroup: 'apps' }), true],
    [
      'the core group is the empty string, not its lack',
      { verbs: ['*'], resources: ['*'] },
      ask('get', 'x'),
      false,
    ],
    ['no group by prefix', any({ apiGroups: ['apps*'] }), ask('get', 'x', { apiGroup: 'apps' }), false],
    ['pods is not pods/log', pods, ask('get', 'pods/log'), false],
    ['pods/log is not pods', any({ resources: ['pods/log'] }), ask('get', 'pods'), false],
    ['pods/log is pods/log', any({ resources: ['pods/log'] }), ask('get', 'pods/log'), true],
    ['resources * includes every subresource', any({}), ask('get', 'pods/log'), true],
    ['*/log is the log of anything', any({ resources: ['*/log'] }), ask('get', 'pods/log'), true],
    ['but not the thing itself', any({ resources: ['*/log'] }), ask('get', 'log'), false],
    ['nor a longer subresource', any({ resources: ['*/log'] }), ask('get', 'pods/oslog'), false],
    ['nor a shorter one', any({ resources: ['*/oslog'] }), ask('get', 'pods/log'), false],
    ['pods/* is no wildcard', any({ resources: ['pods/*'] }), ask('get', 'pods/log'), false],
    ['nor does it include pods', any({ resources: ['pods/*'] }), ask('get', 'pods'), false],
    ['*/* is no wildcard either', any({ resources: ['*/*'] }), ask('get', 'pods/log'), false],
    ['po* is no prefix', any({ resources: ['po*'] }), ask('get', 'pods'), false],
    ['*s is no suffix', any({ resources: ['*s', '*/x'] }), ask('get', 'pods'), false],
    ['*/ is no wildcard', any({ resources: ['*/'] }), ask('get', 'pods/'), false],
    ['no resourceNames is any name', any({}), ask('get', 'pods', { name: 'x' }), true],
    ['and none', any({}), ask('list', 'pods'), true],
    ['empty resourceNames too', any({ resourceNames: [] }), ask('get', 'pods', { name: 'x' }), true],
    [
      'resourceNames has the name',
      any({ resourceNames: ['a', 'x'] }),
      ask('get', 'pods', { name: 'x' }),
      true,
    ],
    ['or not', any({ resourceNames: ['a'] }), ask('get', 'pods', { name: 'x' }), false],
    [
      'resourceNames never match a request without name',
      any({ resourceNames: ['x'] }),
      ask('create', 'pods'),
      false,
    ],
    ['resourceNames have no *', any({ resourceNames: ['*'] }), ask('get', 'pods', { name: 'x' }), false],
    [
      'an empty resourceName is a request without name',
      any({ resourceNames: [''] }),
      ask('list', 'pods'),
      true,
    ],
    ['and not every name', any({ resourceNames: [''] }), ask('get', 'pods', { name: 'x' }), false],
    ['no resources is no resource', { verbs: ['*'], apiGroups: ['*'] }, ask('get', 'pods'), false],
    ['no verbs is no verb', any({ verbs: [] }), ask('get', 'pods'), false],
    ['allows no URL', any({}), url('get', '/healthz'), false],
  ];
  test.each(cases)('%s', (_, rule, permission, expected) => {
    expect(isAllowed(withRule(rule), permission)).toBe(expected);
    // The same rule bound in the request's namespace says the same.
    const inNamespace = [clusterRole('r', rule), bind('ns', ref('ClusterRole', 'r'), user('alice'))];
    expect(isAllowed(inNamespace, { ...permission, namespace: 'ns' })).toBe(expected);
  });
});

describe('a URL rule', () => {
  const urls = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs });
  const cases: [string, PolicyRule, Permission, boolean][] = [
    ['allows the exact path', urls('/healthz'), url('get', '/healthz'), true],
    ['not one below it', urls('/healthz'), url('get', '/healthz/etcd'), false],
    ['not with a slash at the end', urls('/version'), url('get', '/version/'), false],
    ['not another verb', urls('/healthz'), url('head', '/healthz'), false],
    ['verbs *', { verbs: ['*'], nonResourceURLs: ['/healthz'] }, url('head', '/healthz'), true],
    ['* is every path', urls('*'), url('get', '/anything'), true],
    ['a trailing * is a prefix', urls('/api/*'), url('get', '/api/v1'), true],
    ['over slashes', urls('/api/*'), url('get', '/api/v1/x/y'), true],
    ['which may be empty', urls('/api/*'), url('get', '/api/'), true],
    ['but not beyond', urls('/api/*'), url('get', '/api'), false],
    ['no need of a slash', urls('/health*'), url('get', '/healthz'), true],
    ['several stars are one', urls('/api/**'), url('get', '/api/v1'), true],
    ['a * inside is no wildcard', urls('/api/*/x'), url('get', '/api/v1/x'), false],
    ['a leading one neither', urls('*/x'), url('get', '/api/x'), false],
    [
      'resources * is no URL',
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      url('get', '/api'),
      false,
    ],
    ['allows no resource', urls('*'), ask('get', 'pods'), false],
  ];
  test.each(cases)('%s', (_, rule, permission, expected) => {
    expect(isAllowed(withRule(rule), permission)).toBe(expected);
  });

  test('grants nothing through a RoleBinding, of a ClusterRole or of a Role', () => {
    const objects = [
      clusterRole('c', urls('*')),
      role('ns', 'r', urls('*')),
      bind('ns', ref('ClusterRole', 'c'), user('alice')),
      bind('ns', ref('Role', 'r'), user('alice')),
    ];
    expect(isAllowed(objects, url('get', '/healthz'))).toBe(false);
    expect(isAllowed(objects, { ...url('get', '/healthz'), namespace: 'ns' })).toBe(false);
  });
});

describe('bindings (rule.go)', () => {
  const all: PolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const getPods = (namespace: string): Permission => ask('get', 'pods', { namespace });

  test('a ClusterRoleBinding holds in every namespace and in none', () => {
    const objects = withRule(all);
    expect(isAllowed(objects, getPods(''))).toBe(true);
    expect(isAllowed(objects, getPods('ns'))).toBe(true);
  });

  test('a RoleBinding holds in its namespace only, never for a request without one', () => {
    const objects = [role('ns', 'r', all), bind('ns', ref('Role', 'r'), user('alice'))];
    expect(isAllowed(objects, getPods('ns'))).toBe(true);
    expect(isAllowed(objects, getPods('other'))).toBe(false);
    expect(isAllowed(objects, getPods(''))).toBe(false);
  });

  test('a RoleBinding to a ClusterRole grants its rules in that namespace', () => {
    const objects = [clusterRole('c', all), bind('ns', ref('ClusterRole', 'c'), user('alice'))];
    expect(isAllowed(objects, getPods('ns'))).toBe(true);
    expect(isAllowed(objects, getPods('other'))).toBe(false);
  });

  test('a Role is looked up in the namespace of the binding', () => {
    const objects = [role('other', 'r', all), bind('ns', ref('Role', 'r'), user('alice'))];
    expect(isAllowed(objects, getPods('ns'))).toBe(false);
    expect(isAllowed(objects, getPods('other'))).toBe(false);
  });

  test('a ClusterRoleBinding to a Role grants nothing', () => {
    const objects = [role('ns', 'r', all), role('', 'r', all), bindCluster(ref('Role', 'r'), user('alice'))];
    expect(isAllowed(objects, getPods('ns'))).toBe(false);
    expect(isAllowed(objects, getPods(''))).toBe(false);
  });

  test('a role that is not there grants nothing and hides nothing', () => {
    const objects = [bindCluster(ref('ClusterRole', 'gone'), user('alice')), ...withRule(all)];
    expect(isAllowed(objects.slice(0, 1), getPods(''))).toBe(false);
    expect(isAllowed(objects, getPods(''))).toBe(true);
  });

  test('a RoleBinding without a namespace grants nothing', () => {
    const binding = bind('', ref('ClusterRole', 'r'), user('alice'));
    expect(isAllowed([clusterRole('r', all), binding], getPods(''))).toBe(false);
    expect(createAuthorizer([clusterRole('r', all), binding]).rulesFor(ALICE, [])).toEqual([]);
  });

  test('GET of a Namespace is satisfied by a Role in that namespace', () => {
    const rule = { verbs: ['get'], apiGroups: [''], resources: ['namespaces'] };
    const objects = [role('dev', 'r', rule), bind('dev', ref('Role', 'r'), user('alice'))];
    expect(isAllowed(objects, ask('get', 'namespaces', { namespace: 'dev', name: 'dev' }))).toBe(true);
    expect(isAllowed(objects, ask('list', 'namespaces'))).toBe(false);
  });

  test('of two objects with one name the later counts', () => {
    const objects = [...withRule(all), clusterRole('r')];
    expect(isAllowed(objects, getPods(''))).toBe(false);
  });

  test('rules of several bindings add up; each rule stands alone', () => {
    const objects = [
      clusterRole('a', { verbs: ['get'], apiGroups: [''], resources: ['pods'] }),
      clusterRole('b', { verbs: ['list'], apiGroups: ['apps'], resources: ['deployments'] }),
      bindCluster(ref('ClusterRole', 'a'), user('alice')),
      bindCluster(ref('ClusterRole', 'b'), user('alice')),
    ];
    expect(isAllowed(objects, ask('get', 'pods'))).toBe(true);
    expect(isAllowed(objects, ask('list', 'deployments', { apiGroup: 'apps' }))).toBe(true);
    expect(isAllowed(objects, ask('list', 'pods'))).toBe(false);
  });
});

describe('subjects', () => {
  const all: PolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const get = ask('get', 'pods', { namespace: 'ns' });
  const bound = (...subjects: BindingSubject[]): RbacObject[] => [
    clusterRole('r', all),
    bindCluster(ref('ClusterRole', 'r'), ...subjects),
  ];

  test('a user by its exact name', () => {
    expect(isAllowed(bound(user('alice')), get)).toBe(true);
    expect(isAllowed(bound(user('Alice')), get)).toBe(false);
    expect(isAllowed(bound(user('*')), get)).toBe(false);
  });

  test('a group by its exact name, among the groups of the request', () => {
    expect(isAllowed(bound(group('devs')), get, ALICE, ['devs'])).toBe(true);
    expect(isAllowed(bound(group('devs')), get, ALICE, ['dev', 'devsx'])).toBe(false);
    expect(isAllowed(bound(group('system:authenticated')), get)).toBe(true);
  });

  test('a user and a group of one name are two', () => {
    expect(isAllowed(bound(group('alice')), get)).toBe(false);
    expect(isAllowed(bound(user('devs')), get, ALICE, ['devs'])).toBe(false);
  });

  test('a group as the subject itself is a member of itself', () => {
    const devs: Subject = { kind: 'Group', namespace: '', name: 'devs' };
    expect(isAllowed(bound(group('devs')), get, devs, [])).toBe(true);
    expect(isAllowed(bound(user('devs')), get, devs, [])).toBe(false);
  });

  test('a service account by namespace and name', () => {
    expect(isAllowed(bound(account('app', 'ns')), get, SA)).toBe(true);
    expect(isAllowed(bound(account('app', 'other')), get, SA)).toBe(false);
    expect(isAllowed(bound(account('ns', 'app')), get, SA)).toBe(false);
  });

  test('a service account without namespace is of the RoleBinding, and nobody in a ClusterRoleBinding', () => {
    const inNamespace = [clusterRole('r', all), bind('ns', ref('ClusterRole', 'r'), account('app'))];
    expect(isAllowed(inNamespace, get, SA)).toBe(true);
    const empty = [clusterRole('r', all), bind('ns', ref('ClusterRole', 'r'), account('app', ''))];
    expect(isAllowed(empty, get, SA)).toBe(true);
    expect(isAllowed(bound(account('app')), get, SA)).toBe(false);
  });

  test('a service account of another namespace may be bound here', () => {
    const objects = [clusterRole('r', all), bind('ns', ref('ClusterRole', 'r'), account('app', 'other'))];
    expect(isAllowed(objects, get, { kind: 'ServiceAccount', namespace: 'other', name: 'app' })).toBe(true);
    expect(isAllowed(objects, get, SA)).toBe(false);
  });

  test('User system:serviceaccount:ns:app is the service account, both ways', () => {
    expect(isAllowed(bound(user('system:serviceaccount:ns:app')), get, SA)).toBe(true);
    const asUser: Subject = { kind: 'User', namespace: '', name: 'system:serviceaccount:ns:app' };
    expect(isAllowed(bound(account('app', 'ns')), get, asUser, [])).toBe(true);
  });

  test('the groups of service accounts', () => {
    expect(isAllowed(bound(group('system:serviceaccounts')), get, SA)).toBe(true);
    expect(isAllowed(bound(group('system:serviceaccounts:ns')), get, SA)).toBe(true);
    expect(isAllowed(bound(group('system:serviceaccounts:other')), get, SA)).toBe(false);
    expect(isAllowed(bound(group('system:serviceaccounts')), get, ALICE)).toBe(false);
  });

  test('names of Object.prototype are names like any other', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const subject: Subject = { kind: 'User', namespace: '', name };
      const asked = ask('get', name, { namespace: name, name });
      expect(isAllowed(bound(user('alice')), asked, subject, [name])).toBe(false);
      expect(isAllowed(bound(user(name)), asked, subject, [])).toBe(true);
    }
  });
});

describe('the path of an answer', () => {
  const all: PolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const objects = [
    bind('ns', ref('ClusterRole', 'c'), user('alice')),
    bindCluster(ref('ClusterRole', 'c'), group('devs')),
    clusterRole('c', all),
  ];
  const request = { subject: ALICE, groups: ['devs'], permission: ask('get', 'pods', { namespace: 'ns' }) };

  test('names ClusterRoleBindings before RoleBindings, as the visitor goes', () => {
    const { by } = createAuthorizer(objects).authorize(request);
    expect(by?.binding.kind).toBe('ClusterRoleBinding');
    expect(by?.role).toBe(objects[2]);
  });

  test('does not depend on the order of the objects', () => {
    const twins = ['b', 'a', 'c'].map((name): RbacObject => ({
      apiVersion: V1,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: ref('ClusterRole', 'c'),
      subjects: [user('alice')],
    }));
    for (const order of [twins, twins.toReversed()]) {
      const { by } = createAuthorizer([...order, clusterRole('c', all)]).authorize(request);
      expect(by?.binding.metadata.name).toBe('a');
    }
  });

  test('is absent where the request is refused', () => {
    expect(createAuthorizer([]).authorize(request)).toEqual({ allowed: false });
  });

  test('two rules on one URL are asked one after the other', () => {
    const urls = (verb: string): PolicyRule => ({ verbs: [verb], nonResourceURLs: ['/metrics'] });
    const objects = [
      clusterRole('r', urls('get'), urls('post')),
      bindCluster(ref('ClusterRole', 'r'), user('alice')),
    ];
    const verbs = ['get', 'post', 'head'].filter((verb) => isAllowed(objects, url(verb, '/metrics')));
    expect(verbs).toEqual(['get', 'post']);
  });

  test('rulesFor is in the order of the bindings, whomever they bind', () => {
    const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
    const names = ['d', 'b', 'a', 'c'];
    const objects = names.flatMap((name) => [
      clusterRole(name, rule),
      bindCluster(ref('ClusterRole', name), name < 'c' ? group('devs') : user('alice')),
    ]);
    const rules = createAuthorizer(objects).rulesFor(ALICE, ['devs']);
    expect(rules.map((each) => each.role.metadata.name)).toEqual(names.toSorted());
  });

  test('rulesFor lists every rule once with its scope, through name and groups', () => {
    const both = bindCluster(ref('ClusterRole', 'c'), user('alice'), group('devs'), user('alice'));
    const [first] = objects;
    const authorizer = createAuthorizer([both, ...(first ? [first] : []), clusterRole('c', all)]);
    const rules = authorizer.rulesFor(ALICE, ['devs']);
    expect(rules.map(({ scope, binding, rule }) => [scope, binding.kind, rule])).toEqual([
      ['*', 'ClusterRoleBinding', all],
      ['ns', 'RoleBinding', all],
    ]);
    expect(authorizer.rulesFor(ALICE, [])).toHaveLength(2);
    expect(authorizer.rulesFor({ ...ALICE, name: 'bob' }, ['devs'])).toHaveLength(1);
  });
});
