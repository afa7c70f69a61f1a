import { renderYaml } from '@leastwise/render';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { storedBytes } from '../json-value.ts';
import { CART, inputOf, permission, START_US, urlPermission, user } from '../testing/evidence.ts';
import { REPORT_LIMITS, timestamp } from './observed-rules.ts';
import { policyReportObject } from './policy-report-object.ts';

const NEEDS = [
  permission('get', 'configmaps', 'shop', 'settings'),
  permission('get', 'configmaps', 'shop', 'flags'),
  permission('get', 'configmaps', 'shop'),
  permission('list', 'nodes'),
  urlPermission('get', '/metrics'),
  permission('get', 'configmaps', 'shop', 'settings'),
];

describe('a report', () => {
  test('says who, what was observed, and what is suggested', () => {
    const input = inputOf(CART, NEEDS);
    const report = policyReportObject({ ...input, compliance: { score: 40, severity: 'Red' } });
    const { status, ...rest } = report;
    expect(rest).toEqual({
      apiVersion: 'leastwise.dev/v1alpha1',
      kind: 'SubjectPolicyReport',
      metadata: {
        name: 'sa-cart',
        namespace: 'shop',
        labels: { 'app.kubernetes.io/managed-by': 'leastwise' },
      },
      spec: { cluster: 'prod', subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' } },
    });
    expect(status.observedRules).toEqual([
      {
        nonResourceURLs: ['/metrics'],
        verbs: ['get'],
        count: 1,
        firstSeen: '2026-01-05T08:00:04Z',
        lastSeen: '2026-01-05T08:00:04Z',
      },
      {
        apiGroups: [''],
        resources: ['nodes'],
        verbs: ['list'],
        count: 1,
        firstSeen: '2026-01-05T08:00:03Z',
        lastSeen: '2026-01-05T08:00:03Z',
      },
      {
        apiGroups: [''],
        resources: ['configmaps'],
        namespace: 'shop',
        verbs: ['get'],
        count: 1,
        firstSeen: '2026-01-05T08:00:02Z',
        lastSeen: '2026-01-05T08:00:02Z',
      },
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['flags', 'settings'],
        namespace: 'shop',
        verbs: ['get'],
        count: 3,
        firstSeen: '2026-01-05T08:00:00Z',
        lastSeen: '2026-01-05T08:00:05Z',
      },
    ]);
    expect(status).toMatchObject({
      subject: 'ServiceAccount shop/cart',
      ruleCount: 4,
      complianceScore: 40,
      severity: 'Red',
      truncated: { observedRules: 0, resourceNames: 0, manifests: 0, requests: 0 },
      conditions: [{ type: 'Complete', status: 'True', reason: 'AllListed' }],
    });
  });

  test('has each object of the policy as render writes it, behind a marker', () => {
    const input = inputOf(CART, NEEDS);
    const { manifests } = policyReportObject(input).status.suggestedPolicy;
    expect(manifests.length).toBeGreaterThan(3);
    expect(manifests).toEqual(input.policy.objects.map((object) => `---\n${renderYaml([object])}`));
    expect(manifests.join('')).toBe(`---\n${renderYaml(input.policy.objects)}`);
  });

  test('knows no score that nobody gave, and takes none that is none', () => {
    const input = inputOf(CART, NEEDS);
    for (const compliance of [undefined, { score: undefined, severity: undefined }]) {
      const { status } = policyReportObject({ ...input, ...(compliance ? { compliance } : {}) });
      expect(Object.keys(status).filter((field) => /score|severity/i.test(field))).toEqual([]);
    }
    for (const score of [-1, 101, 0.5, NaN]) {
      expect(() => policyReportObject({ ...input, compliance: { score, severity: 'Red' } })).toThrow(
        RangeError,
      );
    }
    for (const score of [0, 100]) {
      const { status } = policyReportObject({ ...input, compliance: { score, severity: 'Red' } });
      expect(status.complianceScore).toBe(score);
    }
  });

  test('of a user stands in a namespace of its own', () => {
    const input = inputOf(user('alice'), NEEDS);
    expect(policyReportObject(input).metadata.namespace).toBe('leastwise-system');
    expect(policyReportObject({ ...input, namespace: 'rbac' }).metadata.namespace).toBe('rbac');
    expect(policyReportObject(input).spec.subject).toEqual({ kind: 'User', name: 'alice' });
    expect(() => policyReportObject({ ...input, namespace: 'a/b' })).toThrow(RangeError);
  });

  test('counts what the policy leaves out, by reason', () => {
    const input = inputOf(CART, [
      ...NEEDS,
      permission('escalate', 'roles', 'shop', 'a'),
      permission('bind', 'roles', 'shop', 'a'),
      permission('', 'pods', 'shop'),
    ]);
    expect(policyReportObject(input).status.notGranted).toEqual([
      { reason: 'unrenderable', permissions: 1 },
      { reason: 'withheld', permissions: 2 },
    ]);
  });

  test('is the same object whatever the order of the evidence', () => {
    const names = Array.from({ length: 60 }, (_, i) => `n${i}`);
    const needs = [
      ...names.map((name) => permission('get', 'secrets', 'shop', name)),
      ...names.map((name) => permission('list', name, 'shop')),
    ];
    // Times and samples belong to requests, so that only the order in memory changes.
    const input = inputOf(CART, needs);
    const { status } = policyReportObject(input);
    const shuffled = (seed: number): typeof input => {
      const [rules] = fc.sample(
        fc.shuffledSubarray([...input.state.allowed.rules], { minLength: input.state.allowed.rules.size }),
        { seed, numRuns: 1 },
      );
      const turned = (rules ?? []).map(
        ([key, rule]) => [key, { ...rule, names: new Map([...rule.names].reverse()) }] as const,
      );
      return {
        ...input,
        state: { ...input.state, allowed: { ...input.state.allowed, rules: new Map(turned) } },
      };
    };
    for (const seed of [1, 2, 3]) expect(policyReportObject(shuffled(seed)).status).toEqual(status);
    expect(status.truncated.resourceNames).toBe(1);
  });
});

