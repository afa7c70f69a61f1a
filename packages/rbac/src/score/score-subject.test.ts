import { describe, expect, test } from 'vitest';

import type { ScopedRule } from '../approved/cells.ts';
import { bootstrapDefaults } from '../bootstrap/index.ts';
import { createAuthorizer } from '../authorizer/index.ts';
import { NEWEST_KUBERNETES } from '../options.ts';
import { ALICE, permission } from '../testing/requests.ts';
import type { ClusterRole, PolicyRule } from '../types.ts';
import { BUILT_IN_URLS, type KnownResource } from './built-in.ts';
import { scoreSubject, severityOf, type SubjectScore } from './score-subject.ts';
import { Universe } from './universe.ts';
import type { UsedCell } from './usage.ts';

const CLUSTER_ADMIN: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

interface Case {
  /** By scope. */
  readonly granted: Readonly<Record<string, readonly PolicyRule[]>>;
  readonly used: readonly (string | Partial<UsedCell>)[];
  readonly namespaces?: readonly string[];
  readonly discovery?: readonly KnownResource[];
  readonly hasDefaults?: boolean;
}

function usedCell(used: string | Partial<UsedCell>): UsedCell {
  const defaults = { cell: permission('get pods'), count: 1, viaRbac: true, isAnyName: false };
  return typeof used === 'string' ? { ...defaults, cell: permission(used) } : { ...defaults, ...used };
}

function scoreOf({ granted, used, namespaces = ['ns1', 'ns2'], discovery, hasDefaults }: Case): SubjectScore {
  const rules = Object.entries(granted).flatMap(([scope, each]) =>
    each.map((rule): ScopedRule => ({ scope, rule })),
  );
  const role: ClusterRole = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'r' },
    rules: rules.map(({ rule }) => rule),
  };
  const cells = used.map(usedCell);
  const defaults = createAuthorizer(bootstrapDefaults(NEWEST_KUBERNETES));
  return scoreSubject({
    subject: ALICE,
    granted: rules,
    defaults: hasDefaults === true ? defaults.rulesFor(ALICE, ['system:authenticated']) : [],
    used: cells,
    universe: new Universe({ discovery, namespaces, rbac: [role], used: cells.map(({ cell }) => cell) }),
  });
}

function pods(...verbs: string[]): PolicyRule {
  return { apiGroups: [''], resources: ['pods'], verbs };
}

function secrets(verbs: readonly string[], resourceNames?: readonly string[]): PolicyRule {
  return { apiGroups: [''], resources: ['secrets'], verbs, ...(resourceNames ? { resourceNames } : {}) };
}

describe('what scores that count rules as written get wrong', () => {
  test('cluster-admin used for one get is 0, Red, with all that is sensitive about it', () => {
    const score = scoreOf({ granted: { '*': CLUSTER_ADMIN }, used: ['get pods ns1', 'get /healthz'] });
    expect([score.score, score.severity]).toEqual([0, 'Red']);
    expect(score.used).toBe(2n);
    expect(score.granted).toBeGreaterThan(700n);
    expect([...new Set(score.sensitiveExcess.map(({ kind }) => kind))]).toEqual([
      'bind',
      'certificates',
      'escalate',
      'exec',
      'impersonate',
      'nodes-proxy',
      'rbac-writes',
      'secrets',
      'tokens',
      'webhooks',
      'wildcard',
    ]);
    expect(score.uncovered).toEqual([]);
  });

  test('one verb of six on secrets is 16, and the other five are sensitive', () => {
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'delete'];
    const score = scoreOf({ granted: { ns1: [secrets(verbs)] }, used: ['get secrets ns1'] });
    expect([score.score, score.used, score.granted]).toEqual([16, 1n, 6n]);
    expect(score.sensitiveExcess).toEqual([
      { kind: 'secrets', rule: secrets(['create', 'delete', 'list', 'update', 'watch']) },
    ]);
  });

  test('an exact grant by name is 100', () => {
    const score = scoreOf({ granted: { ns1: [secrets(['get'], ['s'])] }, used: ['get secrets ns1 s'] });
    expect([score.score, score.severity, score.sensitiveExcess, score.uncovered]).toEqual([
      100,
      'Green',
      [],
      [],
    ]);
  });

  test('a prefix of URLs is one permission, used by any path below it', () => {
    const rule = { nonResourceURLs: ['/api/*'], verbs: ['get'] };
    expect(scoreOf({ granted: { '*': [rule] }, used: ['get /api/v1'] }).score).toBe(100);
    expect(scoreOf({ granted: { '*': [rule] }, used: ['get /apis'] }).score).toBe(0);
  });

  test('a wildcard of subresources stands for those that there are', () => {
    const rule = { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['update'] };
    const score = scoreOf({ granted: { ns1: [rule] }, used: ['update apps:deployments/scale ns1 web'] });
    expect([score.used, score.granted, score.score]).toEqual([1n, 3n, 33]);
  });
});

