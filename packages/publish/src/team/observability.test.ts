import { type Subject, subjectKey } from '@leastwise/audit-event';
import {
  type Cell,
  type ClusterState,
  DAY_US,
  emptyCluster,
  emptyEvidence,
  type RuleSet,
} from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Observability, type ObservabilityInput, observabilityOf, type WaitReason } from './index.ts';

const SUBJECT: Subject = { kind: 'ServiceAccount', namespace: 'a', name: 'b' };
const AS_OF = 20_000;
/** 2024-10-04. */
const LAST_US = AS_OF * DAY_US + DAY_US / 2;

function rulesOf(days: readonly number[], overflow?: readonly number[]): RuleSet {
  const cell = { verb: 'get', apiGroup: '', resource: 'pods', namespace: 'a' };
  const rules = days.map((day, i) => {
    const evidence = { ...emptyEvidence(), days: [day] };
    // By turns under a name and beyond the names that are kept.
    const names = new Map(i % 2 === 0 ? [['', evidence]] : []);
    return [`${i}`, { ...cell, names, overflow: i % 2 === 0 ? undefined : evidence }] as const;
  });
  return { rules: new Map(rules), overflow: overflow && { ...emptyEvidence(), days: overflow } };
}

function clusterOf(allowed: RuleSet, denied = rulesOf([])): ClusterState {
  const cluster = emptyCluster('prod');
  cluster.subjects.set(subjectKey(SUBJECT), { subject: SUBJECT, allowed, denied });
  cluster.lastSeenUs = LAST_US;
  return cluster;
}

function ago(...days: number[]): number[] {
  return days.map((each) => AS_OF - each);
}

function observe(days: readonly number[], change: Partial<ObservabilityInput> = {}): Observability {
  return observabilityOf({
    cluster: clusterOf(rulesOf(days)),
    subject: SUBJECT,
    policy: { isIncomplete: false },
    gaps: { lost: 0, days: [] },
    asOfDay: AS_OF,
    minimumObservationDays: 30,
    ...change,
  });
}

function reasonsOf({ reasons }: Observability): WaitReason[] {
  return reasons.map(({ reason }) => reason);
}

describe('a removal', () => {
  test('may be proposed where the subject was watched for the whole time', () => {
    expect(observe(ago(29, 0))).toEqual({
      mayRemove: true,
      observableDays: 30,
      reasons: [],
      unobservable: [],
    });
    expect(observe(ago(400, 29))).toMatchObject({ mayRemove: true, observableDays: 401 });
  });

  test.each([
    ['the subject is too new by a day', ago(28, 0), {}, ['too-new'], 29],
    ['the subject was not seen lately', ago(100, 30), {}, ['inactive'], 101],
    ['the subject was never seen', [], {}, ['unknown-subject'], 0],
    ['the subject was seen later only', ago(-1), {}, ['unknown-subject'], 0],
    [
      'events of a day are missing',
      ago(100, 0),
      { gaps: { lost: 0, days: [{ firstDay: AS_OF - 29, lastDay: AS_OF - 29 }] } },
      ['gap'],
      29,
    ],
    [
      'events of today are missing',
      ago(100, 0),
      { gaps: { lost: 0, days: [{ firstDay: AS_OF, lastDay: AS_OF + 9 }] } },
      ['gap'],
      0,
    ],
    [
      'events are missing, nobody knows of which days',
      ago(100, 0),
      { gaps: { lost: 1, days: [] } },
      ['lost-events'],
      0,
    ],
    ['a cap left rules out', ago(100, 0), { policy: { isIncomplete: true } }, ['incomplete'], 101],
    ['the stream ended before', ago(100, 1), { asOfDay: AS_OF + 1 }, ['silent'], 0],
  ] as const)('waits where %s', (_, days, change, reasons, observableDays) => {
    const found = observe(days, change);
    expect(reasonsOf(found)).toEqual(reasons);
    expect(found).toMatchObject({ mayRemove: false, observableDays });
  });

  test('does not wait for events that were missing before', () => {
    const gaps = {
      lost: 0,
      days: [
        { firstDay: AS_OF - 31, lastDay: AS_OF - 30 },
        { firstDay: AS_OF - 99, lastDay: AS_OF - 90 },
        { firstDay: AS_OF + 1, lastDay: AS_OF + 2 },
        { firstDay: AS_OF, lastDay: AS_OF - 1 },
      ],
    };
    expect(observe(ago(100, 0), { gaps })).toMatchObject({ mayRemove: true, observableDays: 30 });
  });

  test('tells all reasons at once, in sentences of numbers and days', () => {
    const found = observe(ago(10), {
      minimumObservationDays: 5,
      asOfDay: AS_OF + 4,
      policy: { isIncomplete: true },
      gaps: { lost: 7, days: [{ firstDay: AS_OF, lastDay: AS_OF + 40 }] },
    });
    expect(found.reasons.map(({ text }) => text)).toEqual([
      'The subject was last seen on 2024-09-24: not on one of the last 5 days.',
      'Events of 2024-10-08 are missing, which is one of the last 5 days.',
      '7 events were lost before they were read, and nobody knows of which days.',
      "The cluster's newest event is of 2024-10-04: later days were not observed.",
      'The subject needed more rules than are remembered of it: what is unused cannot be told.',
    ]);
    expect(observe(ago(3)).reasons[0]?.text).toBe(
      'The subject was first seen on 2024-10-01, and 30 days are to be observed.',
    );
    expect(observe([]).reasons[0]?.text).toBe('The subject was not seen up to 2024-10-04.');
  });
});

