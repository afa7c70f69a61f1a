import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createCalendar } from '../calendar.ts';
import { decodeSpikeState, encodeSpikeState, SPIKE_STATE_BYTES } from './encode-spike-state.ts';
import { explainSpike } from './explain-spike.ts';
import { MAX_SILENT } from './learn.ts';
import { DEFAULT_MINIMUM, minimumFor } from './minimum.ts';
import { newSpikeState, type SpikeState } from './spike-state.ts';
import { passQuietly, skipSilence, type SpikeVerdict, stepSpike } from './step-spike.ts';

const UTC = createCalendar('UTC') ?? expect.fail('no UTC');
const OPTIONS = { minimum: 20, calendar: UTC };
const HOUR = 12;
const DAY = 24 * HOUR;
/** Monday, 5 January 2026. */
const MONDAY = Date.UTC(2026, 0, 5) / 300_000;

type Counts = (window: number) => number;

/** The state after all windows of some days from {@link MONDAY} on. */
function after(days: number, counts: Counts, from: SpikeState = newSpikeState(MONDAY)): SpikeState {
  let state = from;
  for (let i = state.window + 1; i < MONDAY + days * DAY; i += 1) {
    state = stepSpike(state, i, counts(i - MONDAY), OPTIONS).state;
  }
  return state;
}

function verdictOf(state: SpikeState, window: number, count: number, minimum = 20): SpikeVerdict {
  return stepSpike(state, MONDAY + window, count, { ...OPTIONS, minimum }).verdict;
}

/** Ten in each window, a little more and less. */
const steady: Counts = (i) => 8 + ((i * 7) % 5);
/** After ten days of it. */
const steadyState = after(10, steady);
/** Three hundred in three windows from 02:00 on, and one in each other. */
const nightly: Counts = (i) => (i % DAY >= 2 * HOUR && i % DAY < 2 * HOUR + 3 ? 300 : 1);

