import { describe, expect, test } from 'vitest';

import { createInference } from './infer.ts';
import { DEFAULT_OPTIONS, type PolicyOptions } from './options.ts';
import type { SubjectPolicy } from './policy.ts';
import { permission, request, stateOf } from './testing/requests.ts';
import { requests } from './testing/spell.ts';
import type { ObjectMeta, PolicyRule, RbacObject } from './types.ts';
import { checkObjects, checkPolicy } from './verify.ts';

const RULE: PolicyRule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };

function role(meta: Partial<ObjectMeta>, rules: readonly PolicyRule[] = [RULE]): RbacObject {
  const metadata = { name: 'r', namespace: 'ns1', ...meta };
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules };
}

function clusterRole(rules: readonly PolicyRule[], meta: ObjectMeta = { name: 'r' }): RbacObject {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: meta, rules };
}

function problemOf(...objects: readonly RbacObject[]): string | undefined {
  return checkObjects(objects)[0]?.detail.replace(/^\w+ \S*: /, '');
}

describe('what the API server would not accept is told', () => {
  const N63 = 'a'.repeat(63);

  test.each(['a', 'A.b_c-9', N63, `example.com/${N63}`, `${'a'.repeat(249)}.com/x`, '9/9'])(
    'the key %s is one of labels and annotations',
    (key) => {
      expect(problemOf(role({ labels: { [key]: 'v' } }))).toBeUndefined();
      expect(problemOf(role({ annotations: { [key]: 'v' } }))).toBeUndefined();
    },
  );

  test.each([
    '',
    '-a',
    'a-',
    'a b',
    'ä',
    `${N63}a`,
    '/a',
    'a/',
    'a/b/c',
    'a_b.com/x',
    '.com/x',
    'a..b/x',
    `${'a'.repeat(250)}.com/x`,
    'a\n',
  ])('the key %j is none', (key) => {
    expect(problemOf(role({ labels: { [key]: 'v' } }))).toMatch(/^the key of a label is not valid/);
    expect(problemOf(role({ annotations: { [key]: 'v' } }))).toMatch(
      /^the key of an annotation is not valid/,
    );
  });

  test('prefixes of annotations, but not of labels, may be upper case', () => {
    expect(problemOf(role({ annotations: { 'Example.COM/x': '' } }))).toBeUndefined();
    expect(problemOf(role({ labels: { 'Example.COM/x': '' } }))).toBeDefined();
  });

  test('values of labels are bounded, those of annotations hold any text', () => {
    for (const value of ['', 'a', 'A.b_c-9', N63]) {
      expect(problemOf(role({ labels: { a: value } }))).toBeUndefined();
    }
    for (const value of ['-', 'a-', 'a b', `${N63}a`, 'a/b']) {
      expect(problemOf(role({ labels: { a: value } }))).toBe('label a has no valid value');
      expect(problemOf(role({ annotations: { a: value } }))).toBeUndefined();
    }
  });

  test('annotations hold 256 KiB of keys and values together, in bytes', () => {
    const half = 'ü'.repeat(64 * 1024);
    const whole = { ab: half, cd: half.slice(2) };
    expect(problemOf(role({ annotations: whole }))).toBeUndefined();
    expect(problemOf(role({ annotations: { ...whole, e: '' } }))).toBe('annotations over 256 KiB');
    expect(problemOf(role({ annotations: { a: 'x'.repeat(256 * 1024 - 1) } }))).toBeUndefined();
    expect(problemOf(role({ annotations: { a: 'x'.repeat(256 * 1024) } }))).toBeDefined();
  });

  test.each(['', '.', '..', 'a/b', 'a%b', 'x'.repeat(254)])('the name %j', (name) => {
    expect(checkObjects([role({ name })])).toHaveLength(1);
  });

  test.each(['x'.repeat(253), 'a:b', '...', 'A b'])('but not the name %j', (name) => {
    expect(checkObjects([role({ name })])).toEqual([]);
  });

  test('namespaces where they belong, and valid ones', () => {
    expect(problemOf(role({ namespace: 'Ns' }))).toBe('not a valid namespace');
    const nowhere: RbacObject = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r' },
      rules: [],
    };
    expect(problemOf(nowhere)).toMatch(/^a namespace where none belongs, or none/);
    expect(problemOf(clusterRole([], { name: 'r', namespace: 'ns1' }))).toMatch(/^a namespace where none/);
    const bindings: RbacObject[] = (['RoleBinding', 'ClusterRoleBinding'] as const).map((kind) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind,
      metadata: { name: 'b', ...(kind === 'RoleBinding' ? { namespace: 'ns1' } : {}) },
      roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'r' },
      subjects: [],
    }));
    expect(checkObjects(bindings)).toEqual([]);
  });

  test('two objects of the same name', () => {
    const same = [role({}), role({})];
    expect(checkObjects(same)).toEqual([
      { kind: 'invalid-object', detail: 'Role ns1/r: an object of the same name' },
    ]);
    expect(
      checkObjects([role({}), role({ namespace: 'ns2' }), role({ name: 's' }), clusterRole([])]),
    ).toEqual([]);
  });

  const WILDCARD = 'a wildcard in groups, resources or URLs';
  const cases: [PolicyRule, string | undefined][] = [
    [RULE, undefined],
    [{ ...RULE, verbs: ['*'] }, undefined],
    [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }, undefined],
    [{ ...RULE, verbs: [] }, 'a rule without verbs'],
    [{ ...RULE, apiGroups: ['*'] }, WILDCARD],
    [{ ...RULE, resources: ['pods/*'] }, WILDCARD],
    [{ ...RULE, resources: ['pods', '*'] }, WILDCARD],
    [{ nonResourceURLs: ['/a*'], verbs: ['get'] }, WILDCARD],
    [{ resources: ['pods'], verbs: ['get'] }, 'a rule that names nothing'],
    [{ apiGroups: [''], verbs: ['get'] }, 'a rule that names nothing'],
  ];
  test.each(cases)('the rule %j: %s', (rule, expected) => {
    expect(problemOf(clusterRole([RULE, rule]))).toBe(expected);
  });

  test('a URL in a Role', () => {
    const rule = { nonResourceURLs: ['/metrics'], verbs: ['get'] };
    expect(problemOf(role({}, [rule]))).toBe('a non-resource URL in a Role');
  });
});

