import type { Calendar } from '../calendar.ts';
import {
  bucketOfWindow,
  draftOf,
  expectedAtPeak,
  expectedIn,
  highestAround,
  passUnknown,
  takeIn,
  takeInLate,
  takeInSilence,
} from './learn.ts';
import { nbTailLog10 } from './nb-tail.ts';
import { MIN_DISPERSION, type SpikeState } from './spike-state.ts';

/** Windows of five minutes: a key is judged from its eighth day on. */
export const WARM_UP_WINDOWS = 7 * 24 * 12;
const EPISODE_WINDOWS = 12;

const MAX_TAIL_LOG10 = -6;
const MIN_RATIO = 3;
const MIN_RATIO_TO_HIGHEST = 1.5;
/** An hour is quiet if it expects, or has ever had, so small a part of the busiest one. */
const QUIET_MEAN = 0.2;
const QUIET_MAXIMUM = 0.1;

/** What a key's windows are judged by. */
export interface SpikeOptions {
  /** Fewer requests than this are no spike: see `minimumFor`. */
  readonly minimum: number;
  readonly calendar: Calendar;
}

/**
 * What was made of a window. `spike` alone is to be paged; `ongoing` is a spike in the hour after a page.
 *
 * The others say what kept it from being one, the first reason that applies: the window came `late`; the key is in its
 * first seven days; or the count is `below-minimum`, `near-expected` (less than thrice that), `seen-before` (not well
 * above what this hour, or any hour, had) or `not-improbable`.
 */
export type SpikeKind =
  | 'spike'
  | 'ongoing'
  | 'late'
  | 'warming-up'
  | 'below-minimum'
  | 'near-expected'
  | 'seen-before'
  | 'not-improbable';

/** A window's count, and all the numbers that it was compared with. */
export interface SpikeVerdict {
  readonly kind: SpikeKind;
  readonly window: number;
  readonly count: number;
  readonly minimum: number;
  /** How many requests are usual in a window of this hour of the week. */
  readonly expected: number;
  /** The variance of the counts over their mean. */
  readonly dispersion: number;
  /** The highest count of this hour and the hours beside it, slowly forgotten. */
  readonly highestThisHour: number;
  /** The highest count of any hour, slowly forgotten. */
  readonly highestOverall: number;
  /** Whether this hour is so quiet that it is compared with itself, not with the busiest one. */
  readonly isQuietHour: boolean;
  /** The decimal logarithm of the probability of so many; `undefined` where an earlier reason had decided. */
  readonly tailLog10: number | undefined;
  /** How many windows were learnt before. */
  readonly learnt: number;
}

/** A state after a window, and what was made of the window. */
export interface SpikeStep {
  readonly state: SpikeState;
  readonly verdict: SpikeVerdict;
}

/**
 * Judges a window of one key by all windows before it, then takes it in. Windows that were left out since the last one
 * had no requests: that is the same as giving each of them with a count of 0, and bounded in time. The count of a
 * window that was taken in before is added to it, and never pages.
 *
 * @param window - its number, as `windowOf('5m', …)` has it
 * @param count - requests in it: a whole number, not negative
 * @returns a new state; the given one stays as it is
 */
export function stepSpike(
  state: SpikeState,
  window: number,
  count: number,
  { minimum, calendar }: SpikeOptions,
): SpikeStep {
  const draft = draftOf(state);
  const isLate = window <= state.window;
  if (!isLate) takeInSilence(draft, window, calendar);
  const verdict = judge(draft, window, count, { minimum, calendar });
  if (isLate) takeInLate(draft, window, count, calendar);
  else takeIn(draft, count, calendar);
  if (verdict.kind === 'spike') draft.pagedWindow = window;
  return { state: draft, verdict };
}

/**
 * A state that goes on to a window, with nothing learnt of the windows before it that were not taken in: the source was
 * silent, so that no request in them does not mean that there was none.
 */
export function skipSilence(state: SpikeState, before: number, calendar: Calendar): SpikeState {
  const draft = draftOf(state);
  passUnknown(draft, before, calendar);
  return draft;
}

/** A state that took in all windows before one as windows without a request, those left out since the last one. */
export function passQuietly(state: SpikeState, before: number, calendar: Calendar): SpikeState {
  const draft = draftOf(state);
  takeInSilence(draft, before, calendar);
  return draft;
}

function judge(
  state: SpikeState,
  window: number,
  count: number,
  { minimum, calendar }: SpikeOptions,
): SpikeVerdict {
  const bucket = bucketOfWindow(window, calendar);
  const expected = expectedIn(state, bucket);
  const highestThisHour = highestAround(state, bucket);
  const isQuietHour =
    highestThisHour < QUIET_MAXIMUM * state.highest || expected < QUIET_MEAN * expectedAtPeak(state);
  const numbers = {
    window,
    count,
    minimum,
    expected,
    dispersion: Math.max(state.dispersion, MIN_DISPERSION),
    highestThisHour,
    highestOverall: state.highest,
    isQuietHour,
    learnt: state.learnt,
  };
  const objection = objectionTo(numbers);
  if (window <= state.window) return { ...numbers, kind: 'late', tailLog10: undefined };
  if (objection !== undefined) return { ...numbers, kind: objection, tailLog10: undefined };
  const tailLog10 = nbTailLog10(count, expected, numbers.dispersion);
  if (tailLog10 >= MAX_TAIL_LOG10) return { ...numbers, kind: 'not-improbable', tailLog10 };
  const isOngoing = window - state.pagedWindow < EPISODE_WINDOWS;
  return { ...numbers, kind: isOngoing ? 'ongoing' : 'spike', tailLog10 };
}

/** Why a count is no spike, as far as that can be said without its probability. */
function objectionTo(numbers: Omit<SpikeVerdict, 'kind' | 'tailLog10'>): SpikeKind | undefined {
  const { count, minimum, expected, learnt } = numbers;
  if (learnt < WARM_UP_WINDOWS) return 'warming-up';
  if (count < minimum) return 'below-minimum';
  if (count < MIN_RATIO * expected) return 'near-expected';
  const reference = numbers.isQuietHour ? numbers.highestThisHour : numbers.highestOverall;
  return count > MIN_RATIO_TO_HIGHEST * reference ? undefined : 'seen-before';
}
