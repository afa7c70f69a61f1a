import type { Subject } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import {
  account,
  bind,
  bindCluster,
  clusterRole,
  group,
  ref,
  user,
  V1,
} from '../authorizer/testing/build.ts';
import type { RbacObject } from '../types.ts';
import { diffRbac, formatGrant } from './index.ts';
import { granted, lines, rule, urls } from './testing/lines.ts';

describe('groups', () => {
  const pods = [rule(['get'], ['pods'])];
  const to = (...subjects: Parameters<typeof bindCluster>[1][]): RbacObject[] => [
    clusterRole('r', ...pods),
    bindCluster(ref('ClusterRole', 'r'), ...subjects),
  ];

  test('that everybody is in count as their own', () => {
    expect(
      lines(to(group('system:authenticated')), [...to(group('system:authenticated'), user('alice'))]),
    ).toEqual([]);
    expect(lines(to(user('alice')), to(group('system:authenticated')))).toEqual([
      'system:authenticated: + get pods in the whole cluster',
    ]);
    expect(
      lines(to(group('system:serviceaccounts')), to(group('system:serviceaccounts'), account('app', 'ns'))),
    ).toEqual([]);
    expect(
      lines(
        to(group('system:serviceaccounts:ns')),
        to(group('system:serviceaccounts:ns'), account('app', 'ns')),
      ),
    ).toEqual([]);
  });

  test('that one may be in or not do not', () => {
    const before = to(group('devs'));
    expect(lines(before, to(group('devs'), user('alice')))).toEqual([
      'alice: + get pods in the whole cluster',
    ]);
    expect(
      lines(to(group('system:serviceaccounts:a')), to(group('system:serviceaccounts:a'), account('x', 'b'))),
    ).toHaveLength(1);
    expect(
      lines(to(group('system:authenticated')), to(group('system:authenticated'), user('system:anonymous'))),
    ).toEqual(['system:anonymous: + get pods in the whole cluster']);
  });
});

describe('roles that are in neither side', () => {
  const binding = (name: string, subject = user('alice')): RbacObject =>
    bindCluster(ref('ClusterRole', name), subject);

  test('a new binding to one is no empty diff', () => {
    expect(lines([], [binding('cluster-admin')])).toEqual([
      'alice: + everything in ClusterRole cluster-admin in the whole cluster',
    ]);
    expect(lines([binding('view')], [binding('edit')])).toEqual([
      'alice: + everything in ClusterRole edit in the whole cluster',
      'alice: - everything in ClusterRole view in the whole cluster',
    ]);
    expect(lines([binding('view')], [binding('view')])).toEqual([]);
  });

  test('the whole cluster includes a namespace, and groups that everybody is in count', () => {
    const inNamespace = bind('ns', ref('ClusterRole', 'view'), user('alice'));
    expect(lines([binding('view')], [binding('view'), inNamespace])).toEqual([]);
    expect(lines([inNamespace], [binding('view')])).toHaveLength(1);
    const all = binding('view', group('system:authenticated'));
    expect(lines([all], [all, inNamespace])).toEqual([]);
  });

  test('a role in one side is known: bound to it before it was there grants nothing', () => {
    const after = [clusterRole('own', rule(['get'], ['pods'])), binding('own')];
    expect(lines([binding('own')], after)).toEqual(['alice: + get pods in the whole cluster']);
    expect(lines(after, [binding('own')])).toEqual(['alice: - get pods in the whole cluster']);
  });

  test('what can never grant anything is not told', () => {
    expect(lines([], [bindCluster(ref('Role', 'x'), user('alice'))])).toEqual([]);
  });
});

describe('the result', () => {
  test('is sorted, whatever the order of the objects', () => {
    const objects = ['bob', 'alice'].flatMap((name): RbacObject[] => [
      clusterRole(name, rule(['watch', 'get'], ['secrets', 'pods']), urls(['get'], '/b', '/a')),
      {
        ...bindCluster(
          ref('ClusterRole', name),
          user(name),
          account('x', 'z'),
          account('x', 'a'),
          group('g'),
        ),
      },
    ]);
    const expected = diffRbac([], objects);
    expect(diffRbac([], objects.toReversed())).toEqual(expected);
    const subjects = expected.subjects.map(({ subject }) => subject);
    expect(subjects.map(({ kind, namespace, name }) => `${kind} ${namespace} ${name}`)).toEqual([
      'Group  g',
      'ServiceAccount a x',
      'ServiceAccount z x',
      'User  alice',
      'User  bob',
    ]);
    expect(expected.subjects[0]?.added.map(formatGrant)).toEqual([
      'get pods in the whole cluster',
      'watch pods in the whole cluster',
      'get secrets in the whole cluster',
      'watch secrets in the whole cluster',
      'get /a',
      'get /b',
    ]);
  });

  test('a label that makes a role part of an aggregated one is a grant', () => {
    const view = (...roles: RbacObject[]): RbacObject[] => [
      {
        ...clusterRole('view', rule(['get'], ['pods'])),
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { v: 'y' } }] },
      },
      bindCluster(ref('ClusterRole', 'view'), user('alice')),
      { ...clusterRole('base', rule(['get'], ['pods'])), metadata: { name: 'base', labels: { v: 'y' } } },
      ...roles,
    ];
    const extra: RbacObject = {
      apiVersion: V1,
      kind: 'ClusterRole',
      metadata: { name: 'x', labels: { v: 'y' } },
      rules: [rule(['list'], ['secrets'])],
    };
    expect(lines(view(), view(extra))).toEqual(['alice: + list secrets in the whole cluster']);
  });

  const many = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${prefix}${i}`);

  test('a rule whose lists multiply to billions is compared without walking its product', () => {
    const big = {
      verbs: many('v', 2_000),
      apiGroups: many('g', 2_000),
      resources: many('r', 100),
      resourceNames: many('n', 10),
    };
    expect(lines(granted([big]), granted([big, rule(['get'], ['pods'])]))).toEqual([
      'alice: + get pods in the whole cluster',
    ]);
    const halves = [0, 1].map((half) => ({ ...big, verbs: big.verbs.filter((_, i) => i % 2 === half) }));
    expect(lines(granted(halves), granted([big]))).toEqual([]);
    const more = {
      ...big,
      resourceNames: [...big.resourceNames, 'x'],
      verbs: [...big.verbs.slice(0, 3)],
      apiGroups: ['g0'],
    };
    expect(lines(granted([big]), granted([big, more]))).toHaveLength(300);
  });

  test('what is too much to compare is incomplete, even with nothing to list', () => {
    const verbs = many('v', 1_000);
    const split = verbs.map((verb) => rule([verb], ['*']));
    const whole = rule(verbs, many('r', 200));
    expect(diffRbac(granted(split), granted([whole])).isComplete).toBe(false);
  });

  test('what is too much to list is incomplete, never empty', () => {
    const big = { verbs: many('v', 1_000), apiGroups: many('g', 1_000), resources: many('r', 1_000) };
    const { subjects, isComplete } = diffRbac([], granted([big]));
    expect(isComplete).toBe(false);
    expect(subjects).toHaveLength(1);
  });
});

test('is empty and complete for the same, whoever is bound', () => {
  const subject: Subject = { kind: 'User', namespace: '', name: '__proto__' };
  const objects = [
    clusterRole('__proto__', rule(['get'], ['constructor'])),
    bindCluster(ref('ClusterRole', '__proto__'), user(subject.name)),
  ];
  expect(diffRbac(objects, objects)).toEqual({ subjects: [], isComplete: true });
  expect(diffRbac([], objects).subjects.map((each) => each.subject)).toEqual([subject]);
});