describe('where a permission holds', () => {
  test.each([
    [['get pods ns1'], 25],
    [['get pods ns1', 'get pods ns3'], 50],
    [['get pods -'], 100],
  ])('a grant in the whole cluster of four namespaces, used by %s, is %i', (used, expected) => {
    const namespaces = ['ns1', 'ns2', 'ns3', 'ns4'];
    expect(scoreOf({ granted: { '*': [pods('get')] }, used, namespaces }).score).toBe(expected);
  });

  test('what is of the cluster is one permission', () => {
    const rule = { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] };
    const score = scoreOf({ granted: { '*': [rule] }, used: ['get nodes - n1'] });
    expect([score.used, score.granted]).toEqual([1n, 2n]);
  });

  test('what is of the cluster, and URLs, are nothing in a namespace', () => {
    const rules = [
      { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get'] },
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ];
    const score = scoreOf({ granted: { ns1: rules }, used: ['get pods ns1'] });
    expect([score.granted, score.score]).toEqual([1n, 100]);
  });

  test('a namespace is asked for in itself', () => {
    const rule = { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] };
    expect(scoreOf({ granted: { ns1: [rule] }, used: ['get namespaces ns1 ns1'] }).score).toBe(100);
  });

  test('without any known namespace a grant in the whole cluster is still one', () => {
    const score = scoreOf({ granted: { '*': [pods('get')] }, used: [], namespaces: [] });
    expect([score.granted, score.score]).toEqual([1n, 0]);
  });

  test('several grants of the same are one', () => {
    const granted = { '*': [pods('get')], ns1: [pods('get')], ns2: [pods('get', 'list')] };
    expect(scoreOf({ granted, used: [] }).granted).toBe(3n);
    expect(scoreOf({ granted: { ns1: [pods('get')], ns2: [pods('get')] }, used: [] }).granted).toBe(2n);
    const apart = { ns1: [pods('get')], ns2: [{ ...pods('get'), resources: ['pods', 'services'] }] };
    expect(scoreOf({ granted: apart, used: [] }).granted).toBe(3n);
  });
});

describe('names', () => {
  test('each name that is granted counts, and any name uses a grant of any', () => {
    const named = scoreOf({
      granted: { ns1: [secrets(['get'], ['a', 'b', 'c'])] },
      used: ['get secrets ns1 b'],
    });
    expect([named.used, named.granted]).toEqual([1n, 3n]);
    const unnamed = scoreOf({ granted: { ns1: [secrets(['get'])] }, used: ['get secrets ns1 b'] });
    expect([unnamed.used, unnamed.granted]).toEqual([1n, 1n]);
  });

  test('names that were too many to keep may be any that is granted', () => {
    const used = [{ cell: permission('get secrets ns1'), isAnyName: true }];
    expect(scoreOf({ granted: { ns1: [secrets(['get'], ['a', 'b'])] }, used }).used).toBe(2n);
    expect(scoreOf({ granted: { ns2: [secrets(['get'], ['a', 'b'])] }, used }).used).toBe(0n);
  });
});

