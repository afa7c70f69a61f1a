import { expect, test } from 'vitest';

import { emptyCluster } from './cluster-state.ts';
import { DAY_US, emptyEvidence } from './evidence.ts';
import { firstDaysIn } from './first-days.ts';
import type { Evidence, RuleSet } from './types.ts';

function seenOn(day: number): Evidence {
  return { ...emptyEvidence(), firstSeenUs: day * DAY_US + 5, lastSeenUs: (day + 3) * DAY_US };
}

function rules(days: readonly number[], overflows: { rule?: number; set?: number } = {}): RuleSet {
  const names = new Map(days.map((day) => [`n${day}`, seenOn(day)]));
  const { rule, set } = overflows;
  const asked = { verb: 'get', apiGroup: '', resource: 'pods', namespace: 'a' };
  const overflow = rule === undefined ? undefined : seenOn(rule);
  return {
    rules: new Map(days.length === 0 ? [] : [['r', { ...asked, names, overflow }]]),
    overflow: set === undefined ? undefined : seenOn(set),
  };
}

test.each([
  ['allowed', rules([9, 4, 7]), rules([6]), 4],
  ['refused', rules([9]), rules([6, 8]), 6],
  ['beyond the cap of names', rules([9], { rule: 3 }), rules([]), 3],
  ['beyond the cap of rules', rules([9]), rules([], { set: 2 }), 2],
  ['nothing', rules([]), rules([]), Infinity],
])('the first day of a subject is that of its oldest request: %s', (_, allowed, denied, day) => {
  const subject = { kind: 'User', namespace: '', name: 'alice' } as const;
  const state = {
    ...emptyCluster('prod'),
    subjects: new Map([['user:alice', { subject, allowed, denied }]]),
  };
  const firstDayOf = firstDaysIn(state);
  expect([firstDayOf('user:alice'), firstDayOf('user:alice'), firstDayOf('user:bob')]).toEqual([
    day,
    day,
    Infinity,
  ]);
});