describe('a subject is seen', () => {
  test('by what it was refused, too', () => {
    const cluster = clusterOf(rulesOf(ago(0)), rulesOf(ago(40)));
    expect(observe([], { cluster })).toMatchObject({ mayRemove: true, observableDays: 41 });
  });

  test('by what was beyond the caps', () => {
    const cluster = clusterOf(rulesOf([...ago(5), ...ago(0)], ago(35)));
    expect(observe([], { cluster })).toMatchObject({ mayRemove: true, observableDays: 36 });
  });

  test('in its activity windows', () => {
    expect(observe(ago(50, 45))).toMatchObject({ mayRemove: false });
    expect(observe(ago(50, 45), { activeDays: ago(3, -3) })).toMatchObject({
      mayRemove: true,
      observableDays: 51,
    });
    expect(observe([], { subject: { ...SUBJECT, name: 'c' }, activeDays: ago(33, 2) })).toMatchObject({
      mayRemove: true,
    });
  });

  test('not on days later than the one in question', () => {
    expect(reasonsOf(observe(ago(60, 31, -1)))).toEqual(['inactive']);
  });
});

describe('an audit policy', () => {
  const cell = (verb: string): Cell => ({
    verb,
    apiGroup: '',
    resource: 'pods',
    namespace: 'a',
    name: '',
    path: '',
  });
  const candidates = [cell('get'), cell('list'), cell('watch')];

  test('keeps what it does not log, and what it is not known to log', () => {
    const wouldLog = ({ verb }: Cell): boolean | undefined =>
      verb === 'watch' ? undefined : verb === 'list';
    const found = observe(ago(100, 0), { candidates, wouldLog });
    expect(found).toMatchObject({ mayRemove: true, unobservable: [cell('get'), cell('watch')] });
    expect(observe([], { candidates, wouldLog }).unobservable).toHaveLength(2);
  });

  test('that nobody gave keeps nothing', () => {
    expect(observe(ago(100, 0), { candidates }).unobservable).toEqual([]);
  });
});

describe('always', () => {
  const day = fc.integer({ min: AS_OF - 60, max: AS_OF + 5 });
  const range = fc
    .tuple(day, fc.nat(5))
    .map(([firstDay, length]) => ({ firstDay, lastDay: firstDay + length }));
  const days = fc.array(day, { maxLength: 6 });
  const ranges = fc.array(range, { maxLength: 3 });

  test('a removal means that each of the last days was observed, counted one by one', () => {
    fc.assert(
      fc.property(days, ranges, fc.integer({ min: 1, max: 40 }), (seen, gaps, minimum) => {
        const found = observe(seen, { gaps: { lost: 0, days: gaps }, minimumObservationDays: minimum });
        const known = seen.filter((each) => each <= AS_OF);
        const isWatched = (each: number): boolean =>
          known.some((first) => first <= each) &&
          !gaps.some((gap) => gap.firstDay <= each && each <= gap.lastDay);
        let observable = 0;
        while (isWatched(AS_OF - observable)) observable += 1;
        expect(found.observableDays).toBe(observable);
        const isActive = known.some((each) => each > AS_OF - minimum);
        expect(found.mayRemove).toBe(observable >= minimum && isActive);
        expect(found.mayRemove).toBe(found.reasons.length === 0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a longer minimum and more gaps never allow more', () => {
    fc.assert(
      fc.property(days, ranges, range, fc.integer({ min: 1, max: 40 }), (seen, gaps, gap, minimum) => {
        const fewer = observe(seen, { gaps: { lost: 0, days: gaps }, minimumObservationDays: minimum });
        const more = observe(seen, {
          gaps: { lost: 0, days: [gap, ...gaps] },
          minimumObservationDays: minimum,
        });
        expect(more.observableDays).toBeLessThanOrEqual(fewer.observableDays);
        if (more.mayRemove) expect(fewer.mayRemove).toBe(true);
      }),
    );
  });

  test.each([
    [0.5, 30],
    [AS_OF, 0],
    [AS_OF, 1.5],
    [NaN, 30],
    [AS_OF, Infinity],
  ])('days are whole: %s, %s', (asOfDay, minimum) => {
    expect(() => observe([], { asOfDay, minimumObservationDays: minimum })).toThrow(RangeError);
  });
});
