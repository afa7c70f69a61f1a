import { catalogue, type ObjectReference, type RbacFinding } from '@leastwise/findings';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { violationName, violationObjects } from './violation-object.ts';

const CONTEXT = {
  catalogue: new Map(catalogue().map((info) => [info.id, info])),
  ownersOf: ({ namespace }: ObjectReference): readonly string[] =>
    namespace === 'shop' ? ['@shop/team'] : [],
};
const BINDING = { kind: 'RoleBinding', namespace: 'shop', name: 'ci', uid: 'u1' };
const ROLE = { kind: 'ClusterRole', name: 'edit' };

function finding(more: Partial<RbacFinding> = {}): RbacFinding {
  return {
    check: 'R009',
    severity: 'MEDIUM',
    message: 'edit is bound',
    object: BINDING,
    subject: { kind: 'User', name: 'ann' },
    namespace: 'shop',
    paths: [{ binding: BINDING, role: ROLE, ruleIndex: 2, grant: 'get secrets in namespace shop' }],
    key: 'k1',
    ...more,
  };
}

describe('violations', () => {
  test('are one for each object and rule, with everybody that it is about', () => {
    const all = violationObjects(
      [
        finding(),
        finding({
          key: 'k2',
          severity: 'CRITICAL',
          message: 'worse',
          subject: { kind: 'Group', name: 'devs' },
        }),
        finding({ key: 'k3', check: 'R030' }),
      ],
      CONTEXT,
    );
    expect(all.map(({ violation }) => [violation.spec.rule, violation.spec.severity])).toEqual([
      ['R009', 'CRITICAL'],
      ['R030', 'MEDIUM'],
    ]);
    const { spec, metadata } = all[0]?.violation ?? { spec: undefined, metadata: undefined };
    expect(spec).toMatchObject({
      message: 'worse',
      object: BINDING,
      subjects: [
        { kind: 'Group', name: 'devs' },
        { kind: 'User', name: 'ann' },
      ],
      grants: ['RoleBinding shop/ci → ClusterRole edit, rule 2: get secrets in namespace shop'],
      moreGrants: 0,
      owners: ['@shop/team'],
    });
    expect(metadata?.labels).toMatchObject({
      'leastwise.dev/rule': 'R009',
      'leastwise.dev/severity': 'critical',
    });
  });

  test('are the same whatever the order of what was found', () => {
    const findings = ['a', 'b', 'c', 'd'].flatMap((name, i) => [
      finding({ key: `k${i}`, subject: { kind: 'User', name } }),
      finding({ key: `r${i}`, check: 'R030', object: { ...BINDING, name } }),
    ]);
    const expected = violationObjects(findings, CONTEXT);
    fc.assert(
      fc.property(fc.shuffledSubarray(findings, { minLength: findings.length }), (shuffled) => {
        expect(violationObjects(shuffled, CONTEXT)).toEqual(expected);
      }),
    );
  });

  test('are suppressed only where all that was found is, until the first of them is open again', () => {
    const until = (day: string): NonNullable<RbacFinding['suppressed']> => ({
      owner: 'ann',
      until: day,
      reason: 'r',
    });
    const both = [
      finding({ suppressed: until('2026-12-31') }),
      finding({ key: 'k2', suppressed: until('2026-11-30') }),
    ];
    expect(violationObjects(both, CONTEXT)[0]?.suppressed).toEqual(until('2026-11-30'));
    const one = [finding({ suppressed: until('2026-12-31'), severity: 'CRITICAL' }), finding({ key: 'k2' })];
    const [open] = violationObjects(one, CONTEXT);
    expect(open?.suppressed).toBeUndefined();
    expect(open?.violation.spec.severity, 'of what is open').toBe('MEDIUM');
  });

  test('keep within what the API server takes, however much was found', () => {
    const long = 'x\ud800'.repeat(3000);
    const findings = Array.from({ length: 100 }, (_, i) =>
      finding({
        key: `k${i}`,
        message: long,
        subject: { kind: 'User', name: `${i}${long}` },
        paths: [{ binding: BINDING, role: ROLE, grant: `${i}${long}` }],
        morePaths: 3,
      }),
    );
    const spec = violationObjects(findings, CONTEXT)[0]?.violation.spec;
    expect(spec?.message).toHaveLength(2048);
    expect(spec?.subjects).toHaveLength(16);
    expect(spec?.grants).toHaveLength(16);
    expect(spec?.moreGrants).toBe(84 + 300);
    expect(JSON.stringify(spec)).not.toContain('\\ud800');
  });
});

describe('the name of a violation', () => {
  test('is a label, and a function of rule and object alone', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, text, (namespace, name) => {
        const made = violationName('R009', { kind: 'RoleBinding', namespace, name });
        expect(made).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
        expect(made.length).toBeLessThanOrEqual(63);
        expect(violationName('R009', { kind: 'RoleBinding', namespace, name })).toBe(made);
      }),
    );
  });

  test('tells apart what looks alike', () => {
    const names = [
      violationName('R009', { kind: 'RoleBinding', namespace: 'a', name: 'b-c' }),
      violationName('R009', { kind: 'RoleBinding', namespace: 'a-b', name: 'c' }),
      violationName('R009', { kind: 'ClusterRoleBinding', name: 'a-b-c' }),
      violationName('R009', { kind: 'RoleBinding', namespace: 'a', name: 'B-c' }),
      violationName('R010', { kind: 'RoleBinding', namespace: 'a', name: 'b-c' }),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});