describe('what exists', () => {
  test('combinations of a rule that nobody serves are not counted', () => {
    const rule = {
      apiGroups: ['', 'apps'],
      resources: ['pods', 'deployments', 'pods/log'],
      verbs: ['get', 'list'],
    };
    // pods, deployments, and the log of pods, which cannot be listed.
    expect(scoreOf({ granted: { ns1: [rule] }, used: [] }).granted).toBe(5n);
  });

  test('what only a rule knows is counted as the rule says', () => {
    const rule = { apiGroups: ['x.io'], resources: ['things'], verbs: ['get', 'fly'] };
    expect(scoreOf({ granted: { ns1: [rule] }, used: [] }).granted).toBe(2n);
    const wild = { apiGroups: ['x.io'], resources: ['*'], verbs: ['*'] };
    expect(scoreOf({ granted: { ns1: [wild] }, used: [] }).granted).toBe(8n);
  });

  test('all URLs are those that every API server has, and those that were used', () => {
    const rule = { nonResourceURLs: ['*'], verbs: ['get'] };
    const score = scoreOf({ granted: { '*': [rule] }, used: ['get /logs/x'] });
    // The path itself, and the prefix of logs.
    expect([score.used, score.granted]).toEqual([2n, BigInt(BUILT_IN_URLS.length) + 1n]);
  });

  test('a special verb on a wildcard is counted where it is known, or everywhere where it is not', () => {
    const wild = (verb: string) => ({ apiGroups: [''], resources: ['*'], verbs: [verb] });
    // Users and groups, and service accounts in two namespaces.
    expect(scoreOf({ granted: { '*': [wild('impersonate')] }, used: [] }).granted).toBe(4n);
    const unknown = { apiGroups: ['x.io'], resources: ['*'], verbs: ['fly'] };
    expect(scoreOf({ granted: { ns1: [unknown] }, used: [] }).granted).toBe(1n);
  });

  test('discovery decides what wildcards stand for', () => {
    const discovery = [{ apiGroup: 'x.io', resource: 'things', isNamespaced: true, verbs: ['get', 'list'] }];
    const granted = { ns1: [{ apiGroups: ['x.io'], resources: ['*'], verbs: ['*'] }] };
    expect(scoreOf({ granted, used: ['get x.io:things ns1'], discovery }).score).toBe(50);
  });

  test('what was used exists, with its verb', () => {
    const granted = { ns1: [{ apiGroups: ['x.io'], resources: ['*'], verbs: ['get', 'fly'] }] };
    const score = scoreOf({ granted, used: ['get x.io:things ns1', 'fly x.io:things ns1'] });
    expect([score.used, score.granted]).toEqual([2n, 2n]);
  });

  test('a resource that was asked for by name without a namespace is of the cluster', () => {
    const granted = { '*': [{ apiGroups: ['x.io'], resources: ['zones'], verbs: ['get', 'list'] }] };
    expect(scoreOf({ granted, used: ['get x.io:zones - eu'] }).granted).toBe(2n);
  });
});

describe('what everybody has', () => {
  test('counts neither way, and covers', () => {
    const granted = { '*': [pods('get'), { nonResourceURLs: ['/api/*', '/version'], verbs: ['get'] }] };
    const used = ['get pods -', 'get /api/v1', 'create authorization.k8s.io:selfsubjectaccessreviews'];
    const score = scoreOf({ granted, used, hasDefaults: true });
    expect([score.used, score.granted, score.uncovered]).toEqual([2n, 2n, []]);
    expect(scoreOf({ granted, used }).uncovered.map(({ cell }) => cell.verb)).toEqual(['create']);
  });
});

describe('what was used and is not granted', () => {
  test('is listed in the order of cells, with who allowed it', () => {
    const used = [
      'list pods ns2',
      { cell: permission('get nodes'), viaRbac: false, count: 7 },
      'get pods ns1',
      'get /metrics',
    ];
    const { uncovered, score } = scoreOf({ granted: { ns1: [pods('get', 'list')] }, used });
    expect(score).toBe(50);
    expect(uncovered.map(({ cell, count, viaRbac }) => [cell.verb, cell.resource, count, viaRbac])).toEqual([
      ['get', 'nodes', 7, false],
      ['get', '', 1, true],
      ['list', 'pods', 1, true],
    ]);
  });

  test('a list of the whole cluster uses no grant in a namespace', () => {
    const score = scoreOf({ granted: { ns1: [pods('list')] }, used: ['list pods -'] });
    expect([score.score, score.uncovered.length]).toEqual([0, 1]);
  });

  test('with nothing granted there is no score, and with nothing used either it is 100', () => {
    const without = scoreOf({ granted: {}, used: ['get pods ns1'] });
    expect([without.score, without.severity]).toEqual([undefined, undefined]);
    expect(scoreOf({ granted: {}, used: [] }).score).toBe(100);
  });
});

