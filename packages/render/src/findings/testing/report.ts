import type { CheckInfo, GrantStep, ObjectReference, RbacFinding } from '@leastwise/findings';

import type { FindingsReport } from '../report.ts';

export const CHECKS: readonly CheckInfo[] = [
  {
    id: 'R001',
    title: 'Everything in the whole cluster',
    why: 'All verbs on all resources of all groups is cluster-admin by another name.',
    remedy: 'Grant the verbs and resources that are used.',
    severity: 'CRITICAL',
    peers: ['TR 0044', 'KU 0035'],
  },
  {
    id: 'R019',
    title: 'Binding to a role that is not there',
    why: 'Who creates a role of that name chooses what is granted.',
    remedy: 'Create the role, or remove the binding.',
    severity: 'MEDIUM',
    peers: [],
  },
  {
    id: 'R030',
    title: 'Read secrets',
    why: 'Secrets hold tokens and passwords.',
    remedy: 'Name the secrets that are needed, and grant get only.',
    severity: 'MEDIUM',
    peers: ['RP list_secrets'],
  },
  {
    id: 'R090',
    title: 'Rule that grants nothing',
    why: 'It reads as if it granted something.',
    remedy: 'Remove it.',
    severity: 'LOW',
    peers: [],
  },
];

export const CI_BINDING: ObjectReference = {
  kind: 'ClusterRoleBinding',
  name: 'ci',
  origin: { file: 'deploy/rbac.yaml', line: 12 },
};
const CI_ROLE: ObjectReference = {
  kind: 'ClusterRole',
  name: 'ci',
  origin: { file: 'deploy/rbac.yaml', line: 1 },
};

export function step(fields: Partial<GrantStep> = {}): GrantStep {
  return {
    binding: CI_BINDING,
    role: CI_ROLE,
    ruleIndex: 0,
    rule: { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    grant: '* * in the whole cluster',
    ...fields,
  };
}

export function finding(fields: Partial<RbacFinding> = {}): RbacFinding {
  return {
    check: 'R001',
    severity: 'CRITICAL',
    message: 'User ci may do everything in the whole cluster.',
    object: CI_BINDING,
    subject: { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ci' },
    paths: [step()],
    key: '00000001',
    ...fields,
  };
}

const SHOP: ObjectReference = {
  kind: 'RoleBinding',
  namespace: 'shop',
  name: 'web',
  origin: { file: 'deploy/shop app/web,1.yaml', line: 3 },
};

/** One of each: critical, worse than the catalogue says, suppressed, of an unknown role, from no file. */
export const REPORT: FindingsReport = {
  toolVersion: '1.2.3',
  checks: CHECKS,
  findings: [
    finding(),
    finding({
      check: 'R030',
      severity: 'HIGH',
      message: 'ServiceAccount shop/web may get and list secrets in namespace shop.',
      object: SHOP,
      subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'web' },
      namespace: 'shop',
      paths: Array.from({ length: 5 }, (_, at) =>
        step({ binding: SHOP, ruleIndex: at, grant: `get secrets named s${at} in namespace shop` }),
      ),
      morePaths: 7,
      key: '00000002',
    }),
    finding({
      check: 'R019',
      severity: 'MEDIUM',
      message: 'RoleBinding shop/old grants Role shop/gone, which is not there.',
      object: { ...SHOP, name: 'old' },
      paths: [
        {
          binding: { ...SHOP, name: 'old' },
          role: { kind: 'Role', namespace: 'shop', name: 'gone' },
          grant: 'everything in Role gone',
        },
      ],
      key: '00000003',
    }),
    finding({
      check: 'R030',
      severity: 'MEDIUM',
      message: 'Group ops may get secrets in namespace ops.',
      object: { kind: 'RoleBinding', namespace: 'ops', name: 'ops' },
      paths: [],
      key: '00000004',
      suppressed: { owner: 'team-ops', until: '2026-12-31', reason: 'moved to the vault by then' },
    }),
  ],
  below: { severity: 'LOW', count: 3 },
};

/** A report in which everything that can be named is named by somebody else. */
export function namedBy(name: (at: number) => string): FindingsReport {
  const object = (at: number): ObjectReference => ({
    kind: 'RoleBinding',
    namespace: name(at),
    name: name(at + 1),
    origin: { file: name(at + 2), line: 7 },
  });
  const hostile = finding({
    message: `${name(1)} may do ${name(2)}`,
    object: object(10),
    paths: [step({ binding: object(20), role: object(30), grant: name(3) })],
    key: 'aaaa',
  });
  const suppressed = { owner: name(4), until: '2026-12-31', reason: name(5) };
  return {
    ...REPORT,
    findings: [hostile, { ...hostile, check: 'R030', suppressed, key: 'bbbb' }],
  };
}

export const EMPTY: FindingsReport = { toolVersion: '1.2.3', checks: CHECKS, findings: [] };
