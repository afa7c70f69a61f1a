import type { Subject } from '@leastwise/audit-event';
import type { SubjectState } from '@leastwise/rbac';
import { expect, test } from 'vitest';

import { CliError } from './exit.ts';
import { type SelectionFlags, selectionOf } from './selection.ts';

function state(kind: Subject['kind'], name: string, namespace = ''): SubjectState {
  const nothing = { rules: new Map(), overflow: undefined };
  return { subject: { kind, name, namespace }, allowed: nothing, denied: nothing };
}

const ALL = [
  state('User', 'app'),
  state('User', 'ns1:app'),
  state('Group', 'app'),
  state('ServiceAccount', 'app', 'ns1'),
  state('ServiceAccount', 'app', 'ns2'),
];

test.each<[SelectionFlags, SubjectState[]]>([
  [{ user: 'app' }, ALL.slice(0, 1)],
  [{ user: 'ns1:app' }, ALL.slice(1, 2)],
  [{ user: 'system:serviceaccount:ns1:app' }, ALL.slice(3, 4)],
  [{ serviceaccount: 'ns2:app' }, ALL.slice(4)],
  [{ group: 'app' }, ALL.slice(2, 3)],
  [{ all: true }, ALL],
])('%o chooses exactly whom it names', (flags, chosen) => {
  const { isChosen } = selectionOf(flags);
  expect(ALL.filter((each) => isChosen(each))).toEqual(chosen);
});

test('a group is taken by the reason that grants it, unless told otherwise', () => {
  expect(selectionOf({ group: 'devs' }).group).toEqual({ name: 'devs', by: 'reason' });
  expect(selectionOf({ group: 'devs', groupBy: 'membership' }).group).toEqual({
    name: 'devs',
    by: 'membership',
  });
  expect(selectionOf({ user: 'devs' }).group).toBeUndefined();
});

test.each<[string, SelectionFlags]>([
  ['nobody', {}],
  ['two', { user: 'a', all: true }],
  ['two of a kind', { user: 'a', serviceaccount: 'b:c' }],
  ['no name', { user: '' }],
  ['no namespace', { serviceaccount: 'app' }],
  ['an empty namespace', { serviceaccount: ':app' }],
  ['an empty name', { serviceaccount: 'ns:' }],
  ['three parts', { serviceaccount: 'a:b:c' }],
])('%s is a mistake of the command line', (_, flags) => {
  expect(() => selectionOf(flags)).toThrow(CliError);
});
