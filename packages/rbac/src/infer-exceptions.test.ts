import { describe, expect, test } from 'vitest';

import { DAY_US } from './evidence.ts';
import type { PolicyOptions } from './options.ts';
import type { SubjectPolicy } from './policy.ts';
import { ALICE, permission, request, T0 } from './testing/requests.ts';
import { policyOf, requests, rulesOf } from './testing/spell.ts';

function rules(cells: readonly string[], knobs: Partial<PolicyOptions> = {}): Record<string, string[]> {
  return rulesOf(policyOf(requests(cells), knobs));
}

function exceptions(policy: SubjectPolicy | undefined): string[] {
  return (policy?.exceptions ?? []).map(
    (each) => `${each.class}: ${each.cell.verb} ${each.cell.resource}${each.cell.path}`,
  );
}

describe('what is not granted, and listed', () => {
  test.each(['bind', 'escalate', 'impersonate', 'use', 'approve', 'sign', 'proxy'])(
    'the special verb %s is withheld',
    (verb) => {
      const cells = [`${verb} things ns1 x`, 'get pods ns1'];
      expect(rules(cells)).toEqual({ ns1: ['get pods'] });
      expect(exceptions(policyOf(requests(cells)))).toEqual([`withheld: ${verb} things`]);
      expect(rules(cells, { specialVerbs: 'Grant' })['ns1']).toContain(`${verb} things [x]`);
    },
  );

  test('methods on URLs are not special', () => {
    expect(rules(['head /metrics', 'post /hooks/x'])).toEqual({ '': ['post /hooks/x', 'head /metrics'] });
  });

  test('what everybody may do by default is not granted again', () => {
    const cells = [
      'get /healthz',
      'get /livez',
      'get /readyz',
      'get /apis/apps/v1',
      'create authorization.k8s.io:selfsubjectaccessreviews',
      'get /healthz/etcd',
    ];
    expect(rules(cells)).toEqual({ '': ['get /healthz/etcd'] });
  });

  test('what only another authorizer allowed is not granted again, unless asked for', () => {
    const masters = [request({ permissions: [permission('get pods ns1')], viaRbac: false })];
    expect(exceptions(policyOf(masters))).toEqual(['other-authorizer: get pods']);
    expect(rulesOf(policyOf(masters, { includeOtherAuthorizers: true }))).toEqual({ ns1: ['get pods'] });
    expect(rulesOf(policyOf([...masters, ...requests(['get pods ns1'])]))).toEqual({ ns1: ['get pods'] });
  });

  test.each([
    'get * ns1',
    'get pods/* ns1 p',
    'get *:pods ns1',
    '* pods ns1',
    'get /api*',
    'get pods Not_A_Namespace',
    'get pods ns1 ..',
    'get pods ns1 a%2Fb',
  ])('%s cannot be a rule: it would mean more, or the API server would refuse it', (cell) => {
    const policy = policyOf(requests([cell]), { existing: [], specialVerbs: 'Grant' });
    expect(policy?.objects).toEqual([]);
    expect(policy?.exceptions.map((each) => each.class)).toEqual(['unrenderable']);
  });

  test('an empty verb, which only a wildcard allows, cannot be a rule', () => {
    const odd = [request({ permissions: [{ ...permission('get pods ns1'), verb: '' }] })];
    expect(exceptions(policyOf(odd))).toEqual(['unrenderable:  pods']);
  });

  test('refused requests are kept apart, most frequent first', () => {
    const policy = policyOf([
      ...requests(['get pods ns1']),
      ...['get secrets ns1', 'get secrets ns1', 'list secrets ns1'].map((cell) =>
        request({ permissions: [permission(cell)], outcome: 'denied' }),
      ),
    ]);
    expect(rulesOf(policy)).toEqual({ ns1: ['get pods'] });
    expect(policy?.denied.map(({ cell, evidence }) => `${cell.verb} ${String(evidence.count)}`)).toEqual([
      'get 2',
      'list 1',
    ]);
  });

  test('at most fifty are listed, of as many requests the first by name, and the rest is counted', () => {
    const cells = Array.from({ length: 60 }, (_, i) => `get secrets ns${String(i + 10)}`);
    const refused = cells
      .toReversed()
      .map((cell) => request({ permissions: [permission(cell)], outcome: 'denied' }));
    const policy = policyOf(refused);
    expect(policy?.denied.map(({ cell }) => cell.namespace)).toEqual(
      Array.from({ length: 50 }, (_, i) => `ns${String(i + 10)}`),
    );
    expect(policy?.deniedOverflow).toBe(10);
  });

  test('grants, exceptions and widenings are in order, whatever came first', () => {
    const cells = ['b', 'a'].flatMap((ns) => [
      `use things ${ns} y`,
      `use things ${ns} x`,
      ...['n1', 'n2', 'n3'].map((name) => `get secrets ${ns} ${name}`),
    ]);
    const policy = policyOf(requests(cells), { resourceNames: 2 });
    expect(policy?.granted.map(({ cell }) => cell.namespace)).toEqual(['a', 'b']);
    expect(policy?.exceptions.map(({ cell }) => `${cell.namespace} ${cell.name}`)).toEqual([
      'a x',
      'a y',
      'b x',
      'b y',
    ]);
    expect(policy?.widenings.map(({ what }) => what)).toEqual(['get secrets in a', 'get secrets in b']);
  });

  test('and are granted by explicit choice', () => {
    const refused = [request({ permissions: [permission('get secrets ns1')], outcome: 'denied' })];
    expect(rulesOf(policyOf(refused, { includeDenied: true }))).toEqual({ ns1: ['get secrets'] });
  });
});