describe('what is sensitive', () => {
  test('is not listed once it is all used, wildcards included', () => {
    const discovery = [{ apiGroup: '', resource: 'secrets', isNamespaced: true, verbs: ['get'] }];
    const granted = { ns1: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }] };
    expect(scoreOf({ granted, used: ['get secrets ns1'], discovery }).sensitiveExcess).toEqual([]);
    expect(scoreOf({ granted, used: [], discovery }).sensitiveExcess.map(({ kind }) => kind)).toEqual([
      'secrets',
      'wildcard',
    ]);
  });

  test('is listed where it is used in some namespaces only', () => {
    const score = scoreOf({ granted: { '*': [secrets(['get'])] }, used: ['get secrets ns1'] });
    expect(score.sensitiveExcess).toEqual([{ kind: 'secrets', rule: secrets(['get']) }]);
  });

  test('wildcards of URLs are, and impersonation of extras by any key', () => {
    const rules = [
      { nonResourceURLs: ['*'], verbs: ['get'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes'], verbs: ['impersonate'] },
    ];
    const { sensitiveExcess } = scoreOf({ granted: { '*': rules }, used: [] });
    expect(sensitiveExcess.map(({ kind }) => kind)).toEqual(['impersonate', 'wildcard']);
    expect(scoreOf({ granted: { ns1: rules.slice(0, 1) }, used: [] }).sensitiveExcess).toEqual([]);
  });
});

describe('bounded work', () => {
  const many = (what: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${what}${String(i)}`);

  test('a rule of a billion permissions is multiplied out, counted as unused, and said to be', () => {
    const huge = { apiGroups: many('g', 1000), resources: many('r', 1000), verbs: many('v', 1000) };
    const score = scoreOf({ granted: { ns1: [huge, pods('get')] }, used: ['get pods ns1'] });
    expect([score.granted, score.used, score.score, score.isAtLeast]).toEqual([1_000_000_001n, 1n, 0, true]);
  });

  test('so are names beyond the cells that are looked at, in all namespaces', () => {
    const named = { ...secrets(many('v', 3000), many('n', 3000)) };
    const namespaces = many('ns', 5000);
    const score = scoreOf({ granted: { '*': [named] }, used: [], namespaces });
    expect([score.granted, score.isAtLeast]).toEqual([3000n * 3000n * 5000n, true]);
    expect(score.sensitiveExcess).toHaveLength(1);
  });

  test('so is what rules name beyond the resources that are kept, in any order', () => {
    const rules = Array.from({ length: 12 }, (_, i) => ({
      apiGroups: many(`g${String(i)}.`, 100),
      resources: many(`r${String(i)}.`, 100),
      verbs: ['get'],
    }));
    const score = scoreOf({ granted: { ns1: rules }, used: ['get pods ns1'] });
    expect([score.granted, score.isAtLeast]).toEqual([120_000n, true]);
    expect(scoreOf({ granted: { ns1: rules.reverse() }, used: ['get pods ns1'] })).toEqual(score);
  });

  test('one role bound in many namespaces is looked at once', () => {
    const namespaces = many('ns', 5000);
    const granted = Object.fromEntries(namespaces.map((each) => [each, CLUSTER_ADMIN.slice(0, 1)]));
    const score = scoreOf({ granted, used: ['get pods ns7'], namespaces });
    expect([score.used, score.isAtLeast]).toEqual([1n, false]);
    expect(score.granted % 5000n).toBe(0n);
  });
});

test('bands are Green from 80, Yellow from 50, Red below', () => {
  expect([100, 80, 79, 50, 49, 0].map(severityOf)).toEqual([
    'Green',
    'Green',
    'Yellow',
    'Yellow',
    'Red',
    'Red',
  ]);
});

test('99.9 is 99: only what is whole is 100', () => {
  const namespaces = Array.from({ length: 1000 }, (_, i) => `ns${String(i)}`);
  const used = namespaces.slice(1).map((each) => `get pods ${each}`);
  expect(scoreOf({ granted: { '*': [pods('get')] }, used, namespaces }).score).toBe(99);
});
