import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ownersOf } from './match.ts';
import { MAX_POLICY_PROBLEMS, parseViolationPolicy } from './parse-policy.ts';
import { DEFAULT_VIOLATION_POLICY } from './policy.ts';

const WHOLE = `
forbidden_subjects:
  - system:anonymous
  - { kind: ServiceAccount, namespace: shop, name: ci, severity: CRITICAL }
forbidden_roles:
  - cluster-admin
  - { kind: Role, name: 'admin-*', severity: LOW }
restricted_namespaces:
  - kube-public
  - namespace: kube-system
    allowed_subjects: [system:serviceaccount:kube-system:*, { kind: Group, name: platform }]
    allowed_roles: [extension-apiserver-authentication-reader]
    severity: CRITICAL
privileged_namespaces: [kube-system, infra-*]
provider: eks
workload_resources: [rollouts.argoproj.io, pods]
thresholds: { roles_per_subject: 5, subjects_per_namespace: 6, unused_days: 30 }
reviewed_at: { key: example.com/reviewed, max_age_days: 30 }
owners:
  - { namespaces: ['*'], owners: ['@platform'] }
  - { namespaces: [shop-*], owners: ['@shop'] }
  - { cluster_wide: true, owners: ['@security'] }
suppressions:
  - check: R030
    subject: { kind: User, name: alice }
    namespace: shop
    object: { kind: Role, namespace: shop, name: reader }
    owner: bob@example.com
    reason: migrates
    until: 2026-12-31
remediation: { rules: [R009, R011] }
`;

function problems(text: string): readonly string[] {
  return parseViolationPolicy(text, 'policy.yaml').problems.map(
    ({ line, path, reason, detail }) => `${line} ${path} ${reason}: ${detail}`,
  );
}

describe('a policy', () => {
  test('says all there is to say', () => {
    expect(parseViolationPolicy(WHOLE, 'f')).toEqual({
      problems: [],
      policy: {
        forbiddenSubjects: [
          { subject: { name: 'system:anonymous' }, severity: 'HIGH' },
          { subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'ci' }, severity: 'CRITICAL' },
        ],
        forbiddenRoles: [{ name: 'cluster-admin' }, { kind: 'Role', name: 'admin-*', severity: 'LOW' }],
        restrictedNamespaces: [
          { namespace: 'kube-public', allowedSubjects: [], allowedRoles: [], severity: 'HIGH' },
          {
            namespace: 'kube-system',
            allowedSubjects: [
              { name: 'system:serviceaccount:kube-system:*' },
              { kind: 'Group', name: 'platform' },
            ],
            allowedRoles: ['extension-apiserver-authentication-reader'],
            severity: 'CRITICAL',
          },
        ],
        privilegedNamespaces: ['kube-system', 'infra-*'],
        provider: 'eks',
        workloadResources: [
          { apiGroup: 'argoproj.io', resource: 'rollouts' },
          { apiGroup: '', resource: 'pods' },
        ],
        thresholds: { rolesPerSubject: 5, subjectsPerNamespace: 6, unusedDays: 30 },
        reviewedAt: { key: 'example.com/reviewed', maxAgeDays: 30 },
        owners: [
          { namespaces: ['*'], isClusterWide: false, owners: ['@platform'] },
          { namespaces: ['shop-*'], isClusterWide: false, owners: ['@shop'] },
          { namespaces: [], isClusterWide: true, owners: ['@security'] },
        ],
        suppressions: [
          {
            check: 'R030',
            subject: { kind: 'User', name: 'alice' },
            namespace: 'shop',
            object: { kind: 'Role', namespace: 'shop', name: 'reader' },
            owner: 'bob@example.com',
            reason: 'migrates',
            until: '2026-12-31',
            line: 24,
          },
        ],
        remediation: { rules: ['R009', 'R011'] },
      },
    });
  });

  test.each(['', '# nothing\n', '{}', 'null'])('%j says nothing', (text) => {
    expect(parseViolationPolicy(text, 'f')).toEqual({ policy: DEFAULT_VIOLATION_POLICY, problems: [] });
  });

  test('asks for reviews once it says so, by a key of ours unless it names another', () => {
    expect(DEFAULT_VIOLATION_POLICY.reviewedAt).toBeUndefined();
    expect(parseViolationPolicy('reviewed_at: {}', 'f').policy?.reviewedAt).toEqual({
      key: 'leastwise.dev/reviewed-at',
      maxAgeDays: 90,
    });
  });

  test('names owners by namespace, the last that fits', () => {
    const { policy = DEFAULT_VIOLATION_POLICY } = parseViolationPolicy(WHOLE, 'f');
    expect(ownersOf(policy, 'shop-a')).toEqual(['@shop']);
    expect(ownersOf(policy, 'store')).toEqual(['@platform']);
    expect(ownersOf(policy)).toEqual(['@security']);
    expect(ownersOf(DEFAULT_VIOLATION_POLICY, 'shop')).toEqual([]);
  });
});

