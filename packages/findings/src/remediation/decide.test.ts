import type { RbacObject, RoleBinding } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { RbacFinding } from '../types.ts';
import { decideRemediation, type RemediationCase, type RemediationSettings } from './decide.ts';

const ROLE_REF = {
  apiGroup: 'rbac.authorization.k8s.io',
  kind: 'ClusterRole',
  name: 'cluster-admin',
} as const;

function binding(
  labels: Record<string, string>,
  more: { name?: string; namespace?: string; annotations?: Record<string, string> } = {},
): RoleBinding {
  const { name = 'ci', namespace = 'shop', annotations = {} } = more;
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name, namespace, labels, annotations },
    roleRef: ROLE_REF,
    subjects: [{ kind: 'ServiceAccount', name: 'cart', namespace: 'shop' }],
  };
}

function clusterBinding(labels: Record<string, string>, name = 'ci'): RbacObject {
  const { subjects, roleRef, apiVersion } = binding(labels);
  return { apiVersion, kind: 'ClusterRoleBinding', metadata: { name, labels }, roleRef, subjects };
}

function finding(check: string, suppressed?: RbacFinding['suppressed']): RbacFinding {
  return {
    check,
    severity: 'CRITICAL',
    message: 'm',
    object: { kind: 'RoleBinding', namespace: 'shop', name: 'ci' },
    paths: [],
    key: check,
    ...(suppressed ? { suppressed } : {}),
  };
}

const ASKED = { 'auto-remediate': 'true' };
const SETTINGS: RemediationSettings = {
  enabled: true,
  clusterRoleBindings: true,
  rules: ['R009', 'R010'],
  deletedLastHour: 0,
  maxPerHour: 1,
  self: [{ kind: 'ServiceAccount', namespace: 'leastwise-system', name: 'leastwise-auditor' }],
};

function decide(
  object: RbacObject,
  settings: Partial<RemediationSettings> = {},
  more: Partial<RemediationCase> = {},
): ReturnType<typeof decideRemediation> {
  const each = { object, hasOwnerReferences: false, findings: [finding('R009')], audits: 2, ...more };
  return decideRemediation(each, { ...SETTINGS, ...settings });
}

const NONE = { action: 'none' };
const refused = (reason: string): object => ({ action: 'refuse', reason });

describe('a binding that asked for it and was found', () => {
  test('is deleted, for the rules that the policy names', () => {
    const findings = [finding('R010'), finding('R009'), finding('R009'), finding('R093')];
    expect(decide(binding(ASKED), {}, { findings })).toEqual({ action: 'delete', rules: ['R009', 'R010'] });
    expect(decide(clusterBinding(ASKED))).toEqual({ action: 'delete', rules: ['R009'] });
  });

  test.each<[string, ReturnType<typeof decide>, object]>([
    ['nobody switched it on', decide(binding(ASKED), { enabled: false }), NONE],
    ['the policy names no such rule', decide(binding(ASKED), { rules: ['R030'] }), NONE],
    ['the policy names none', decide(binding(ASKED), { rules: [] }), NONE],
    [
      'somebody took responsibility',
      decide(
        binding(ASKED),
        {},
        { findings: [finding('R009', { owner: 'a', until: '2026-12-31', reason: 'b' })] },
      ),
      NONE,
    ],
    [
      'ClusterRoleBindings are not allowed',
      decide(clusterBinding(ASKED), { clusterRoleBindings: false }),
      refused('cluster role bindings are not allowed'),
    ],
    [
      'it was found only once',
      decide(binding(ASKED), {}, { audits: 1 }),
      refused('not seen in two audits yet'),
    ],
    [
      'enough was deleted',
      decide(binding(ASKED), { deletedLastHour: 1 }),
      refused('enough was deleted in this hour'),
    ],
    [
      'something else owns it',
      decide(binding(ASKED), {}, { hasOwnerReferences: true }),
      refused('another tool would make it again'),
    ],
  ])('is not deleted where %s', (_, verdict, expected) => {
    expect(verdict).toEqual(expected);
  });

  test.each([
    ['a name of the system', binding(ASKED, { name: 'system:node' })],
    ['a name of kubeadm', binding(ASKED, { name: 'kubeadm:get-nodes' })],
    ['a namespace of the system', binding(ASKED, { namespace: 'kube-system' })],
    ['the mark of the API server', binding({ ...ASKED, 'kubernetes.io/bootstrapping': 'rbac-defaults' })],
    ['the binding of all members of system:masters', clusterBinding(ASKED, 'cluster-admin')],
  ])('is not deleted with %s', (_, object) => {
    expect(decide(object)).toEqual(refused('the object belongs to the system'));
  });

  test.each([
    ['Helm, by its label', binding({ ...ASKED, 'app.kubernetes.io/managed-by': 'Helm' })],
    ['Helm, by its annotation', binding(ASKED, { annotations: { 'meta.helm.sh/release-name': 'x' } })],
    ['Argo CD', binding(ASKED, { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } })],
    ['Argo CD, by its label', binding({ ...ASKED, 'argocd.argoproj.io/instance': 'x' })],
    ['Flux', binding({ ...ASKED, 'kustomize.toolkit.fluxcd.io/name': 'x' })],
    ['the lifecycle manager', binding({ ...ASKED, 'olm.owner': 'x' })],
  ])('is not deleted while %s would make it again', (_, object) => {
    expect(decide(object)).toEqual(refused('another tool would make it again'));
  });

  test.each([
    [
      'as a service account',
      { kind: 'ServiceAccount', name: 'leastwise-auditor', namespace: 'leastwise-system' },
    ],
    ['as a user', { kind: 'User', name: 'system:serviceaccount:leastwise-system:leastwise-auditor' }],
  ] as const)('is not deleted where it binds the auditor %s', (_, subject) => {
    expect(decide({ ...binding(ASKED), subjects: [subject] })).toEqual(refused('it binds the auditor'));
  });

  test('binds somebody else by the same name elsewhere', () => {
    const subject = { kind: 'ServiceAccount', name: 'leastwise-auditor', namespace: 'shop' } as const;
    expect(decide({ ...binding(ASKED), subjects: [subject] })).toMatchObject({ action: 'delete' });
  });
});

test('what does not carry the label is never touched, whatever else is so', () => {
  const labels = fc.dictionary(
    fc.oneof(
      fc.constantFrom('auto-remediate', 'Auto-Remediate', 'auto-remediate ', 'x/auto-remediate'),
      fc.string(),
    ),
    fc
      .oneof(fc.constantFrom('True', 'TRUE', 'yes', '1', ' true', ''), fc.string())
      .filter((value) => value !== 'true'),
  );
  fc.assert(
    fc.property(
      labels,
      fc.boolean(),
      fc.array(fc.constantFrom('R009', 'R010', 'R030')),
      fc.nat({ max: 9 }),
      (own, isCluster, checks, audits) => {
        const object = isCluster ? clusterBinding(own) : binding(own);
        const verdict = decide(
          object,
          { maxPerHour: 100 },
          { findings: checks.map((each) => finding(each)), audits },
        );
        expect(verdict).toEqual(NONE);
      },
    ),
  );
});

test('roles are never touched', () => {
  const role: RbacObject = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'r', namespace: 'shop', labels: ASKED },
    rules: [],
  };
  expect(decide(role)).toEqual(NONE);
});
