import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DAY_US } from './evidence.ts';
import { DEFAULT_OPTIONS, type PolicyOptions } from './options.ts';
import { MAX_REFUSALS, RefusalFinder, type RefusalReport } from './refusals.ts';
import {
  ALICE,
  APP,
  arbitraryRequest,
  permission,
  request,
  type RequestFields,
  T0,
} from './testing/requests.ts';
import type { RbacObject } from './types.ts';

const API = 'rbac.authorization.k8s.io';
const ASKED = { ...DEFAULT_OPTIONS, specialVerbs: 'Grant' as const };

/** Lets alice get pods in ns1. */
const RBAC: readonly RbacObject[] = [
  {
    apiVersion: `${API}/v1`,
    kind: 'Role',
    metadata: { name: 'r', namespace: 'ns1' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  },
  {
    apiVersion: `${API}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'b', namespace: 'ns1' },
    roleRef: { apiGroup: API, kind: 'Role', name: 'r' },
    subjects: [{ apiGroup: API, kind: 'User', name: 'alice' }],
  },
];

function reportOf(
  requests: readonly ReturnType<typeof request>[],
  knobs: Partial<PolicyOptions> = {},
  rbac = RBAC,
): RefusalReport {
  const finder = new RefusalFinder(rbac, { ...ASKED, ...knobs });
  for (const each of requests) finder.add(each);
  return finder.report();
}

function ask(cell: string, fields: Partial<RequestFields> = {}): ReturnType<typeof request> {
  return request({ permissions: [permission(cell)], ...fields });
}

function cellsOf({ refused }: RefusalReport): string[] {
  return refused.map(({ cell }) => `${cell.verb} ${cell.resource} ${cell.namespace} ${cell.name}`.trim());
}

const NOTHING_SKIPPED = { otherAuthorizer: 0, withheld: 0, namespaceGone: 0, outsideRetention: 0 };

describe('refusals', () => {
  test('hold allowed requests against the RBAC, by subject and permission', () => {
    const report = reportOf([
      ask('get pods ns1 p', { us: T0 }),
      ask('list pods ns1', { us: T0 + 2, auditID: 'b' }),
      ask('list pods ns1', { us: T0 + 1, auditID: 'd' }),
      ask('list pods ns1', { us: T0 + 1, auditID: 'c' }),
      ask('get pods ns1 p', { subject: APP }),
      ask('get secrets ns1', { outcome: 'denied' }),
    ]);
    const cell = permission('list pods ns1');
    expect(report).toEqual({
      checked: 5,
      refused: [
        { ...report.refused[0], subject: APP, cell: permission('get pods ns1 p'), count: 1 },
        { subject: ALICE, cell, count: 3, firstSeenUs: T0 + 1, lastSeenUs: T0 + 2, sampleAuditID: 'c' },
      ],
      beyond: 0,
      skipped: NOTHING_SKIPPED,
    });
  });

  test('ask for impersonation also where the request itself was refused', () => {
    const impersonation = {
      ...ask('impersonate users - bob').need,
      permissions: [permission('impersonate users - bob')],
    };
    expect(cellsOf(reportOf([ask('get secrets ns1', { outcome: 'denied', impersonation })]))).toEqual([
      'impersonate users  bob',
    ]);
  });

  test('ask with the groups that each request came with', () => {
    const [role, binding] = RBAC;
    if (binding?.kind !== 'RoleBinding' || !role) throw new Error('the binding of RBAC is gone');
    const rbac = [role, { ...binding, subjects: [{ apiGroup: API, kind: 'Group' as const, name: 'team' }] }];
    const plain = ask('get pods ns1');
    const member = { ...plain, need: { ...plain.need, groups: ['team'] } };
    expect(reportOf([member, plain, member], {}, rbac).refused.map(({ count }) => count)).toEqual([1]);
  });

  test('add the create of an exec over WebSocket from Kubernetes 1.35 on', () => {
    const exec = [ask('get pods/exec ns1 p')];
    expect(cellsOf(reportOf(exec, { kubernetesVersion: { major: 1, minor: 35 } }))).toEqual([
      'create pods/exec ns1 p',
      'get pods/exec ns1 p',
    ]);
    expect(cellsOf(reportOf(exec, { kubernetesVersion: { major: 1, minor: 34 } }))).toHaveLength(1);
  });

  test('what is not asked is counted by reason', () => {
    const gone = { namespace: 'pr-1', change: 'deleted' as const };
    const requests = [
      ask('list pods ns1', { viaRbac: false, us: T0 + 40 * DAY_US }),
      ask('use things ns1', { us: T0 + 40 * DAY_US }),
      ask('list jobs pr-1', { us: T0 + 39 * DAY_US }),
      ask('list jobs pr-1', { us: T0 + 39 * DAY_US }),
      ask('delete namespaces pr-1 pr-1', { namespaceLife: gone, us: T0 + 39 * DAY_US + 1 }),
      ask('list pods ns1', { us: T0 + 10 * DAY_US }),
      ask('list jobs ns1', { us: T0 + 11 * DAY_US }),
    ];
    const knobs = { specialVerbs: 'Withhold', retentionDays: 30 } as const;
    const report = reportOf(requests, knobs);
    expect([report.checked, cellsOf(report), report.skipped]).toEqual([
      7,
      ['list jobs ns1'],
      { otherAuthorizer: 1, withheld: 1, namespaceGone: 3, outsideRetention: 1 },
    ]);
    const later = { ...knobs, asOfDay: Math.floor(T0 / DAY_US) + 41 };
    expect(cellsOf(reportOf(requests, later))).toEqual([]);
    const all = { includeOtherAuthorizers: true, dropDeletedNamespaces: false, retentionDays: Infinity };
    expect(reportOf(requests, all).skipped).toEqual(NOTHING_SKIPPED);
    expect(cellsOf(reportOf(requests, all))).toHaveLength(5);
  });

  test('are the same in any order', () => {
    const shuffled = fc
      .array(arbitraryRequest, { maxLength: 20 })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(shuffled, ([all, permuted]) => {
        expect(reportOf(permuted)).toEqual(reportOf(all));
      }),
    );
  });

  test('of more than are listed the same ones stay in any order, and the rest is counted once each', () => {
    const beyond = 50;
    const asked = Array.from({ length: MAX_REFUSALS + beyond }, (_, i) => [
      ask(`get secrets ns1 s${String(i)}`, { us: T0 + i }),
      ask(`get secrets ns1 s${String(i)}`, { us: T0 + 2 * i, auditID: 'later' }),
    ]).flat();
    const report = reportOf(asked);
    expect([report.refused.length, report.beyond]).toEqual([MAX_REFUSALS, beyond]);
    expect(report.refused.every(({ count }) => count === 2)).toBe(true);
    expect(reportOf(asked.toReversed())).toEqual(report);
    const halves = [...asked.filter((_, i) => i % 2 === 1), ...asked.filter((_, i) => i % 2 === 0)];
    expect(reportOf(halves)).toEqual(report);
  });
});