describe('a spike', () => {
  test('has all its numbers with it', () => {
    const { tailLog10, expected, dispersion, ...rest } = verdictOf(after(8, steady), 8 * DAY, 100);
    expect(rest).toEqual({
      kind: 'spike',
      window: MONDAY + 8 * DAY,
      count: 100,
      minimum: 20,
      highestThisHour: expect.closeTo(12, 0) as number,
      highestOverall: expect.closeTo(12, 0) as number,
      isQuietHour: false,
      learnt: 8 * DAY,
    });
    // The mean of all windows has known eight days of its three-day half-life: it is still low.
    expect(expected).toBeCloseTo(9.6, 0);
    expect(dispersion).toBe(1.2);
    expect(tailLog10).toBeLessThan(-40);
  });

  test.each([
    ['warming-up', 7 * DAY - 1, 100],
    ['spike', 7 * DAY, 100],
    ['below-minimum', 9 * DAY, 19],
    ['near-expected', 9 * DAY, 28],
    ['spike', 9 * DAY, 33],
  ])('is judged %s in window %i with %i', (kind, window, count) => {
    expect(verdictOf(after(window / DAY, steady), window, count).kind).toBe(kind);
  });

  test('has to be well above what any hour had', () => {
    const state = after(20, (i) => (i % DAY === 10 * HOUR ? 60 : steady(i)));
    const busy = 20 * DAY + 15 * HOUR;
    const highest = verdictOf(state, busy, 1).highestOverall;
    expect(highest).toBeGreaterThan(55);
    expect(verdictOf(state, busy, Math.floor(1.5 * highest)).kind).toBe('seen-before');
    expect(verdictOf(state, busy, Math.ceil(1.5 * highest)).kind).toBe('spike');
  });

  test('in an hour that is quiet is compared with that hour alone', () => {
    const state = after(21, (i) => (i % DAY < 8 * HOUR || i % DAY >= 18 * HOUR ? 0 : 30));
    const night = verdictOf(state, 21 * DAY + 3 * HOUR, 40);
    expect(night).toMatchObject({ kind: 'spike', isQuietHour: true, highestThisHour: 0 });
    expect(verdictOf(state, 21 * DAY + 12 * HOUR, 44)).toMatchObject({
      kind: 'near-expected',
      isQuietHour: false,
    });
  });

  test('in an hour that expects little is compared with that hour, though it has its small bursts', () => {
    const isDay: Counts = (i) => (i % DAY < 8 * HOUR || i % DAY >= 18 * HOUR ? 0 : 30);
    const state = after(21, (i) => (i % DAY === 3 * HOUR ? 6 : isDay(i)));
    const night = verdictOf(state, 21 * DAY + 3 * HOUR, 40);
    expect(night.highestThisHour).toBeGreaterThan(0.1 * night.highestOverall);
    expect(night).toMatchObject({ kind: 'spike', isQuietHour: true });
  });

  test('is no burst that comes each night, nor one that comes an hour later when clocks change', () => {
    const state = after(25, nightly);
    for (const hour of [1, 2, 3]) {
      expect(verdictOf(state, 25 * DAY + hour * HOUR, 330)).toMatchObject({ kind: 'seen-before' });
    }
    expect(verdictOf(state, 25 * DAY + 12 * HOUR, 330).kind).toBe('spike');
  });

  test('needs so many that chance does not bring them', () => {
    // Now and then 100: the variance is that of bunches.
    const state = after(20, (i) => ((i * 2_654_435_761) % 97 < 6 ? 100 : 0));
    const { kind, tailLog10 } = verdictOf(state, 20 * DAY, 160);
    expect(kind).toBe('not-improbable');
    expect(tailLog10).toBeGreaterThan(-6);
  });

  test('pages once an hour', () => {
    let state = steadyState;
    const kinds: string[] = [];
    for (let i = 0; i < 14; i += 1) {
      const step = stepSpike(state, MONDAY + 10 * DAY + i, 100 * 3 ** i, OPTIONS);
      state = step.state;
      kinds.push(step.verdict.kind);
    }
    expect(kinds.slice(0, 3)).toEqual(['spike', 'ongoing', 'ongoing']);
    expect(kinds.filter((kind) => kind === 'spike')).toHaveLength(2);
    expect(kinds[12]).toBe('spike');
  });

  test('teaches nothing to the two windows after it, and one burst teaches little', () => {
    const state = steadyState;
    const at = MONDAY + 10 * DAY;
    const first = stepSpike(state, at, 10_000, OPTIONS).state;
    const second = stepSpike(first, at + 1, 10, OPTIONS).state;
    expect(second.highest).toBeCloseTo(state.highest, 1);
    const third = stepSpike(second, at + 2, 10, OPTIONS).state;
    // At most the double of the highest expectation or 20.
    expect(third.highest).toBeLessThan(70);
    expect(verdictOf(third, 10 * DAY + 3, 10).expected).toBeLessThan(13);
  });

  test('that rises slowly pages at each doubling', () => {
    let state = steadyState;
    let pages = 0;
    for (let i = 0; i < DAY; i += 1) {
      const step = stepSpike(state, MONDAY + 10 * DAY + i, Math.round(10 * 1.05 ** i), OPTIONS);
      state = step.state;
      if (step.verdict.kind === 'spike') pages += 1;
    }
    expect(pages).toBeGreaterThan(4);
  });

  test('of a benign burst that comes again is learnt in a few times', () => {
    let state = after(14, () => 1);
    const pages: number[] = [];
    for (let i = 14 * DAY; i < 28 * DAY; i += 1) {
      const step = stepSpike(state, MONDAY + i, i % DAY === 100 ? 500 : 1, OPTIONS);
      state = step.state;
      if (step.verdict.kind === 'spike') pages.push(i);
    }
    // Five working days, and the two days of the weekend, which are learnt apart.
    expect(pages.map((i) => Math.floor(i / DAY))).toEqual([14, 15, 16, 17, 18, 19, 20]);
  });
});

/** Counts of windows, most of them 0. */
const sparse = fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(400)), {
  minLength: 1,
  maxLength: 400,
});

