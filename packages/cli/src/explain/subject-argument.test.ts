import type { Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseSubject, subjectArgument } from './subject-argument.ts';

const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });
const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
const group = (name: string): Subject => ({ kind: 'Group', namespace: '', name });

describe('parseSubject', () => {
  test.each([
    ['serviceaccount:shop:cart', account('shop', 'cart')],
    ['serviceaccount:shop/cart', account('shop', 'cart')],
    ['serviceaccount:user:cart', account('user', 'cart')],
    ['shop:cart', account('shop', 'cart')],
    ['system:serviceaccount:shop:cart', account('shop', 'cart')],
    ['user:alice', user('alice')],
    ['user:DOMAIN\\a:b/c d', user('DOMAIN\\a:b/c d')],
    ['user:system:serviceaccount:shop:cart', account('shop', 'cart')],
    ['group:system:masters', group('system:masters')],
  ])('takes %j', (text, subject) => {
    expect(parseSubject(text)).toEqual(subject);
  });

  test.each([
    '',
    ':',
    'alice',
    'user:',
    'group:',
    'serviceaccount:',
    'serviceaccount:cart',
    'serviceaccount:shop/cart/x:y',
    'serviceaccount:a:b:c',
    'system:masters',
    'system:node:n1',
    'a:b:c',
    ':b',
    'a:',
  ])('refuses %j, and lists the forms', (text) => {
    expect(() => parseSubject(text)).toThrow(/is no subject; give one as\n[^]*user:NAME\n {2}group:NAME$/);
  });

  test('undoes subjectArgument', () => {
    const part = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);
    const name = fc.string({ minLength: 1 }).filter((each) => !each.includes('\0'));
    const subject = fc.oneof(
      fc.tuple(part, part).map(([namespace, each]) => account(namespace, each)),
      name.filter((each) => !each.startsWith('system:serviceaccount:')).map(user),
      name.map(group),
    );
    fc.assert(
      fc.property(subject, (each) => {
        expect(parseSubject(subjectArgument(each))).toEqual(each);
      }),
    );
  });
});