describe('a policy is asked for everything that it rests on', () => {
  function told(
    objectsOf: (policy: SubjectPolicy) => readonly RbacObject[],
    knobs: (policy: SubjectPolicy) => Partial<PolicyOptions> = () => ({}),
  ): string[] {
    const cluster = stateOf([
      ...requests(['get pods/exec ns1 p', 'list pods ns1']),
      request({ permissions: [permission('list secrets ns1')], outcome: 'denied' }),
    ]);
    const [state] = cluster.subjects.values();
    if (!state) throw new Error('no subject was observed');
    const policy = createInference(DEFAULT_OPTIONS)(state, cluster);
    const options = { ...DEFAULT_OPTIONS, ...knobs(policy) };
    return checkPolicy(state, { ...policy, objects: objectsOf(policy) }, options).map(({ detail }) => detail);
  }
  const whole = ({ objects }: SubjectPolicy) => objects;
  const none = () => [];

  test('and keeps its promise as it is', () => {
    expect(told(whole)).toEqual([]);
  });

  test('what is missing is named, with what WebSockets need, and what else is not excepted', () => {
    expect(told(none)).toEqual([
      'User alice: get pods/exec named p in ns1',
      'User alice: create pods/exec named p in ns1',
      'User alice: list pods in ns1',
    ]);
    expect(told(none, ({ objects }) => ({ existing: objects }))).toEqual([]);
    expect(told(whole, () => ({ includeDenied: true }))).toEqual(['User alice: list secrets in ns1']);
  });
});