describe('time', () => {
  const at = (cell: string, day: number) =>
    request({ permissions: [permission(cell)], us: T0 + day * DAY_US });

  test('what was not used within the retention leaves the policy, by the newest day or by --as-of', () => {
    const seen = [at('get pods ns1', 0), at('list pods ns1', 89), at('watch pods ns1', 90)];
    expect(rulesOf(policyOf(seen))).toEqual({ ns1: ['list,watch pods'] });
    expect(rulesOf(policyOf(seen, { retentionDays: 91 }))).toEqual({ ns1: ['get,list,watch pods'] });
    const asOfDay = Math.floor(T0 / DAY_US) + 89;
    expect(rulesOf(policyOf(seen, { asOfDay }))).toEqual({ ns1: ['get,list pods'] });
  });

  test('one use within the retention keeps a rule, however old its first use is', () => {
    expect(rulesOf(policyOf([at('get pods ns1', 0), at('get pods ns1', 200)]))).toEqual({
      ns1: ['get pods'],
    });
  });

  test('a namespace that was deleted is not rendered, unless it was made again', () => {
    const deleted = request({
      permissions: [permission('delete namespaces pr-1 pr-1')],
      us: T0 + 5,
      namespaceLife: { namespace: 'pr-1', change: 'deleted' },
    });
    const made = (us: number) =>
      request({
        permissions: [permission('create pods pr-1')],
        us,
        namespaceLife: { namespace: 'pr-1', change: 'live' },
      });
    const later = request({ permissions: [permission('delete pods pr-1 x')], us: T0 + 9 });
    expect(rulesOf(policyOf([made(T0), deleted, later]))).toEqual({});
    expect(exceptions(policyOf([made(T0), deleted])).every((each) => each.startsWith('namespace-gone'))).toBe(
      true,
    );
    expect(rulesOf(policyOf([made(T0), deleted, made(T0 + 6)]))['pr-1']).toContain('create pods');
    expect(rulesOf(policyOf([made(T0), deleted], { dropDeletedNamespaces: false }))['pr-1']).toContain(
      'create pods',
    );
  });

  test('a namespace that nobody used for thirty days is not rendered', () => {
    const seen = [at('get pods old', 0), at('get pods new', 30)];
    expect(rulesOf(policyOf(seen))).toEqual({ new: ['get pods'] });
    expect(rulesOf(policyOf([...seen, at('list pods old', 1)]))).toEqual({
      new: ['get pods'],
      old: ['get,list pods'],
    });
  });
});

test('what is granted already by RBAC that exists is not granted again', () => {
  const meta = { name: 'x', namespace: 'ns1' };
  const api = 'rbac.authorization.k8s.io';
  const existing = [
    {
      apiVersion: `${api}/v1` as const,
      kind: 'Role' as const,
      metadata: meta,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }],
    },
    {
      apiVersion: `${api}/v1` as const,
      kind: 'RoleBinding' as const,
      metadata: meta,
      roleRef: { apiGroup: api, kind: 'Role' as const, name: 'x' },
      subjects: [{ kind: 'User' as const, apiGroup: api, name: ALICE.name }],
    },
  ];
  expect(
    rulesOf(policyOf(requests(['get pods ns1', 'get secrets ns1', 'get pods ns2']), { existing })),
  ).toEqual({
    ns1: ['get secrets'],
    ns2: ['get pods'],
  });
});