describe('what has no room', () => {
  test('names beyond the most are counted, not listed', () => {
    const needs = Array.from({ length: 40 }, (_, i) => permission('get', 'secrets', 'shop', `s${i}`));
    const { status } = policyReportObject(inputOf(CART, needs));
    expect(status.observedRules[0]?.resourceNames).toHaveLength(REPORT_LIMITS.names);
    expect(status.observedRules[0]).toMatchObject({ count: 40, hasMoreNames: true });
    expect(status.truncated.resourceNames).toBe(1);
    expect(status.conditions[0]).toMatchObject({ status: 'False', reason: 'ListsTruncated' });
    expect(status.suggestedPolicy.manifests.length).toBeGreaterThan(0);
  });

  test('names that the state let go of count, too', () => {
    const needs = Array.from({ length: 300 }, (_, i) => permission('get', 'secrets', 'shop', `s${i}`));
    const { status } = policyReportObject(inputOf(CART, needs));
    expect(status.observedRules[0]).toMatchObject({
      count: 300,
      firstSeen: timestamp(START_US),
      lastSeen: timestamp(START_US + 299_000_000),
      hasMoreNames: true,
    });
  });

  test('rules beyond the most are counted, and those listed are a choice that new ones do not turn over', () => {
    const needs = Array.from({ length: 600 }, (_, i) => permission('get', `r${i}`, 'shop'));
    const { status } = policyReportObject(inputOf(CART, needs));
    expect(status.observedRules).toHaveLength(REPORT_LIMITS.rules);
    expect([status.ruleCount, status.truncated.observedRules]).toEqual([600, 100]);
    const fewer = policyReportObject(inputOf(CART, needs.slice(0, 599))).status.observedRules;
    const listed = new Set(fewer.map(({ resources }) => resources?.[0]));
    const replaced = status.observedRules.filter(({ resources }) => !listed.has(resources?.[0]));
    expect(replaced.length).toBeLessThanOrEqual(1);
  });

  test('a flood of rules that sort first does not drive out all others', () => {
    const own = Array.from({ length: 250 }, (_, i) => permission('get', `r${i}`, 'shop'));
    const flood = Array.from({ length: 500 }, (_, i) => permission('get', `a${i}`, 'a'));
    const { observedRules } = policyReportObject(inputOf(CART, [...own, ...flood])).status;
    expect(observedRules.filter(({ namespace }) => namespace === 'shop').length).toBeGreaterThan(100);
  });

  test('long names leave room for other rules', () => {
    const needs = Array.from({ length: 9 }, (_, i) =>
      permission('get', 'secrets', 'shop', '<'.repeat(500) + String(i)),
    );
    const [rule] = policyReportObject(inputOf(CART, needs)).status.observedRules;
    expect(rule?.resourceNames).toHaveLength(2);
    expect(rule).toMatchObject({ count: 9, hasMoreNames: true });
  });

  test('a policy that is too large is not there at all', () => {
    const input = inputOf(CART, NEEDS);
    const [object] = input.policy.objects;
    if (!object) throw new Error('no object');
    const objects = Array.from({ length: REPORT_LIMITS.manifests + 1 }, () => object);
    const { status } = policyReportObject({ ...input, policy: { ...input.policy, objects } });
    expect(status.suggestedPolicy.manifests).toEqual([]);
    expect(status.truncated.manifests).toBe(501);
    expect(status.conditions[0]).toMatchObject({ status: 'False', reason: 'PolicyTooLarge' });
  });

  test('a policy that must not be applied is not there, and it is said why, on one line', () => {
    const input = {
      ...inputOf(CART, NEEDS),
      withheld: `as User a\u001b[31m\n${'x'.repeat(1000)} has one, too`,
    };
    const { status } = policyReportObject({ ...input, policy: { ...input.policy, isIncomplete: true } });
    expect(status.suggestedPolicy.manifests).toEqual([]);
    expect(status.truncated.manifests).toBe(0);
    expect(status.observedRules).toEqual(policyReportObject(inputOf(CART, NEEDS)).status.observedRules);
    const [condition] = status.conditions;
    expect(condition).toMatchObject({ type: 'Complete', status: 'False', reason: 'PolicyWithheld' });
    expect(condition?.message).toMatch(/^No policy is suggested: as User a\\u\{1b\}\[31m\\u\{a\}x+…$/);
  });

  test('a capped state says that the policy may lack something', () => {
    const input = inputOf(CART, NEEDS);
    const [overflow] = [...input.state.allowed.rules.values()].flatMap(({ names }) => [...names.values()]);
    if (!overflow) throw new Error('no evidence');
    const state = {
      ...input.state,
      allowed: { ...input.state.allowed, overflow: { ...overflow, count: 7 } },
    };
    const { status } = policyReportObject({ ...input, state });
    expect(status.truncated.requests).toBe(7);
    expect(status.conditions[0]).toMatchObject({ status: 'False', reason: 'EvidenceCapped' });
    const incomplete = policyReportObject({ ...input, policy: { ...input.policy, isIncomplete: true } });
    expect(incomplete.status.conditions[0]).toMatchObject({ reason: 'EvidenceCapped' });
  });

  test.each([
    ['long names', (i: number) => permission('get', `r${i % 40}`, 'shop', '<'.repeat(1000) + String(i))],
    ['long URLs', (i: number) => urlPermission(`v${i}`, `/${'&'.repeat(1000)}${i}`)],
    ['many namespaces', (i: number) => permission('get', 'secrets', `ns${i}`, 'x'.repeat(1000))],
    ['long names everywhere', (i: number) => permission('get', 'r'.repeat(1000) + String(i), `ns${i}`)],
  ])('%s: the object stays below 1 MiB', (_, need) => {
    const needs = Array.from({ length: 2000 }, (__, i) => need(i));
    const report = policyReportObject(inputOf(user('<'.repeat(1024)), needs));
    expect(storedBytes(report)).toBeLessThan(1024 * 1024);
    expect(report.status.ruleCount).toBeGreaterThan(0);
    expect(report.status.conditions[0]?.status).toBe('False');
  });
});

describe('what an attacker chose', () => {
  test('is shown on one line, and kept as it is', () => {
    const name = 'a\u001b[31m\n\u202eb\ud800';
    const report = policyReportObject(
      inputOf(user(name), [permission('get', 'x\ud800', 'shop', '__proto__')]),
    );
    expect(report.status.subject).toBe(String.raw`User a\u{1b}[31m\u{a}\u{202e}b\u{d800}`);
    expect(report.spec.subject.name).toBe('a\u001b[31m\n\u202eb\ufffd');
    expect(report.status.observedRules[0]).toMatchObject({
      resources: ['x\ufffd'],
      resourceNames: ['__proto__'],
    });
    const long = policyReportObject(inputOf(user('x'.repeat(1000)), NEEDS)).status.subject;
    expect(long).toBe(`User ${'x'.repeat(195)}…`);
  });

  test('times outside of what RFC 3339 can write end at its ends', () => {
    expect(timestamp(-1)).toBe('1970-01-01T00:00:00Z');
    expect(timestamp(Infinity)).toBe('9999-12-31T23:59:59Z');
    expect(timestamp(START_US + 999_999)).toBe('2026-01-05T08:00:00Z');
  });
});
