import { describe, expect, test } from 'vitest';

import type { PolicyOptions } from './options.ts';
import type { SubjectPolicy } from './policy.ts';
import { APP, permission, request } from './testing/requests.ts';
import { policyOf, requests, rulesOf } from './testing/spell.ts';

function rules(cells: readonly string[], knobs: Partial<PolicyOptions> = {}): Record<string, string[]> {
  return rulesOf(policyOf(requests(cells), knobs));
}

describe('rules', () => {
  test('get pods and list services never share a rule', () => {
    expect(rules(['get pods ns1', 'list services ns1'])).toEqual({ ns1: ['get pods', 'list services'] });
  });

  test('verbs, names and resources join where the cross product is exactly what was seen', () => {
    expect(
      rules(['get secrets ns1 a', 'get secrets ns1 b', 'update secrets ns1 a', 'update secrets ns1 b']),
    ).toEqual({
      ns1: ['get,update secrets [a,b]'],
    });
    expect(rules(['get secrets ns1 a', 'get secrets ns1 b', 'update secrets ns1 a'])).toEqual({
      ns1: ['get,update secrets [a]', 'get secrets [b]'],
    });
    expect(rules(['list pods ns1', 'list services ns1', 'watch pods ns1', 'watch services ns1'])).toEqual({
      ns1: ['list,watch pods,services'],
    });
  });

  test('a list with and without a name selector: the unnamed rule covers, nothing is dropped', () => {
    expect(rules(['list secrets ns1 a', 'list secrets ns1'])).toEqual({ ns1: ['list secrets'] });
    expect(rules(['list secrets ns1 a', 'watch secrets ns1 a'])).toEqual({ ns1: ['list,watch secrets [a]'] });
  });

  test('a create of a subresource keeps the name; a top-level create has none', () => {
    expect(rules(['create pods/eviction ns1 p', 'create pods ns1'])).toEqual({
      ns1: ['create pods', 'create pods/eviction [p]'],
    });
  });

  test('a create that followed a server-side apply keeps the name that the authorizer saw', () => {
    expect(rules(['patch configmaps ns1 cm', 'create configmaps ns1 cm'])).toEqual({
      ns1: ['create,patch configmaps [cm]'],
    });
  });

  test('a namespaced grant that a cluster-wide one covers is not repeated', () => {
    expect(rules(['list pods', 'list pods ns1', 'get pods ns1 a'])).toEqual({
      '': ['list pods'],
      ns1: ['get pods [a]'],
    });
  });

  test('cluster-scoped requests of a service account need a ClusterRole, never a Role of its namespace', () => {
    const policy = policyOf([
      request({
        subject: APP,
        permissions: [permission('list nodes'), permission('list pods'), permission('get /metrics')],
      }),
      request({ subject: APP, permissions: [permission('get configmaps ns1 cm')] }),
    ]);
    expect(rulesOf(policy)).toEqual({
      '': ['list nodes,pods', 'get /metrics'],
      ns1: ['get configmaps [cm]'],
    });
    expect(policy?.objects.map(({ kind }) => kind)).toEqual([
      'Role',
      'ClusterRole',
      'RoleBinding',
      'ClusterRoleBinding',
    ]);
  });

  test('reading one namespace is satisfied by a Role in it', () => {
    expect(rules(['get namespaces dev dev'])).toEqual({ dev: ['get namespaces [dev]'] });
  });

  test('the version and group of a deprecated API stay; the group that replaced it is added on demand', () => {
    expect(rules(['get extensions:ingresses ns1 a'])).toEqual({ ns1: ['get extensions:ingresses [a]'] });
    expect(
      rules(['get extensions:ingresses ns1 a', 'get extensions:constructor ns1 a'], {
        mapDeprecatedGroups: true,
      }),
    ).toEqual({
      ns1: ['get extensions:constructor,ingresses [a]', 'get networking.k8s.io:ingresses [a]'],
    });
  });

  test.each([
    [34, ['get pods/exec [p]']],
    [35, ['create,get pods/exec [p]']],
    [36, ['create,get pods/exec [p]']],
  ])('an exec over WebSocket on Kubernetes 1.%i', (minor, expected) => {
    expect(rules(['get pods/exec ns1 p'], { kubernetesVersion: { major: 1, minor } })).toEqual({
      ns1: expected,
    });
  });

  test('subjects are bound as what they are', () => {
    const bound = (policy: SubjectPolicy | undefined) =>
      policy?.objects.flatMap((object) => ('subjects' in object ? object.subjects : []));
    expect(bound(policyOf(requests(['get pods ns1'])))).toEqual([
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' },
    ]);
    expect(bound(policyOf([request({ subject: APP, permissions: [permission('get pods ns2')] })]))).toEqual([
      { kind: 'ServiceAccount', name: 'app', namespace: 'ns1' },
    ]);
  });
});

