import type { Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { user } from '../testing/evidence.ts';
import { isNamespaceName, reportName, reportNamespace } from './names.ts';

const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });
const group = (name: string): Subject => ({ kind: 'Group', namespace: '', name });

const text = fc.oneof(
  fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('a', '-', '.', 'A', '_', '0'), minLength: 1, maxLength: 300 }),
);
const subject: fc.Arbitrary<Subject> = fc.oneof(
  text.map(user),
  text.map(group),
  fc.tuple(fc.oneof(fc.constantFrom('shop', 'web'), text), text).map(([ns, name]) => account(ns, name)),
);

describe('the name of a report', () => {
  test.each([
    [account('shop', 'cart'), 'sa-cart'],
    [account('shop', 'cart.v2'), 'sa-cart.v2'],
    [user('alice'), 'user-alice'],
    [group('devs'), 'group-devs'],
    [user('alice@example.com'), 'user-alice-example-com-426452b085b88127730d9c61ded210a2'],
  ])('%o: %s', (of, expected) => {
    expect(reportName(of)).toBe(expected);
  });

  test('is one that an API server takes', () => {
    fc.assert(
      fc.property(subject, (of) => {
        const name = reportName(of);
        expect(name.length).toBeLessThanOrEqual(253);
        for (const label of name.split('.')) expect(label).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
      }),
    );
  });

  test('is no other subject’s in that namespace, whatever names fold to', () => {
    fc.assert(
      fc.property(subject, subject, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        const place = (of: Subject): string => `${reportNamespace(of, 'leastwise-system')}/${reportName(of)}`;
        expect(place(a)).not.toBe(place(b));
      }),
      { numRuns: 2000 },
    );
    const folding = ['a.b', 'a-b', 'A.B', 'a_b', 'a@b', 'a:b', 'a-b-', 'a..b'].map((name) =>
      reportName(user(name)),
    );
    expect(new Set(folding).size).toBe(folding.length);
  });

  test('cannot pose as the folded form of another one', () => {
    const folded = reportName(user('A.B'));
    expect(reportName(user(folded.replace(/^user-/, '')))).not.toBe(folded);
  });

  test('tells accounts of namespaces that cannot exist apart', () => {
    expect(reportName(account('Shop', 'cart'))).not.toBe(reportName(account('SHOP', 'cart')));
    expect(reportName(account('Shop', 'cart'))).toMatch(/^sa-cart-[0-9a-f]{32}$/);
  });

  test('of which nothing is left is the kind and a hash', () => {
    expect(reportName(user('@@@'))).toMatch(/^user-[0-9a-f]{32}$/);
  });

  test('keeps as much of a long name as fits', () => {
    expect(reportName(user('x'.repeat(248)))).toBe(`user-${'x'.repeat(248)}`);
    expect(reportName(user('x'.repeat(249)))).toHaveLength(253);
  });
});

describe('the namespace of a report', () => {
  test.each([
    [account('shop', 'cart'), 'shop'],
    [account('Shop', 'cart'), 'reports'],
    [account('a/../b', 'cart'), 'reports'],
    [account('x'.repeat(64), 'cart'), 'reports'],
    [user('alice'), 'reports'],
    [group('devs'), 'reports'],
  ])('%o: %s', (of, expected) => {
    expect(reportNamespace(of, 'reports')).toBe(expected);
  });

  test.each(['', '-a', 'a-', 'a.b', 'A', 'x'.repeat(64), 'a\n'])('%j cannot be one', (name) => {
    expect(isNamespaceName(name)).toBe(false);
  });
});
