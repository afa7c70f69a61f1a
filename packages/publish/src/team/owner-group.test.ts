import type { Subject } from '@leastwise/audit-event';
import { renderRepository } from '@leastwise/render';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  type Codeowners,
  CLUSTER_GROUP,
  DEFAULT_CHOICES,
  groupOf,
  groupsOf,
  NO_CODEOWNERS,
  type OwnerGroup,
  parseCodeowners,
  parseTeamFile,
  policyPath,
  type TeamChoices,
} from './index.ts';

const API: Subject = { kind: 'ServiceAccount', namespace: 'payments', name: 'api' };

function choicesOf(text: string): TeamChoices {
  const { choices } = parseTeamFile(`version: 1\n${text}`);
  if (choices === undefined) throw new Error('no choices');
  return choices;
}

function group(
  namespace: string,
  { choices = DEFAULT_CHOICES, codeowners = NO_CODEOWNERS, cluster = 'prod' } = {},
): OwnerGroup {
  return groupOf({ cluster, subject: API, namespace }, choices, codeowners);
}

describe('who reviews a folder', () => {
  const choices = choicesOf(`owners:
  - {group: everybody, namespaces: ['*'], reviewers: ['@a/all']}
  - {group: payments, namespaces: [pay*], reviewers: ['@a/pay']}
  - {group: dev, namespaces: [pay*], clusters: [dev]}
  - {group: platform, clusterWide: true, clusters: [prod]}
`);
  const codeowners = parseCodeowners('* @root\n/clusters/*/namespaces/shop/ @b @a/Team_1\n', 'github');

  test('are the owners of the team’s file, of those that match the last', () => {
    expect(group('payments', { choices })).toEqual({
      group: 'payments',
      origin: 'team',
      reviewers: ['@a/pay'],
    });
    expect(group('shop', { choices, codeowners })).toEqual({
      group: 'everybody',
      origin: 'team',
      reviewers: ['@a/all'],
    });
    expect(group('', { choices })).toMatchObject({ group: 'platform', origin: 'team' });
    expect(group('', { choices, cluster: 'dev' })).toMatchObject({ group: 'cluster', origin: 'cluster' });
  });

  test('are asked as CODEOWNERS says where the team’s file names nobody to ask', () => {
    expect(group('payments', { choices, codeowners, cluster: 'dev' })).toEqual({
      group: 'dev',
      origin: 'team',
      reviewers: ['@root'],
    });
    expect(group('', { choices, codeowners })).toEqual({
      group: 'platform',
      origin: 'team',
      reviewers: ['@root'],
    });
  });

  test('are those of CODEOWNERS where the team’s file has none', () => {
    expect(group('shop', { codeowners })).toEqual({
      group: expect.stringMatching(/^owners-a-team-1\.b-[0-9a-f]{10}$/) as string,
      origin: 'codeowners',
      reviewers: ['@b', '@a/Team_1'],
    });
    expect(group('', { codeowners })).toEqual({
      group: CLUSTER_GROUP,
      origin: 'cluster',
      reviewers: ['@root'],
    });
  });

  test('are the namespace itself where nobody says more, or CODEOWNERS names nobody', () => {
    expect(group('shop')).toEqual({ group: 'namespace-shop', origin: 'namespace', reviewers: [] });
    const unowned = parseCodeowners('* @root\n/clusters/\n', 'github');
    expect(group('shop', { codeowners: unowned })).toMatchObject({ group: 'namespace-shop', reviewers: [] });
  });

  test('are one group for the same owners in any order, and another for any others', () => {
    const named = (owners: string): string =>
      group('shop', { codeowners: parseCodeowners(`* ${owners}`, 'github') }).group;
    expect(named('@a @b')).toBe(named('@b @a'));
    const sets = ['@a', '@a @b', '@a/b', '@a-b', 'a@b', '@A', `@${'x'.repeat(90)}`, `@${'x'.repeat(91)}`];
    const groups = sets.map(named);
    expect(new Set(groups).size).toBe(sets.length);
    for (const each of groups) expect(each).toMatch(/^owners-[a-z0-9][a-z0-9.-]{0,60}$/);
  });

  test('never fall into a group of another origin, whatever a namespace is called', () => {
    const origins = new Map<string, string>();
    const owners = choicesOf('owners: [{group: shop, namespaces: [shop-owned]}]');
    const any = parseCodeowners('/clusters/*/namespaces/o*/ @shop\n', 'github');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom('', 'cluster', 'shop', 'shop-owned', 'o', 'owners-shop', 'namespace-shop', 'Shop'),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
        ),
        (namespace) => {
          const found = group(namespace, { choices: owners, codeowners: any });
          const known = origins.get(found.group) ?? found.origin;
          expect(found.origin).toBe(known);
          origins.set(found.group, known);
          // Safe as part of a branch's name, and bounded.
          expect(found.group).toMatch(/^[a-z0-9][a-z0-9._%~-]{0,120}$/);
        },
      ),
    );
  });
});

describe('a subject’s policies', () => {
  test('are split by who reviews them, in any order of the namespaces', () => {
    const owned = {
      choices: choicesOf('owners: [{group: team, namespaces: [a, c], clusterWide: false}]'),
      codeowners: parseCodeowners(
        '/clusters/prod/namespaces/a/ @x\n/clusters/prod/namespaces/c/ @y\n/clusters/prod/cluster/ @root\n',
        'github',
      ) satisfies Codeowners,
    };
    const parts = groupsOf({ cluster: 'prod', subject: API }, ['c', '', 'b', 'a', 'b'], owned);
    expect(parts).toEqual([
      { group: 'cluster', origin: 'cluster', reviewers: ['@root'], namespaces: [''] },
      { group: 'namespace-b', origin: 'namespace', reviewers: [], namespaces: ['b'] },
      { group: 'team', origin: 'team', reviewers: ['@x', '@y'], namespaces: ['a', 'c'] },
    ]);
    expect(groupsOf({ cluster: 'prod', subject: API }, ['a', 'b', '', 'c'], owned)).toEqual(parts);
  });

  test('stand where the repository has them', () => {
    const base = { apiVersion: 'rbac.authorization.k8s.io/v1', rules: [] } as const;
    const objects = [
      { ...base, kind: 'Role', metadata: { name: 'r', namespace: 'con' } },
      { ...base, kind: 'ClusterRole', metadata: { name: 'r' } },
    ] as const;
    for (const cluster of ['prod', 'arn:aws:eks:eu/X']) {
      const files = renderRepository([{ cluster, policies: [{ subject: API, objects, notes: () => [] }] }]);
      for (const namespace of ['con', '']) {
        expect([...files.keys()]).toContain(policyPath({ cluster, subject: API, namespace }));
      }
    }
  });
});
