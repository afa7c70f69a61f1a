import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Calendar, createCalendar } from '../calendar.ts';
import { explainHours } from './explain-hours.ts';
import { decodeHoursState, encodeHoursState, type HoursState, newHoursState } from './hours-state.ts';
import { type HoursVerdict, stepHours } from './step-hours.ts';

const UTC = createCalendar('UTC') ?? expect.fail('no UTC');
const HOUR = 12;
const DAY = 24 * HOUR;
/** Monday, 5 January 2026. */
const MONDAY = Date.UTC(2026, 0, 5) / 300_000;

interface Office {
  readonly days: number;
  readonly calendar?: Calendar;
  readonly from?: number;
  readonly weekends?: boolean;
}

/** A person at work from `from` o'clock for nine hours, each window, on working days. */
function office({ days, calendar = UTC, from = 8, weekends = false }: Office): HoursState {
  let state = newHoursState();
  for (let day = 0; day < days; day += 1) {
    if (day % 7 >= 5 && !weekends) continue;
    for (let i = from * HOUR; i < (from + 9) * HOUR; i += 1) {
      state = stepHours(state, MONDAY + day * DAY + i, 1, calendar).state;
    }
  }
  return state;
}

function verdictOf(state: HoursState, window: number, actions: number, calendar = UTC): HoursVerdict {
  return stepHours(state, MONDAY + window, actions, calendar).verdict;
}

describe('an unusual hour', () => {
  const atWork = office({ days: 28 });

  test('is one at which a person was never seen', () => {
    expect(verdictOf(atWork, 28 * DAY + 3 * HOUR, 3)).toEqual({
      kind: 'unusual',
      hour: MONDAY / HOUR + 28 * 24 + 3,
      actions: 3,
      activeDays: 20,
      probability: expect.closeTo(0.0003, 3) as number,
      daysSince: Infinity,
    });
  });

  test.each([
    ['usual', 28 * DAY + 10 * HOUR, 50],
    ['few-actions', 28 * DAY + 3 * HOUR, 2],
    // An hour beside a usual one is usual: people come early, and clocks change.
    ['usual', 28 * DAY + 7 * HOUR, 50],
    ['unusual', 26 * DAY + 10 * HOUR + 7 * DAY, 50],
  ])('is told from one that is %s', (kind, window, actions) => {
    expect(verdictOf(atWork, window, actions).kind).toBe(kind);
  });

  test('is nothing before a person was seen on fourteen days', () => {
    expect(verdictOf(office({ days: 17 }), 17 * DAY + 3 * HOUR, 9).kind).toBe('learning');
    expect(verdictOf(office({ days: 23 }), 23 * DAY + 3 * HOUR, 9).kind).toBe('unusual');
  });

  test('counts the actions of the whole hour', () => {
    const first = stepHours(atWork, MONDAY + 28 * DAY + 3 * HOUR, 2, UTC);
    expect(first.verdict.kind).toBe('few-actions');
    const second = stepHours(first.state, MONDAY + 28 * DAY + 3 * HOUR + 5, 1, UTC);
    expect(second.verdict).toMatchObject({ kind: 'unusual', actions: 3 });
    expect(stepHours(first.state, MONDAY + 28 * DAY + 4 * HOUR, 1, UTC).verdict.kind).toBe('few-actions');
  });

  test('is told once a day, and the same night does not make itself usual', () => {
    let state = atWork;
    const kinds: string[] = [];
    for (const window of [28 * DAY + 22 * HOUR, 28 * DAY + 23 * HOUR, 29 * DAY, 29 * DAY + HOUR]) {
      const step = stepHours(state, MONDAY + window, 5, UTC);
      state = step.state;
      kinds.push(step.verdict.kind);
    }
    expect(kinds).toEqual(['unusual', 'told', 'unusual', 'told']);
  });

  test('that was worked within four weeks is not told again', () => {
    const night = stepHours(atWork, MONDAY + 28 * DAY + 3 * HOUR, 5, UTC).state;
    let state = night;
    for (let day = 29; day < 32; day += 1) {
      state = stepHours(state, MONDAY + day * DAY + 10 * HOUR, 1, UTC).state;
    }
    expect(verdictOf(state, 32 * DAY + 4 * HOUR, 5)).toMatchObject({ kind: 'seen-lately', daysSince: 4 });
    expect(verdictOf(state, 60 * DAY + 4 * HOUR, 5)).toMatchObject({ kind: 'unusual', daysSince: 32 });
  });

  test('that comes late is learnt, and not told', () => {
    const late = stepHours(atWork, MONDAY + 21 * DAY + 3 * HOUR, 50, UTC);
    expect(late.verdict.kind).toBe('late');
    expect(late.state.hour).toBe(atWork.hour);
    expect(late.state.activeDays).toBe(atWork.activeDays);
    expect(verdictOf(late.state, 28 * DAY + 3 * HOUR, 5).kind).toBe('seen-lately');
  });

  test('depends on where the weekend is', () => {
    const tokyo = createCalendar('Asia/Tokyo') ?? UTC;
    const state = office({ days: 28, calendar: tokyo, from: 0 });
    // Friday, 16:00 in UTC: Saturday in Tokyo.
    const friday = 32 * DAY + 16 * HOUR;
    expect(verdictOf(state, friday, 5, tokyo).kind).toBe('unusual');
    expect(tokyo.bucketOf(Math.floor((MONDAY + friday) / HOUR))).toBe(40);
  });

  test('is not an hour later because clocks changed', () => {
    const berlin = createCalendar('Europe/Berlin') ?? UTC;
    expect(
      verdictOf(office({ days: 28, calendar: berlin, from: 7 }), 28 * DAY + 6 * HOUR, 9, berlin).kind,
    ).toBe('usual');
  });
});

describe('a stored state', () => {
  const windows = fc.array(fc.tuple(fc.nat(60 * DAY), fc.nat(6)), { maxLength: 60 });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(windows, (list) => {
        let state = newHoursState();
        for (const [window, actions] of list) state = stepHours(state, MONDAY + window, actions, UTC).state;
        expect(decodeHoursState(encodeHoursState(state))).toEqual({ ok: true, state });
        expect(state.pending.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  test.each([
    ['malformed', '{'],
    ['malformed', '{}'],
    ['unknown-version', '[2]'],
    ['malformed', '[1]'],
    ['malformed', encodeHoursState(newHoursState()).replace('[0,0', '["0",0')],
    ['malformed', encodeHoursState(newHoursState()).replace('[]', '[[1,2]]')],
  ])('is refused as %s: %s', (reason, text) => {
    expect(decodeHoursState(text)).toEqual({ ok: false, reason });
  });
});

describe('the sentence about an unusual hour', () => {
  const verdict: HoursVerdict = {
    kind: 'unusual',
    hour: MONDAY / HOUR + 6 * 24 + 3,
    actions: 4,
    activeDays: 61,
    probability: 0.0021,
    daysSince: 40,
  };

  test('has the numbers that a person can check', () => {
    expect(explainHours('alice', verdict, UTC)).toBe(
      'alice: 4 changes, exec or secrets at Sun 03:00 (UTC); 0.2% of their active time is at that hour, the last of it 40 days ago; 61 active days known',
    );
    expect(explainHours('alice', { ...verdict, daysSince: Infinity }, UTC)).toContain('none was ever seen');
  });
});
