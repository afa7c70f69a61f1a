import type { RbacObject } from '@leastwise/rbac';

import type { AuditInput } from '../input.ts';
import { DEFAULT_VIOLATION_POLICY, type ViolationPolicy } from '../violation-policy/policy.ts';
import type { Case } from './cases.ts';
import { binding, clusterBinding, clusterRole, NOW, role } from './objects.ts';

const VIEWER = clusterRole('viewer', ['get core pods']);
const DAY_MS = 86_400_000;

function policy(changes: Partial<ViolationPolicy>): Partial<AuditInput> {
  return { policy: { ...DEFAULT_VIOLATION_POLICY, ...changes } };
}

function one(
  check: string,
  severity: Case['severity'],
  what: string,
  objects: readonly RbacObject[],
  rest?: Partial<AuditInput>,
): Case {
  const all = [VIEWER, ...objects];
  return { check, severity, what, objects: all, ...(rest === undefined ? {} : { rest }) };
}

const FORBID_CI = policy({
  forbiddenSubjects: [{ subject: { name: 'system:serviceaccount:shop:ci' }, severity: 'CRITICAL' }],
});
const FORBID_VIEWER = policy({ forbiddenRoles: [{ name: 'view*' }] });
const RESTRICTED = policy({
  restrictedNamespaces: [
    {
      namespace: 'kube-*',
      allowedSubjects: [{ kind: 'Group', name: 'platform' }],
      allowedRoles: ['allowed'],
      severity: 'HIGH',
    },
  ],
});
const REVIEWED = policy({ reviewedAt: { key: 'reviewed', maxAgeDays: 90 } });
const KNOWN: Partial<AuditInput> = {
  known: { serviceAccounts: [{ namespace: 'shop', name: 'ci' }], namespaces: ['shop'], users: ['alice'] },
};
const reviewed = (at: string): RbacObject =>
  clusterBinding('b', 'viewer', ['User alice'], { annotations: { reviewed: at } });
const daysAgo = (days: number): string => new Date(NOW - days * DAY_MS).toISOString().slice(0, 10);

const SECRETS = [clusterRole('s', ['get core secrets']), clusterBinding('sb', 's', ['shop/ci'])];
const pod = (changes: object = {}): Partial<AuditInput> => ({
  workloads: [{ kind: 'Deployment', namespace: 'shop', name: 'd', serviceAccountName: 'ci', ...changes }],
});
const account = (annotations: Readonly<Record<string, string>>): Partial<AuditInput> => ({
  serviceAccounts: [{ namespace: 'shop', name: 'ci', annotations }],
});
const unused = (changes: object = {}): Partial<AuditInput> => ({
  unused: [
    {
      subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'ci' },
      verb: 'get',
      apiGroup: '',
      resource: 'secrets',
      namespace: '',
      unusedDays: 90,
      observedDays: 90,
      ...changes,
    },
  ],
});
const manyBindings = (count: number): readonly RbacObject[] =>
  Array.from({ length: count }, (_, i) => [
    clusterRole(`r${i}`, ['get core pods']),
    clusterBinding(`b${i}`, `r${i}`, ['User alice']),
  ]).flat();

