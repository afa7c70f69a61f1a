import type { RbacFinding, RemediationSettings } from '@leastwise/findings';
import { type KubeObject, toKubeObject } from '@leastwise/kube';
import { describe, expect, test } from 'vitest';

import { AuditCounts, canBeCopied, copyOf, planRemediation, remediationOf } from './remediate.ts';

const SETTINGS: RemediationSettings = {
  enabled: true,
  clusterRoleBindings: false,
  rules: ['R009'],
  deletedLastHour: 0,
  maxPerHour: 1,
  self: [],
};

function live(name: string, more: object = {}): KubeObject {
  const object = toKubeObject({
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion: '7',
      creationTimestamp: '2026-01-05T12:00:00Z',
      labels: { 'auto-remediate': 'true' },
      managedFields: [{ manager: 'kubectl' }],
      ...more,
    },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'cart', namespace: 'shop' }],
  });
  if (!object) throw new Error('no object');
  return object;
}

function finding(name: string, check = 'R009'): RbacFinding {
  return {
    check,
    severity: 'HIGH',
    message: 'm',
    object: { kind: 'RoleBinding', namespace: 'shop', name },
    paths: [],
    key: `${check}${name}`,
  };
}

function plan(
  objects: readonly KubeObject[],
  findings: readonly RbacFinding[],
  more: Partial<RemediationSettings> = {},
) {
  const byName = new Map(objects.map((each) => [each.name, each]));
  return planRemediation({
    view: { raw: (_kind, _namespace, name) => byName.get(name) },
    findings,
    settings: { ...SETTINGS, ...more },
    auditsOf: () => 2,
  });
}

describe('what is to be deleted', () => {
  test('is one binding for an hour; the next ones are refused until then', () => {
    const plans = plan([live('a'), live('b')], [finding('a'), finding('b'), finding('a', 'R093')]);
    expect(plans.map(({ object, verdict }) => [object.name, verdict.action])).toEqual([
      ['a', 'delete'],
      ['b', 'refuse'],
    ]);
    expect(plans[0]?.violations).toHaveLength(1);
    expect(plans[0]?.violations[0]).toMatch(/^r009-shop-a-/);
  });

  test('is nothing that is gone already, owned by something, or no binding', () => {
    const role = { ...finding('a'), object: { kind: 'Role', namespace: 'shop', name: 'a' } };
    expect(plan([live('a')], [finding('gone'), role])).toEqual([]);
    const owned = live('a', { ownerReferences: [{ kind: 'Deployment' }] });
    expect(plan([owned], [finding('a')]).map(({ verdict }) => verdict.action)).toEqual(['refuse']);
  });

  test('is kept as a copy that can be applied again', () => {
    expect(JSON.parse(copyOf('RoleBinding', live('a')))).toEqual({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'a', namespace: 'shop', labels: { 'auto-remediate': 'true' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: [{ kind: 'ServiceAccount', name: 'cart', namespace: 'shop' }],
    });
    const [small] = plan([live('a')], [finding('a')]);
    const [large] = plan([live('a', { annotations: { a: 'x'.repeat(250_000) } })], [finding('a')]);
    expect([small && canBeCopied(small), large && canBeCopied(large)]).toEqual([true, false]);
  });

  test('is said, not done, in a dry run', () => {
    const [first] = plan([live('a')], [finding('a')]);
    if (!first) throw new Error('no plan');
    const nowMs = Date.UTC(2026, 0, 5, 12);
    expect(remediationOf(first, { dryRun: true, nowMs })).toEqual({
      action: 'would delete',
      reason: 'found by R009',
      at: '2026-01-05T12:00:00Z',
    });
    expect(remediationOf(first, { dryRun: false, nowMs }).copy).toContain('"name": "a"');
  });
});

test('audits are counted for one version of an object, one after the other', () => {
  const counts = new AuditCounts();
  const object = live('a');
  const changed = live('a', { resourceVersion: '8' });
  counts.add([object]);
  counts.add([object]);
  expect(counts.of(object)).toBe(2);
  expect(counts.of(changed)).toBe(0);
  counts.add([changed]);
  expect([counts.of(object), counts.of(changed)]).toEqual([0, 1]);
  counts.add([]);
  expect(counts.of(changed)).toBe(0);
});
