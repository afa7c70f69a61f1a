import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  impliedGroups,
  parseServiceAccountFlag,
  subjectFromUsername,
  subjectKey,
  usernameOf,
} from './subject.ts';
import type { Subject } from './types.ts';

const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });
const group = (name: string): Subject => ({ kind: 'Group', namespace: '', name });

describe('subjectFromUsername', () => {
  it.each([
    ['alice', user('alice')],
    ['system:node:n1', user('system:node:n1')],
    ['system:serviceaccount:ns:n', account('ns', 'n')],
    ['system:serviceaccount:ns:a.b-c', account('ns', 'a.b-c')],
    ['system:serviceaccount:ns', user('system:serviceaccount:ns')],
    ['system:serviceaccount:ns:', user('system:serviceaccount:ns:')],
    ['system:serviceaccount::n', user('system:serviceaccount::n')],
    ['system:serviceaccount:a:b:c', user('system:serviceaccount:a:b:c')],
    ['system:serviceaccount::', user('system:serviceaccount::')],
    ['system:serviceaccounts:ns', user('system:serviceaccounts:ns')],
    ['a\0b', user('a\u{FFFD}b')],
    [' ', user(' ')],
  ])('%j', (username, subject) => {
    expect(subjectFromUsername(username)).toEqual(subject);
  });

  it('knows nobody without a name', () => {
    expect(subjectFromUsername('')).toBeUndefined();
  });

  it('is undone by usernameOf', () => {
    const username = fc.oneof(
      fc.string({ minLength: 1 }),
      fc
        .array(fc.constantFrom('a', ':', 'b'), { minLength: 1 })
        .map((parts) => `system:serviceaccount:${parts.join('')}`),
    );
    fc.assert(
      fc.property(username, (name) => {
        const subject = subjectFromUsername(name.replaceAll('\0', ''));
        expect(subject === undefined ? '' : usernameOf(subject)).toBe(name.replaceAll('\0', ''));
      }),
    );
  });
});

it('a group has no username', () => {
  expect(usernameOf(group('g'))).toBe('');
});

describe('parseServiceAccountFlag', () => {
  it('takes two parts', () => {
    expect(parseServiceAccountFlag('ns:name')).toEqual(account('ns', 'name'));
  });

  it.each(['', ':', 'ns', 'ns:', ':name', 'a:b:c', 'system:serviceaccount:ns:name'])(
    'refuses %j',
    (value) => {
      expect(parseServiceAccountFlag(value)).toBeUndefined();
    },
  );
});

describe('subjectKey', () => {
  it.each([
    [user('a:b'), 'user:a:b'],
    [group('g'), 'group:g'],
    [account('ns', 'n'), 'serviceaccount:ns:n'],
    [account('a:b', 'c'), 'serviceaccount:a%3Ab:c'],
    [account('a%3Ab', 'c'), 'serviceaccount:a%253Ab:c'],
  ])('%j', (subject, key) => {
    expect(subjectKey(subject)).toBe(key);
  });

  it('is injective', () => {
    const part = fc
      .array(fc.constantFrom('a', ':', '%', '3A', '25'), { maxLength: 4 })
      .map((parts) => parts.join(''));
    const subject = fc.oneof(
      part.map(user),
      part.map(group),
      fc.tuple(part, part).map(([ns, n]) => account(ns, n)),
    );
    fc.assert(
      fc.property(subject, subject, (one, other) => {
        expect(subjectKey(one) === subjectKey(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('impliedGroups', () => {
  it.each([
    [user('alice'), ['system:authenticated']],
    [user('system:anonymous'), ['system:unauthenticated']],
    [account('ns', 'n'), ['system:authenticated', 'system:serviceaccounts', 'system:serviceaccounts:ns']],
    [group('team'), ['system:authenticated', 'team']],
    [group('system:authenticated'), ['system:authenticated']],
    [group('system:unauthenticated'), ['system:unauthenticated']],
    [group('system:serviceaccounts'), ['system:authenticated', 'system:serviceaccounts']],
    [
      group('system:serviceaccounts:ns'),
      ['system:authenticated', 'system:serviceaccounts', 'system:serviceaccounts:ns'],
    ],
  ])('%j', (subject, groups) => {
    expect(impliedGroups(subject)).toEqual(groups);
  });
});