/** What the checks of bindings, roles and the whole tell, and what only looks like it. */
export const BINDING_CASES: readonly Case[] = [
  one('R009', 'CRITICAL', 'cluster-admin in the cluster', [
    clusterBinding('b', 'cluster-admin', ['shop/ci']),
  ]),
  one('R009', 'MEDIUM', 'edit in a namespace', [binding('shop/b', 'ClusterRole edit', ['User alice'])]),
  one('R009', 'CRITICAL', 'admin in kube-system', [
    binding('kube-system/b', 'ClusterRole admin', ['User alice']),
  ]),
  one('R009', 'CRITICAL', 'a forbidden role', [clusterBinding('b', 'viewer', ['User alice'])], FORBID_VIEWER),
  one('R009', 'none', 'a Role that is called admin', [
    role('shop', 'admin', ['get core pods']),
    binding('shop/b', 'Role admin', ['User alice']),
  ]),
  one('R009', 'none', 'view', [clusterBinding('b', 'view', ['User alice'])]),
  one('R010', 'CRITICAL', 'the group', [clusterBinding('b', 'viewer', ['Group system:masters'])]),
  one('R010', 'none', 'a user of that name', [clusterBinding('b', 'viewer', ['User system:masters'])]),
  one('R011', 'CRITICAL', 'the user', [binding('shop/b', 'ClusterRole viewer', ['User system:anonymous'])]),
  one('R011', 'CRITICAL', 'the group', [clusterBinding('b', 'viewer', ['Group system:unauthenticated'])]),
  one('R011', 'none', 'public information', [
    clusterBinding('b', 'system:public-info-viewer', ['Group system:unauthenticated']),
  ]),
  one('R011', 'CRITICAL', 'a Role that is called so', [
    role('shop', 'system:public-info-viewer', ['get core secrets']),
    binding('shop/b', 'Role system:public-info-viewer', ['Group system:unauthenticated']),
  ]),
  one('R011', 'none', 'cluster-info of kubeadm', [
    role('kube-public', 'kubeadm:bootstrap-signer-clusterinfo', ['get core configmaps cluster-info']),
    binding('kube-public/b', 'Role kubeadm:bootstrap-signer-clusterinfo', ['User system:anonymous']),
  ]),
  one('R011', 'none', 'the other kind of name', [clusterBinding('b', 'viewer', ['Group system:anonymous'])]),
  one('R012', 'HIGH', 'all users', [clusterBinding('b', 'viewer', ['Group system:authenticated'])]),
  one(
    'R012',
    'CRITICAL',
    'all users of Google',
    [clusterBinding('b', 'viewer', ['Group system:authenticated'])],
    policy({ provider: 'gke' }),
  ),
  one('R012', 'none', 'discovery', [clusterBinding('b', 'system:discovery', ['Group system:authenticated'])]),
  one('R013', 'HIGH', 'all accounts', [clusterBinding('b', 'viewer', ['Group system:serviceaccounts'])]),
  one('R013', 'MEDIUM', 'of one namespace', [
    clusterBinding('b', 'viewer', ['Group system:serviceaccounts:shop']),
  ]),
  one('R013', 'none', 'one account', [clusterBinding('b', 'viewer', ['shop/ci'])]),
  one('R014', 'MEDIUM', 'the default account', [binding('shop/b', 'ClusterRole viewer', ['default'])]),
  one('R014', 'MEDIUM', 'as a user', [
    clusterBinding('b', 'viewer', ['User system:serviceaccount:shop:default']),
  ]),
  one('R014', 'none', 'a user of that name', [clusterBinding('b', 'viewer', ['User default'])]),
  one('R015', 'CRITICAL', 'an account', [clusterBinding('b', 'viewer', ['shop/ci'])], FORBID_CI),
  one(
    'R015',
    'CRITICAL',
    'the same as a user',
    [clusterBinding('b', 'viewer', ['User system:serviceaccount:shop:ci'])],
    FORBID_CI,
  ),
  one('R015', 'none', 'an account elsewhere', [clusterBinding('b', 'viewer', ['store/ci'])], FORBID_CI),
  one(
    'R016',
    'HIGH',
    'a stranger',
    [binding('kube-public/b', 'ClusterRole viewer', ['User alice'])],
    RESTRICTED,
  ),
  one(
    'R016',
    'none',
    'allowed',
    [binding('kube-system/b', 'ClusterRole viewer', ['Group platform'])],
    RESTRICTED,
  ),
  one(
    'R016',
    'none',
    'an allowed role',
    [
      role('kube-system', 'allowed', ['get core pods']),
      binding('kube-system/b', 'Role allowed', ['User alice']),
    ],
    RESTRICTED,
  ),
  one('R016', 'none', 'elsewhere', [binding('shop/b', 'ClusterRole viewer', ['User alice'])], RESTRICTED),
  one('R017', 'HIGH', 'all nodes', [clusterBinding('b', 'viewer', ['Group system:nodes'])]),
  one('R017', 'HIGH', 'one node', [clusterBinding('b', 'viewer', ['User system:node:n1'])]),
  one('R017', 'none', 'a user of the group’s name', [clusterBinding('b', 'viewer', ['User system:nodes'])]),
  one('R018', 'INFO', 'of another namespace', [binding('shop/b', 'ClusterRole viewer', ['store/ci'])]),
  one('R018', 'MEDIUM', 'in kube-system', [binding('kube-system/b', 'ClusterRole viewer', ['shop/ci'])]),
  one('R018', 'none', 'of its own', [binding('shop/b', 'ClusterRole viewer', ['ci'])]),
  one('R018', 'none', 'of the cluster', [clusterBinding('b', 'viewer', ['shop/ci'])]),
  one('R019', 'MEDIUM', 'no such role', [binding('shop/b', 'Role viewer', ['User alice'])]),
  one('R019', 'MEDIUM', 'no such ClusterRole', [clusterBinding('b', 'missing', ['User alice'])]),
  one('R019', 'none', 'a role of Kubernetes', [clusterBinding('b', 'system:auth-delegator', ['shop/ci'])]),
  one('R019', 'none', 'a role of Kubernetes in a namespace', [
    binding('kube-system/b', 'Role extension-apiserver-authentication-reader', ['shop/ci']),
  ]),
  one('R019', 'none', 'a role that exists besides', [clusterBinding('b', 'elsewhere', ['User alice'])], {
    context: [{ object: clusterRole('elsewhere', ['get core pods']) }],
  }),
  one('R020', 'MEDIUM', 'no such account', [clusterBinding('b', 'viewer', ['shop/gone'])], KNOWN),
  one('R020', 'MEDIUM', 'no such namespace', [clusterBinding('b', 'viewer', ['gone/ci'])], KNOWN),
  one('R020', 'MEDIUM', 'no such user', [clusterBinding('b', 'viewer', ['User bob'])], KNOWN),
  one(
    'R020',
    'none',
    'who is there',
    [clusterBinding('b', 'viewer', ['shop/ci', 'shop/default', 'User alice'])],
    KNOWN,
  ),
  one(
    'R020',
    'none',
    'a component, a group',
    [clusterBinding('b', 'viewer', ['User system:x', 'Group g'])],
    KNOWN,
  ),
  one('R020', 'none', 'where nothing is known', [clusterBinding('b', 'viewer', ['shop/gone'])]),
  one('R021', 'LOW', 'no namespace', [clusterBinding('b', 'viewer', ['ci'])]),
  one('R021', 'none', 'the namespace of the binding', [binding('shop/b', 'ClusterRole viewer', ['ci'])]),
  one('R044', 'MEDIUM', 'a role that writes itself into view', [
    clusterRole('w', ['get example.com widgets'], {
      labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
    }),
  ]),
  one('R044', 'HIGH', 'and reads secrets', [
    clusterRole(
      'w',
      ['get core secrets', 'create core pods/ephemeralcontainers', 'patch core pods/ephemeralcontainers'],
      {
        labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
      },
    ),
  ]),
  one('R044', 'none', 'with the label switched off', [
    clusterRole('w', ['get core secrets'], {
      labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'false' },
    }),
  ]),
  one('R091', 'MEDIUM', 'everything', [
    { ...clusterRole('a', []), aggregationRule: { clusterRoleSelectors: [{}] } },
  ]),
  one('R091', 'MEDIUM', 'a label that everybody has', [
    {
      ...clusterRole('a', []),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'app.kubernetes.io/name': 'x' } }] },
    },
  ]),
  one('R091', 'none', 'a label of its own', [
    {
      ...clusterRole('a', []),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'example.com/aggregate-to-a': 'true' } }] },
    },
  ]),
  one('R092', 'HIGH', 'left alone', [
    clusterRole('system:discovery', ['get url /api'], {
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' },
    }),
  ]),
  one('R092', 'HIGH', 'with more rules', [
    clusterRole('system:discovery', ['get url /api', 'get core secrets']),
  ]),
  one('R092', 'none', 'another role', [
    clusterRole('discovery', ['get core secrets'], {
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' },
    }),
  ]),
  one('R093', 'LOW', 'never', [clusterBinding('b', 'viewer', ['User alice'])], REVIEWED),
  one('R093', 'LOW', 'too long ago', [reviewed(daysAgo(92))], REVIEWED),
  one('R093', 'LOW', 'yet to come', [reviewed(daysAgo(-2))], REVIEWED),
  one('R093', 'LOW', 'on no day', [reviewed('2026-02-30')], REVIEWED),
  one('R093', 'LOW', 'in no form', [reviewed('last week')], REVIEWED),
  one(
    'R093',
    'MEDIUM',
    'in a privileged namespace',
    [binding('kube-system/b', 'ClusterRole viewer', ['User a'])],
    REVIEWED,
  ),
  one('R093', 'MEDIUM', 'of secrets', SECRETS, REVIEWED),
  one('R093', 'none', 'in time', [reviewed(daysAgo(89))], REVIEWED),
  one('R093', 'none', 'at a time of the day', [reviewed('2026-06-30T23:59:00+02:00')], REVIEWED),
  one('R093', 'none', 'where nobody asks', [clusterBinding('b', 'viewer', ['User alice'])]),
  one('R094', 'CRITICAL', 'secrets', SECRETS, unused()),
  one('R094', 'LOW', 'pods', [clusterBinding('b', 'viewer', ['shop/ci'])], unused({ resource: 'pods' })),
  one('R094', 'none', 'for a short time', SECRETS, unused({ unusedDays: 89 })),
  one('R094', 'none', 'where nobody could see it', SECRETS, unused({ observedDays: 89 })),
  one('R094', 'none', 'what is not granted', SECRETS, unused({ verb: 'list' })),
  one('R095', 'CRITICAL', 'a pod', SECRETS, pod()),
  one('R095', 'CRITICAL', 'a pod whose account says no, and which says yes', SECRETS, {
    ...pod({ automountServiceAccountToken: true }),
    serviceAccounts: [{ namespace: 'shop', name: 'ci', automountServiceAccountToken: false }],
  }),
  one(
    'R095',
    'CRITICAL',
    'through a group',
    [
      clusterRole('h', ['create core pods']),
      clusterBinding('hb', 'h', ['Group system:serviceaccounts:shop']),
    ],
    pod(),
  ),
  one('R095', 'none', 'a pod without a token', SECRETS, pod({ automountServiceAccountToken: false })),
  one('R095', 'none', 'an account without a token', SECRETS, {
    ...pod(),
    serviceAccounts: [{ namespace: 'shop', name: 'ci', automountServiceAccountToken: false }],
  }),
  one('R095', 'none', 'another account', SECRETS, pod({ serviceAccountName: 'other' })),
  one('R096', 'LOW', 'a role of AWS', [], account({ 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/x' })),
  one(
    'R096',
    'none',
    'another annotation',
    [],
    account({ 'eks.amazonaws.com/sts-regional-endpoints': 'true' }),
  ),
  one('R097', 'INFO', 'many roles', manyBindings(21)),
  one('R097', 'none', 'not so many', manyBindings(20)),
  one('R097', 'INFO', 'twice the same', [
    clusterBinding('b', 'viewer', ['User alice']),
    clusterBinding('c', 'viewer', ['User alice']),
  ]),
  one('R097', 'none', 'in two namespaces', [
    binding('shop/b', 'ClusterRole viewer', ['User alice']),
    binding('store/b', 'ClusterRole viewer', ['User alice']),
  ]),
  one('R097', 'INFO', 'a dashboard', [clusterBinding('b', 'viewer', ['dash/kubernetes-dashboard'])]),
  one(
    'R097',
    'INFO',
    'many subjects',
    [binding('shop/b', 'ClusterRole viewer', ['User a', 'User b'])],
    policy({ thresholds: { ...DEFAULT_VIOLATION_POLICY.thresholds, subjectsPerNamespace: 1 } }),
  ),
];
