import { describe, expect, test } from 'vitest';

import type { Permission } from '@leastwise/audit-event';

import { isGenerated } from './generated.ts';
import type { ObservedPermission, PolicyReport, SubjectReport } from './policy-report.ts';
import { policyReportPath, renderPolicyReport } from './render-policy-report.ts';

const DAY_US = 86_400_000_000;
const START_US = Date.UTC(2026, 0, 1, 8, 30, 15) * 1000;

function permission(fields: Partial<Permission>): Permission {
  return { verb: 'get', apiGroup: '', resource: '', namespace: '', name: '', path: '', ...fields };
}

function observed(
  fields: Partial<Permission>,
  count = 1,
  clients: readonly string[] = ['kubectl'],
): ObservedPermission {
  return {
    permission: permission(fields),
    count,
    days: Math.min(count, 12),
    firstSeenUs: START_US,
    lastSeenUs: START_US + 11.5 * DAY_US,
    sampleAuditID: '0f3c1a52-9f0e-4f43-8a53-2f6c1f1d7a11',
    clients,
  };
}

const NOTHING: Omit<SubjectReport, 'subject'> = {
  namespaces: [],
  hasClusterFolder: false,
  granted: [],
  withheld: [],
  grantedElsewhere: 0,
  unrenderable: [],
  outsideRetention: [],
  widened: [],
  isIncomplete: false,
  refused: { observed: [], otherRequests: 0 },
};

const HOSTILE = 'a|b`c`\n\n# <img src=x> @admin https://evil.example \u202e' + 'x'.repeat(1000);

const APP: SubjectReport = {
  ...NOTHING,
  subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'app' },
  namespaces: ['web', 'shop'],
  hasClusterFolder: true,
  granted: [
    observed({ resource: 'configmaps', namespace: 'shop', name: 'settings' }, 42, ['kubectl', 'controller']),
    observed({ verb: 'update', resource: 'deployments/scale', apiGroup: 'apps', namespace: 'web' }, 3),
    observed({ verb: 'list', resource: 'nodes' }, 7),
    observed({ path: '/metrics' }, 9000, []),
  ],
  withheld: [observed({ verb: 'impersonate', resource: 'users', name: 'alice' })],
  grantedElsewhere: 4,
  unrenderable: [
    { permission: permission({ verb: '', resource: 'pods', namespace: 'shop' }), remark: 'empty verb' },
  ],
  outsideRetention: [observed({ verb: 'delete', resource: 'jobs', apiGroup: 'batch', namespace: 'shop' })],
  widened: [
    { what: 'get pods in shop', remark: 'names look generated' },
    { what: 'delete pods in shop', remark: 'more than 10 names' },
  ],
  isIncomplete: true,
  refused: {
    observed: Array.from({ length: 25 }, (_, at) =>
      observed({ resource: 'secrets', namespace: 'shop', name: `s${String(at).padStart(2, '0')}` }, at + 6),
    ),
    otherRequests: 100,
  },
  findings: [
    { severity: 'LOW', count: 1 },
    { severity: 'HIGH', count: 2 },
    { severity: 'INFO', count: 0 },
  ],
};

const REPORT: PolicyReport = {
  firstEventUs: START_US,
  lastEventUs: START_US + 11.5 * DAY_US,
  daysWithEvents: 12,
  subjects: [
    {
      ...NOTHING,
      subject: { kind: 'User', namespace: '', name: HOSTILE },
      granted: [observed({ path: HOSTILE })],
    },
    APP,
  ],
  leftOut: [
    { subject: { kind: 'User', namespace: '', name: 'system:kube-scheduler' }, remark: 'system user' },
    { subject: { kind: 'Group', namespace: '', name: 'system:nodes' }, remark: 'node' },
  ],
};

describe('renderPolicyReport', () => {
  test('golden: window, why, what was left out, what was refused', async () => {
    await expect(renderPolicyReport('prod', REPORT)).toMatchFileSnapshot('../testdata/policies.md');
  });

  test('the order of what it is given makes no difference', () => {
    const reversed: PolicyReport = {
      ...REPORT,
      subjects: REPORT.subjects.toReversed().map((subject) => ({
        ...subject,
        namespaces: subject.namespaces.toReversed(),
        granted: subject.granted.toReversed(),
        widened: subject.widened.toReversed(),
        findings: subject.findings?.toReversed() ?? [],
        refused: { ...subject.refused, observed: subject.refused.observed.toReversed() },
      })),
      leftOut: REPORT.leftOut.toReversed(),
    };
    expect(renderPolicyReport('prod', reversed)).toBe(renderPolicyReport('prod', REPORT));
  });

  test('a hostile name makes no line, no cell, no tag of its own, and no row of a megabyte', () => {
    const markdown = renderPolicyReport(HOSTILE, { ...REPORT, subjects: REPORT.subjects.slice(0, 1) });
    const outsideCode = markdown.replaceAll(/`[^`\n]*`/g, 'code');
    expect(outsideCode).not.toContain('@admin');
    expect(outsideCode).not.toContain('<img');
    expect(markdown).not.toContain('\u202e');
    const rows = outsideCode.split('\n').filter((line) => line.startsWith('|'));
    for (const row of rows) expect(row.split('|')).toHaveLength(9);
    for (const line of markdown.split('\n')) expect(line.length).toBeLessThan(1000);
  });

  test('findings are counted by severity, the worst first, and without any there is no word of them', () => {
    expect(renderPolicyReport('a', REPORT)).toContain('\n\nFindings of this policy: 2 HIGH, 1 LOW.\n\n');
    const clean = { ...REPORT, subjects: [{ ...APP, findings: [] }] };
    expect(renderPolicyReport('a', clean)).not.toContain('Findings');
  });

  test.each([
    [0, 'Nothing was observed.'],
    [1, 'events on 1 day.'],
    [29, 'Too short'],
  ])('%i days: %s', (daysWithEvents, words) => {
    expect(renderPolicyReport('a', { ...REPORT, daysWithEvents })).toContain(words);
  });

  test('30 days are not too short', () => {
    expect(renderPolicyReport('a', { ...REPORT, daysWithEvents: 30 })).not.toContain('Too short');
  });

  test('refused requests that are not shown are counted', () => {
    // Five more permissions with 6 to 10 requests, and what the cap left out.
    expect(renderPolicyReport('a', REPORT)).toContain('Not shown: 140 more refused requests.');
  });

  test('is recognised as generated, at its path only', () => {
    const markdown = renderPolicyReport('prod', REPORT);
    expect(policyReportPath('Prod/1')).toMatch(/^reports\/prod%2f1~[a-z2-7]{10}\/policies\.md$/);
    expect(isGenerated(policyReportPath('Prod/1'), markdown)).toBe(true);
    expect(isGenerated('reports/prod/other.md', markdown)).toBe(false);
    expect(isGenerated(policyReportPath('prod'), '# My own\n')).toBe(false);
  });
});