describe('names', () => {
  const many = Array.from({ length: 11 }, (_, i) => `get secrets ns1 name${'abcdefghijk'[i] ?? ''}`);
  const generated = ['bcdfg', 'hjklm', 'nqrst'].map((hash) => `get pods ns1 web-7d4b9c6f5-${hash}`);

  test('up to ten stay, more collapse to unnamed, and the policy says so', () => {
    expect(rules(many.slice(1))['ns1']?.[0]).toMatch(/^get secrets \[nameb,.*namek\]$/);
    expect(rules(many)).toEqual({ ns1: ['get secrets'] });
    expect(policyOf(requests(many))?.widenings).toEqual([
      { kind: 'names-collapsed', what: 'get secrets in ns1', replaced: 11 },
    ]);
  });

  test('three that look generated collapse, two stay', () => {
    expect(rules(generated)).toEqual({ ns1: ['get pods'] });
    expect(rules(generated.slice(1))['ns1']?.[0]).toMatch(/^get pods \[/);
  });

  test('collapsing reads does not widen deletes of the same resource', () => {
    expect(rules([...many, 'delete secrets ns1 namea'])).toEqual({
      ns1: ['get secrets', 'delete secrets [namea]'],
    });
  });

  test.each([
    ['Explicit' as const, /^get secrets \[namea,.*namek\]$/],
    ['Omit' as const, /^get secrets$/],
    [11, /^get secrets \[namea,.*namek\]$/],
  ])('resourceNames %s', (resourceNames, expected) => {
    expect(rules(many, { resourceNames })['ns1']?.[0]).toMatch(expected);
  });
});

describe('knobs', () => {
  test('ClusterScopeAllowed grants everything in one ClusterRole', () => {
    expect(
      rules(['get pods ns1 a', 'get pods ns2 a', 'list nodes'], { scopeMode: 'ClusterScopeAllowed' }),
    ).toEqual({
      '': ['list nodes', 'get pods [a]'],
    });
  });

  test('Smart shares names among the verbs of a resource, creates aside', () => {
    const cells = [
      'get secrets ns1 a',
      'update secrets ns1 b',
      'create secrets ns1',
      'list pods ns1',
      'get pods ns1 p',
    ];
    expect(rules(cells, { verbMerge: 'Smart' })).toEqual({
      ns1: ['get,list pods', 'create secrets', 'get,update secrets [a,b]'],
    });
  });

  const eight = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];

  test('Safe writes all eight verbs as a wildcard, but not where that brings special verbs', () => {
    const on = (resource: string) => eight.map((verb) => `${verb} ${resource} ns1`);
    expect(rules(on('configmaps'), { wildcards: 'Safe' })).toEqual({ ns1: ['* configmaps'] });
    expect(rules(on('configmaps').slice(1), { wildcards: 'Safe' })['ns1']?.[0]).not.toMatch(/\*/);
    expect(rules(on('rbac.authorization.k8s.io:roles'), { wildcards: 'Safe' })['ns1']?.[0]).not.toMatch(/\*/);
    expect(rules(on('configmaps'))['ns1']?.[0]).not.toMatch(/\*/);
  });

  test('namespaces with equal rules share one ClusterRole on demand, bound in each', () => {
    const policy = policyOf(requests(['list pods ns1', 'list pods ns2', 'list jobs ns3']), {
      shareRoles: true,
    });
    expect(policy?.objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`)).toEqual([
      'Role ns3',
      'ClusterRole ',
      'RoleBinding ns1',
      'RoleBinding ns2',
      'RoleBinding ns3',
    ]);
    expect(rulesOf(policy)).toEqual({ '': ['list pods'], ns3: ['list jobs'] });
  });

  test('a group of namespaces shares one ClusterRole with all their rules', () => {
    const policy = policyOf(requests(['list pods pr-1', 'list jobs pr-2', 'list jobs prod']), {
      namespaceGroups: ['pr-*'],
    });
    expect(rulesOf(policy)).toEqual({ '': ['list jobs,pods'], prod: ['list jobs'] });
    expect(policy?.widenings).toEqual([{ kind: 'namespace-group', what: 'namespaces pr-*', replaced: 2 }]);
  });

  test('one namespace alone', () => {
    const policy = policyOf(requests(['list pods ns1', 'list pods ns2', 'list nodes', 'get /metrics']), {
      namespace: 'ns1',
    });
    expect(rulesOf(policy)).toEqual({ ns1: ['list pods'] });
    expect(policy?.exceptions.map((each) => each.class)).toEqual([
      'not-selected',
      'not-selected',
      'not-selected',
    ]);
  });
});