describe('windows without requests', () => {
  test('may be left out: the state is the same as if each was given', () => {
    fc.assert(
      fc.property(sparse, fc.nat(DAY * 3), (counts, gap) => {
        const all = [...counts, ...Array.from({ length: gap }, () => 0), 50];
        let each = newSpikeState(MONDAY);
        let some = newSpikeState(MONDAY);
        for (const [i, count] of all.entries()) {
          each = stepSpike(each, MONDAY + i, count, OPTIONS).state;
          if (count > 0) some = stepSpike(some, MONDAY + i, count, OPTIONS).state;
        }
        expect(some).toEqual(each);
      }),
      { numRuns: 25 },
    );
  });

  test('for longer than a month are forgotten no further, given or not', () => {
    const start = after(9, steady);
    let each = start;
    const end = start.window + MAX_SILENT + 500;
    for (let i = start.window + 1; i < end; i += 1) each = stepSpike(each, i, 0, OPTIONS).state;
    expect(stepSpike(start, end, 30, OPTIONS)).toEqual(stepSpike(each, end, 30, OPTIONS));
    const week = 7 * DAY;
    const later = stepSpike(start, end + 1e6 * week, 30, OPTIONS).state;
    expect({ ...later, window: end, pagedWindow: end }).toEqual(stepSpike(each, end, 30, OPTIONS).state);
  });

  test('do not keep who wakes up from being judged', () => {
    const state = after(9, steady);
    expect(verdictOf(state, 200 * DAY, 60).kind).toBe('spike');
  });
});

describe('a late window', () => {
  test('never pages', () => {
    const state = steadyState;
    expect(verdictOf(state, 10 * DAY - 1, 100_000).kind).toBe('late');
    expect(verdictOf(state, 3 * DAY, 100_000).kind).toBe('late');
  });

  test('that is in the guard still counts as if it had come in time', () => {
    const inTime = after(10, (i) => (i === 10 * DAY - 1 || i === 10 * DAY - 2 ? 40 : 3));
    let late = after(10, () => 3);
    late = stepSpike(late, MONDAY + 10 * DAY - 2, 37, OPTIONS).state;
    late = stepSpike(late, MONDAY + 10 * DAY - 1, 37, OPTIONS).state;
    expect({ ...late, pagedWindow: inTime.pagedWindow }).toEqual(inTime);
  });

  test('that was learnt raises what its hour expects, and no other hour by much', () => {
    const state = after(10, () => 3);
    const late = stepSpike(state, MONDAY + 9 * DAY + 5 * HOUR, 30, OPTIONS).state;
    const at = (from: SpikeState, hour: number): number =>
      verdictOf(from, 10 * DAY + hour * HOUR, 1).expected;
    expect(at(late, 5)).toBeGreaterThan(at(state, 5) + 0.1);
    expect(at(late, 14)).toBeLessThan(at(state, 14) + 0.01);
    expect(late.window).toBe(state.window);
    expect(late.highest).toBe(30);
  });
});

describe('a stored state', () => {
  test('is read as it was written, and goes on as if it had never been stored', () => {
    fc.assert(
      fc.property(sparse, (counts) => {
        let state = newSpikeState(MONDAY);
        for (const [i, count] of counts.entries()) {
          state = stepSpike(state, MONDAY + i, count, OPTIONS).state;
        }
        const bytes = encodeSpikeState(state);
        expect(bytes).toHaveLength(SPIKE_STATE_BYTES);
        expect(decodeSpikeState(bytes)).toEqual({ ok: true, state });
      }),
    );
  });

  test('is of one size, whatever was counted', () => {
    expect(SPIKE_STATE_BYTES).toBe(649);
  });

  test.each([
    ['unknown-version', (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, i) => (i === 0 ? 2 : byte))],
    ['unknown-version', () => new Uint8Array(0)],
    ['wrong-length', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ['invalid-number', (bytes: Uint8Array) => bytes.fill(0xff, 1, 9)],
    ['invalid-number', (bytes: Uint8Array) => bytes.fill(0xff, SPIKE_STATE_BYTES - 4)],
  ])('is refused as %s', (reason, change) => {
    expect(decodeSpikeState(change(encodeSpikeState(newSpikeState(0))))).toEqual({ ok: false, reason });
  });

  test('is not changed by a step', () => {
    const state = after(9, steady);
    const before = encodeSpikeState(state);
    stepSpike(state, state.window + 1, 400, OPTIONS);
    stepSpike(state, state.window - 5, 400, OPTIONS);
    expect(encodeSpikeState(state)).toEqual(before);
  });
});