describe('what is wrong is told, all at once, with its line', () => {
  test('a suppression without owner, reason or end, or with an end that is no day', () => {
    const text = `suppressions:
- check: R030
- check: R999
  owner: bob
  reason: ''
  until: 2026-02-30
`;
    expect(problems(text)).toEqual([
      '2 suppressions[0] missing: needs the key owner',
      '2 suppressions[0] missing: needs the key reason',
      '2 suppressions[0] missing: needs the key until',
      '3 suppressions[1].check not-allowed: "R999" is not the id of a check, such as R030',
      '5 suppressions[1].reason missing: is empty',
      '6 suppressions[1].until not-allowed: "2026-02-30" is not a day such as 2026-12-31',
    ]);
    expect(parseViolationPolicy(text, 'f').policy).toBeUndefined();
  });

  test.each([
    [
      'forbiden_roles: []',
      /^1 forbiden_roles unknown-key: there is no key "forbiden_roles": known here are forb/,
    ],
    ['forbidden_roles: cluster-admin', /^1 forbidden_roles wrong-type: is no list/],
    ['forbidden_roles: [3]', /^1 forbidden_roles\[0\] wrong-type: is no map/],
    [
      'forbidden_roles: [{kind: Rolle, name: x}]',
      /^1 forbidden_roles\[0\]\.kind not-allowed: is none of Role/,
    ],
    ['forbidden_subjects: [{kind: User}]', /^1 forbidden_subjects\[0\] missing: needs the key name/],
    ['forbidden_subjects: [{name: x, severity: high}]', /severity not-allowed: is none of CRITICAL, HIGH/],
    ['restricted_namespaces: [{namespace: x, allow: []}]', /unknown-key: there is no key "allow"/],
    ['provider: azure', /^1 provider not-allowed: is none of aks, eks/],
    ['workload_resources: [Rollout]', /not-allowed: "Rollout" is not a resource/],
    ['thresholds: {unused_days: 0}', /^1 thresholds\.unused_days not-allowed: is no whole number from 1/],
    ['thresholds: {unused_days: "9"}', /wrong-type: is no number/],
    ['reviewed_at: {key: "a b"}', /not-allowed: "a b" is not the key of an annotation/],
    ['reviewed_at:', /^1 reviewed_at missing: is empty/],
    ['owners: [{owners: [x], cluster_wide: yes please}]', /wrong-type: is neither true nor false/],
    ['remediation: {rules: [cluster-admin]}', /is not the id of a check/],
    ['a: 1\na: 2', /duplicate-key/],
    ['[', /unreadable/],
    ['- x', /^1 {2}wrong-type: is no map of keys and values/],
    ['provider: eks\n---\nprovider: gke', /unsupported/],
  ])('%j', (text, problem) => {
    expect(problems(text)).toContainEqual(expect.stringMatching(problem));
    expect(parseViolationPolicy(text, 'f').policy).toBeUndefined();
  });

  test('text of the file is escaped and cut', () => {
    const [problem] = problems(`provider: x\n"k\\u202e${'y'.repeat(200)}": 1`);
    expect(problem).toContain('is none of');
    const hidden = problems(`"k\\u202e${'y'.repeat(200)}": 1`)[0] ?? '';
    expect(hidden).toContain('\\u{202e}');
    expect(hidden).not.toContain('\u202e');
    expect(hidden.length).toBeLessThan(500);
  });

  test('of very many problems the first hundred', () => {
    const many = Array.from({ length: 150 }, (_, i) => `k${i}: 1`).join('\n');
    const told = problems(many);
    expect(told).toHaveLength(MAX_POLICY_PROBLEMS + 1);
    expect(told.at(-1)).toMatch(/too-many-problems: 50 problems more/);
  });

  test('no text makes it throw', () => {
    const lines = WHOLE.split('\n');
    fc.assert(
      fc.property(fc.shuffledSubarray(lines), fc.string(), (some, noise) => {
        const parsed = parseViolationPolicy([...some, noise].join('\n'), 'f');
        expect(parsed.policy === undefined).toBe(parsed.problems.length > 0);
      }),
      { numRuns: 200 },
    );
  });
});
