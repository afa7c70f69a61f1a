import { describe, expect, test } from 'vitest';

import { DAY_US } from './evidence.ts';
import type { PolicyOptions } from './options.ts';
import type { SubjectPolicy } from './policy.ts';
import { APP, permission, request, T0 } from './testing/requests.ts';
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

  test('a cluster-scoped resource under a path of a namespace is granted there, as asked, and nowhere else', () => {
    // The API server asks the authorizer with that namespace, and then answers 404.
    const policy = policyOf(requests(['get nodes foo n1']));
    expect(rulesOf(policy)).toEqual({ foo: ['get nodes [n1]'] });
    expect(policy?.objects.map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
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

  test('what Smart adds rests on all that the verb was seen with, whatever came first', () => {
    const seen = [
      request({ permissions: [permission('get secrets ns1 a')], grantingGroup: 'team' }),
      request({ permissions: [permission('get secrets ns1 b')], us: T0 + DAY_US }),
      request({ permissions: [permission('patch secrets ns1 c')] }),
    ];
    const granted = (order: typeof seen) => policyOf(order, { verbMerge: 'Smart' })?.granted;
    expect(granted(seen.toReversed())).toEqual(granted(seen));
    const added = granted(seen)?.find(({ cell }) => cell.verb === 'get' && cell.name === 'c')?.evidence;
    expect(added).toMatchObject({
      count: 0,
      grantingGroups: ['team'],
      firstSeenUs: T0,
      lastSeenUs: T0 + DAY_US,
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

  describe('namespaces of a group that are gone', () => {
    const done = (cell: string, us = T0) => request({ permissions: [permission(cell)], us });
    const deleted = (namespace: string) =>
      request({
        permissions: [permission(`delete namespaces ${namespace} ${namespace}`)],
        us: T0 + 1,
        namespaceLife: { namespace, change: 'deleted' },
      });
    const group = { namespaceGroups: ['pr-*'] };
    const bound = (policy: SubjectPolicy | undefined) =>
      policy?.objects.flatMap(({ kind, metadata }) =>
        kind === 'RoleBinding' || kind === 'ClusterRoleBinding' ? [metadata.namespace ?? 'cluster'] : [],
      );

    test('have their rules in its ClusterRole, which is bound in those that are left', () => {
      const policy = policyOf([done('list jobs pr-1'), deleted('pr-1'), done('list pods pr-2')], group);
      expect(rulesOf(policy)).toEqual({
        '': ['list jobs,pods', 'delete namespaces [pr-1]'],
      });
      expect(bound(policy)).toEqual(['pr-2']);
      expect(policy?.widenings).toEqual([{ kind: 'namespace-group', what: 'namespaces pr-*', replaced: 2 }]);
      expect(policy?.exceptions.map(({ cell, ...each }) => `${each.class} ${cell.namespace}`)).toEqual([
        'namespace-gone pr-1',
        'namespace-gone pr-1',
      ]);
    });

    test('so do those that were idle for long', () => {
      const old = done('list jobs pr-1', T0 - 40 * DAY_US);
      const policy = policyOf([old, done('list pods pr-2')], group);
      expect([rulesOf(policy), bound(policy)]).toEqual([{ '': ['list jobs,pods'] }, ['pr-2']]);
    });

    test('keep the ClusterRole for those to come where none is left, and alone make none', () => {
      const [one, two] = [
        [done('list jobs pr-1'), deleted('pr-1')],
        [done('list pods pr-2'), deleted('pr-2')],
      ];
      const policy = policyOf([...one, ...two], group);
      expect(rulesOf(policy)['']?.[0]).toBe('list jobs,pods');
      expect(bound(policy)).toEqual([]);
      expect(policyOf(one, group)?.objects).toEqual([]);
    });

    test('are in no role of a namespace outside of the group', () => {
      const seen = [done('list jobs pr-1'), deleted('pr-1'), done('list jobs old'), deleted('old')];
      const policy = policyOf([...seen, done('list pods prod')], group);
      expect([rulesOf(policy), bound(policy)]).toEqual([{ prod: ['list pods'] }, ['prod']]);
    });

    test('grant no more than they would alive: nothing withheld, too old, or everywhere', () => {
      const seen = [
        done('use things pr-1 x'),
        done('get configmaps pr-1'),
        done('get secrets pr-1', T0 - 100 * DAY_US),
        done('list jobs pr-1'),
        deleted('pr-1'),
        done('list jobs pr-2'),
        done('list jobs'),
        done('list pods pr-2'),
      ];
      const grouped = rulesOf(policyOf(seen, group))[''];
      expect(grouped).toEqual(['get configmaps', 'delete namespaces [pr-1]', 'list pods', 'list jobs']);
      expect(rulesOf(policyOf(seen, { ...group, specialVerbs: 'Grant' }))['']).toContain('use things [x]');
      const both = [done('list pods pr-1'), deleted('pr-1'), done('list pods pr-2')];
      expect(bound(policyOf(both, { ...group, expandMultiNamespace: true }))).toEqual(['pr-2']);
      const inCluster = policyOf(seen, { ...group, scopeMode: 'ClusterScopeAllowed' });
      // What is granted everywhere needs no namespace to be there.
      const everywhere = ['get configmaps', 'list jobs,pods', 'delete namespaces [pr-1]'];
      expect([rulesOf(inCluster), bound(inCluster)]).toEqual([{ '': everywhere }, ['cluster']]);
      expect(rulesOf(policyOf(seen, { ...group, namespace: 'pr-2' }))).toEqual({
        'pr-2': ['list jobs,pods'],
      });
    });

    test('widen by the same knobs, and the policy says so', () => {
      const names = ['a', 'b', 'c'].map((name) => done(`get secrets pr-1 ${name}`));
      const policy = policyOf([...names, deleted('pr-1'), done('get secrets pr-2 d')], {
        ...group,
        resourceNames: 2,
      });
      expect(rulesOf(policy)['']).toContain('get secrets');
      expect(policy?.widenings).toContainEqual({
        kind: 'names-collapsed',
        what: 'get secrets in pr-1',
        replaced: 3,
      });
    });

    test('the group that replaced a removed one is added for them, too', () => {
      const seen = [done('get extensions:ingresses pr-1 a'), deleted('pr-1'), done('list pods pr-2')];
      const policy = policyOf(seen, { ...group, mapDeprecatedGroups: true });
      expect(rulesOf(policy)['']).toContain('get networking.k8s.io:ingresses [a]');
    });
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