describe('the sentence about a spike', () => {
  const verdict: SpikeVerdict = {
    kind: 'spike',
    window: MONDAY + DAY + 3 * HOUR + 4,
    count: 212,
    minimum: 10,
    expected: 0.4,
    dispersion: 1.2,
    highestThisHour: 2,
    highestOverall: 31.2,
    isQuietHour: true,
    tailLog10: -40.3,
    learnt: 5000,
  };

  test('has the numbers that a person can check', () => {
    expect(explainSpike('alice, get secrets, prod', verdict, UTC)).toBe(
      'alice, get secrets, prod: 212 in 5 min; usual at Tue 03:00 is 0.4, highest at this hour 2, overall 31; p<1e-40',
    );
  });

  test('names the hour in the zone of its readers, and says no probability that was not computed', () => {
    const tokyo = createCalendar('Asia/Tokyo') ?? UTC;
    const few = { ...verdict, expected: 0.01, highestThisHour: 0, tailLog10: undefined };
    expect(explainSpike('x', few, tokyo)).toBe(
      'x: 212 in 5 min; usual at Tue 12:00 is <0.1, highest at this hour 0, overall 31',
    );
  });
});

test('the least number that is a spike is lower where each request weighs more', () => {
  expect(minimumFor('read', 'pods')).toBe(DEFAULT_MINIMUM);
  expect(minimumFor('read', 'secrets')).toBe(10);
  expect(minimumFor('exec', 'pods')).toBe(5);
  expect(minimumFor('delete-collection', 'secrets')).toBe(5);
});

describe('windows of which nothing is known', () => {
  const state = after(10, steady);

  test('are not learnt, and what was in the guard is', () => {
    const skipped = skipSilence(state, MONDAY + 12 * DAY, UTC);
    expect(skipped.learnt).toBe(state.learnt + 2);
    expect(skipped.window).toBe(MONDAY + 12 * DAY - 1);
    const next = stepSpike(skipped, MONDAY + 12 * DAY, 10, OPTIONS);
    const further = stepSpike(next.state, MONDAY + 12 * DAY + 1, 10, OPTIONS);
    // The two windows before the first one are unknown: nothing leaves the guard yet.
    expect(further.state.learnt).toBe(skipped.learnt);
    expect(stepSpike(further.state, MONDAY + 12 * DAY + 2, 10, OPTIONS).state.learnt).toBe(
      skipped.learnt + 1,
    );
  });

  test('lower nothing that is expected, as windows without requests do', () => {
    const at = 12 * DAY + 10 * HOUR;
    const silent = verdictOf(skipSilence(state, MONDAY + at, UTC), at, 1).expected;
    const quiet = verdictOf(passQuietly(state, MONDAY + at, UTC), at, 1).expected;
    expect(silent).toBeGreaterThan(8);
    expect(quiet).toBeLessThan(0.8 * silent);
  });

  test('are kept in a stored state, and take in what comes late', () => {
    const skipped = skipSilence(state, MONDAY + 11 * DAY, UTC);
    expect(decodeSpikeState(encodeSpikeState(skipped))).toEqual({ ok: true, state: skipped });
    const late = stepSpike(skipped, skipped.window, 7, OPTIONS).state;
    expect(late.guard[1]).toBe(7);
    expect(stepSpike(skipped, skipped.window - 1, 7, OPTIONS).state.guard[0]).toBe(7);
  });

  test('behind the last window that was taken in are none', () => {
    expect(skipSilence(state, state.window, UTC)).toEqual(state);
  });
});
