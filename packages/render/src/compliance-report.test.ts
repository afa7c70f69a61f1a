import type { Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ComplianceReport, SubjectCompliance, UnusedOfBinding } from './compliance.ts';
import { complianceReportPath, renderComplianceReport } from './compliance-report.ts';
import { HOSTILE_MARKDOWN, skeletonOf } from './pull-request/testing/skeleton.ts';

/** 2026-03-16. */
const AS_OF_DAY = 20_528;

function permission(fields: Partial<Permission>): Permission {
  return { verb: 'get', apiGroup: '', resource: '', namespace: '', name: '', path: '', ...fields };
}

function account(namespace: string, name: string): Subject {
  return { kind: 'ServiceAccount', namespace, name };
}

function scored(subject: Subject, score: number, fields: Partial<SubjectCompliance> = {}): SubjectCompliance {
  return {
    subject,
    score,
    severity: score >= 80 ? 'Green' : score >= 50 ? 'Yellow' : 'Red',
    granted: 100n,
    used: BigInt(score),
    unobservable: 0n,
    isAtLeast: false,
    sensitiveExcess: [],
    sensitiveUnobservable: [],
    uncovered: 0,
    isObservable: true,
    hiddenBy: undefined,
    ...fields,
  };
}

const CI = account('ci', 'runner');
const APP = account('shop', 'app');
const SECRETS = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };

const RUNNERS: UnusedOfBinding = {
  binding: { kind: 'ClusterRoleBinding', namespace: '', name: 'ci-admin' },
  role: { kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [CI, account('ci', 'builder')],
  unused: [
    { permission: permission({ verb: '*', apiGroup: '*', resource: '*' }), isPartlyUsed: true },
    { permission: permission({ verb: '*', path: '*' }), isPartlyUsed: false },
  ],
  unobservable: [],
  more: 0,
};
const EDITOR: UnusedOfBinding = {
  binding: { kind: 'RoleBinding', namespace: 'shop', name: 'app' },
  role: { kind: 'Role', name: 'app' },
  subjects: [APP],
  unused: ['update', 'delete', 'create'].map((verb) => ({
    permission: permission({ verb, resource: 'secrets', namespace: 'shop' }),
    isPartlyUsed: false,
  })),
  unobservable: [],
  more: 7,
};

const REPORT: ComplianceReport = {
  asOfDay: AS_OF_DAY,
  retentionDays: 90,
  minimumObservationDays: 30,
  isAuditPolicyKnown: false,
  subjects: [
    scored(APP, 62),
    scored({ kind: 'User', namespace: '', name: 'alice' }, 100, { isObservable: false }),
    scored(CI, 0, {
      granted: 43_210n,
      isAtLeast: true,
      sensitiveExcess: [
        { kind: 'secrets', rule: SECRETS },
        { kind: 'secrets', rule: { ...SECRETS, verbs: ['list'] } },
        { kind: 'escalate', rule: SECRETS },
      ],
    }),
    scored(account('beta', 'new'), 0, {
      granted: 3n,
      isObservable: false,
      sensitiveExcess: [{ kind: 'exec', rule: SECRETS }],
    }),
    scored({ kind: 'User', namespace: '', name: 'webhook' }, 0, {
      score: undefined,
      severity: undefined,
      granted: 0n,
      uncovered: 4,
    }),
  ],
  leftOut: 12,
  unused: [EDITOR, RUNNERS, { ...EDITOR, subjects: [account('shop', 'old')], more: 0 }],
  bindings: [],
};

const BY_RULE = 'rule 2 of the audit policy (line 9) has level None';
const WITH_POLICY: ComplianceReport = {
  ...REPORT,
  isAuditPolicyKnown: true,
  subjects: [
    scored(APP, 62, { unobservable: 8n, sensitiveUnobservable: [{ kind: 'exec', rule: SECRETS }] }),
    scored(CI, 5, {
      granted: 43_210n,
      unobservable: 1_200n,
      sensitiveExcess: [{ kind: 'secrets', rule: SECRETS }],
      sensitiveUnobservable: [
        { kind: 'impersonate', rule: SECRETS },
        { kind: 'escalate', rule: SECRETS },
      ],
    }),
    scored({ kind: 'User', namespace: '', name: 'system:kube-proxy' }, 0, {
      score: undefined,
      severity: undefined,
      granted: 6n,
      used: 0n,
      unobservable: 6n,
      isObservable: false,
      hiddenBy: 'rule 1 of the audit policy (line 4) has level None',
    }),
  ],
  unused: [
    {
      ...RUNNERS,
      unused: [],
      unobservable: [
        { permission: permission({ verb: '*', apiGroup: '*', resource: '*' }), remark: BY_RULE },
        { permission: permission({ verb: '*', path: '*' }), remark: BY_RULE },
      ],
    },
    {
      ...EDITOR,
      unobservable: ['get', 'list'].map((verb) => ({
        permission: permission({ verb, resource: 'events', namespace: 'shop' }),
        remark: BY_RULE,
      })),
    },
  ],
};

describe('renderComplianceReport', () => {
  test('golden: the worst first, and by binding what is not used', async () => {
    await expect(renderComplianceReport('prod', REPORT)).toMatchFileSnapshot('../testdata/compliance.md');
  });

  test('golden: with the audit policy, what that does not log is neither used nor unused', async () => {
    const text = renderComplianceReport('prod', WITH_POLICY);
    await expect(text).toMatchFileSnapshot('../testdata/compliance-audit-policy.md');
  });

  test('what is not observable does not make a subject worse', () => {
    const subjects = [
      scored(APP, 50, { granted: 300n, used: 50n, unobservable: 200n }),
      scored(CI, 50, { granted: 120n, used: 55n, unobservable: 0n }),
      scored(account('a', 'a'), 50, { granted: 104n, used: 50n, unobservable: 2n }),
    ];
    const text = renderComplianceReport('prod', { ...WITH_POLICY, subjects });
    const names = [...text.matchAll(/^\| `([^`]*)`/gm)].map(([, name]) => name);
    expect(names).toEqual(['ServiceAccount ci/runner', 'ServiceAccount a/a', 'ServiceAccount shop/app']);
  });

  test('the order of what it is given makes no difference', () => {
    const turned: ComplianceReport = {
      ...REPORT,
      subjects: REPORT.subjects
        .toReversed()
        .map((each) => ({ ...each, sensitiveExcess: each.sensitiveExcess.toReversed() })),
      unused: REPORT.unused.toReversed().map((each) => ({
        ...each,
        subjects: each.subjects.toReversed(),
        unused: each.unused.toReversed(),
      })),
    };
    expect(renderComplianceReport('prod', turned)).toBe(renderComplianceReport('prod', REPORT));
    const other: ComplianceReport = {
      ...WITH_POLICY,
      subjects: WITH_POLICY.subjects
        .toReversed()
        .map((each) => ({ ...each, sensitiveUnobservable: each.sensitiveUnobservable.toReversed() })),
      unused: WITH_POLICY.unused
        .toReversed()
        .map((each) => ({ ...each, unobservable: each.unobservable.toReversed() })),
    };
    expect(renderComplianceReport('prod', other)).toBe(renderComplianceReport('prod', WITH_POLICY));
  });

  test('of equal scores the one with more that is unused comes first, and those without a score last', () => {
    const names = [...renderComplianceReport('prod', REPORT).matchAll(/^\| `([^`]*)`/gm)].map(
      ([, name]) => name,
    );
    expect(names).toEqual([
      'ServiceAccount ci/runner',
      'ServiceAccount beta/new',
      'ServiceAccount shop/app',
      'User alice',
      'User webhook',
    ]);
  });

  test('what is sensitive is called unproven where a use could have been missed', () => {
    const text = renderComplianceReport('prod', REPORT);
    expect(text).toContain('| exec (not proven)');
    expect(text).toContain('| escalate, secrets ');
  });

  test('nobody, and nothing proven, are said', () => {
    const text = renderComplianceReport('prod', { ...REPORT, subjects: [], unused: [], leftOut: 1 });
    expect(text).toContain('Nobody is scored.\n\nNot listed: 1 subject,');
    expect(text).toContain('## Unused grants\n\nNone is proven. A subject is here only where');
  });

  test('of many lines and subjects some are shown, and the others counted', () => {
    const many: UnusedOfBinding = {
      ...EDITOR,
      subjects: Array.from({ length: 25 }, (_, at) => account('shop', `a${at}`)),
      unused: Array.from({ length: 60 }, (_, at) => ({
        permission: permission({ resource: `r${at}`, namespace: 'shop' }),
        isPartlyUsed: false,
      })),
      more: 1,
    };
    const text = renderComplianceReport('prod', { ...REPORT, unused: [many] });
    expect(text).toContain(', 5 more subjects:\n');
    expect(text).toContain('\n- and 10 more lines\n- and 1 permission that was not looked into\n');
  });

  test('whatever names hold, it has the structure that it has with harmless ones', () => {
    const reportOf = (name: (at: number) => string): ComplianceReport => ({
      ...REPORT,
      isAuditPolicyKnown: true,
      subjects: [scored({ kind: 'User', namespace: '', name: name(1) }, 10, { hiddenBy: BY_RULE })],
      unused: [
        {
          binding: { kind: 'RoleBinding', namespace: name(2), name: name(3) },
          role: { kind: 'Role', name: name(4) },
          subjects: [account(name(5), name(6))],
          unused: [
            {
              permission: permission({
                verb: name(7),
                apiGroup: name(8),
                resource: name(9),
                namespace: name(2),
              }),
              isPartlyUsed: false,
            },
            { permission: permission({ verb: '*', path: `${name(10)}*` }), isPartlyUsed: true },
          ],
          unobservable: [{ permission: permission({ verb: name(11), resource: name(9) }), remark: BY_RULE }],
          more: 0,
        },
      ],
    });
    const outline = (name: (at: number) => string): string[] =>
      skeletonOf(renderComplianceReport(name(0), reportOf(name)));
    const expected = outline((at) => `x${at}`);
    fc.assert(
      fc.property(fc.constantFrom(...HOSTILE_MARKDOWN), fc.boolean(), (text, isFirst) => {
        expect(outline((at) => (isFirst ? `${text}${at}` : `${at}${text}`))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  test('stands beside the other reports of its cluster', () => {
    expect(complianceReportPath('prod')).toBe('reports/prod/compliance.md');
    expect(complianceReportPath('../x')).toMatch(/^reports\/[^/]+\/compliance\.md$/);
  });
});
