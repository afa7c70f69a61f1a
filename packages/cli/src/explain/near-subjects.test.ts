import type { Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { nearSubjects } from './near-subjects.ts';
import { parseSubject, subjectArgument } from './subject-argument.ts';

function near(wanted: string, ...known: string[]): string[] {
  return nearSubjects(parseSubject(wanted), known.map(parseSubject)).map(subjectArgument);
}

describe('nearSubjects', () => {
  test('finds the same name elsewhere, in other letters, with slips, and as a part; nearest first', () => {
    expect(
      near(
        'shop:checkout',
        ...['user:checkout-operator', 'pay:checkout', 'shop:chekcout', 'shop:checkuot2', 'shop:Checkout'],
        ...['user:cart', 'group:check', 'shop:cheque'],
      ),
    ).toEqual([
      'serviceaccount:shop:Checkout',
      'serviceaccount:pay:checkout',
      'serviceaccount:shop:chekcout',
      'group:check',
      'user:checkout-operator',
    ]);
  });

  test('names nobody where nobody is near', () => {
    expect(near('user:alice', 'user:bob', 'user:carol', 'user:al')).toEqual([]);
    // Two letters of three are another name.
    expect(near('user:bob', 'user:rod', 'user:b')).toEqual([]);
    expect(near('user:bob', 'user:rob')).toEqual(['user:rob']);
  });

  test('names five at most, in an order that the input does not choose', () => {
    const known = Array.from({ length: 9 }, (_, i) => `user:alice${String(i)}`);
    expect(near('user:alice', ...known)).toEqual(known.slice(0, 5));
    expect(near('user:alice', ...known.toReversed())).toEqual(known.slice(0, 5));
  });

  test('finds every name with one letter too many, whichever it is', () => {
    const name = fc.stringMatching(/^[a-z]{3,60}$/);
    fc.assert(
      fc.property(name, fc.nat(), fc.stringMatching(/^[a-z]$/), (text, at, letter) => {
        const cut = at % (text.length + 1);
        const subject: Subject = { kind: 'User', namespace: '', name: text };
        const other = { ...subject, name: text.slice(0, cut) + letter + text.slice(cut) };
        expect(nearSubjects(other, [subject])).toEqual([subject]);
        expect(nearSubjects(subject, [other])).toEqual([other]);
      }),
    );
  });

  test('takes long names for near only where one holds the other', () => {
    const long = 'x'.repeat(1024);
    expect(near(`user:${long}`, `user:y${long.slice(1)}`, `user:${long.slice(1)}`)).toEqual([
      `user:${long.slice(1)}`,
    ]);
  });
});
