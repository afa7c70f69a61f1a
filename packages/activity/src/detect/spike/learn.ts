import { type Calendar, neighboursOf, WEEK_BUCKETS } from '../calendar.ts';
import { MIN_DISPERSION, type SpikeState, UNKNOWN_COUNT } from './spike-state.ts';

/** Windows of five minutes. */
const HOUR = 12;
const DAY = 24 * HOUR;

/** How many windows the mean of all windows stands for in the mean of one bucket. */
const SHRINKAGE = 24;
/** No count can fill a mean of 0, and a tail needs one. */
const MIN_MEAN = 1e-6;
/** After so many windows without a request nothing more is forgotten: a year's silence is like a month's. */
export const MAX_SILENT = 30 * DAY;

function decay(halfLife: number): number {
  return 2 ** (-1 / halfLife);
}

/** Ten days of that hour. */
const BUCKET_DECAY = decay(10 * HOUR);
/** Fourteen days of that hour. */
const MAXIMUM_DECAY = decay(14 * HOUR);
const HIGHEST_DECAY = decay(14 * DAY);
const LEVEL_DECAY = decay(3 * DAY);
const DISPERSION_STEP = 1 / (2 * DAY);

/** A state that is being changed. Its arrays are its own. */
export type Draft = { -readonly [Key in keyof SpikeState]: SpikeState[Key] };

/** A copy that may be changed. */
export function draftOf(state: SpikeState): Draft {
  return {
    ...state,
    weights: state.weights.slice(),
    sums: state.sums.slice(),
    maxima: state.maxima.slice(),
  };
}

/** The bucket of the hour that a window is in. */
export function bucketOfWindow(window: number, calendar: Calendar): number {
  return calendar.bucketOf(Math.floor(window / HOUR));
}

/** How many requests are expected in a window of a bucket: its own mean, and the mean of all where it has few. */
export function expectedIn(state: SpikeState, bucket: number): number {
  const sum = (state.sums[bucket] ?? 0) + SHRINKAGE * state.level;
  return Math.max(sum / ((state.weights[bucket] ?? 0) + SHRINKAGE), MIN_MEAN);
}

/** How many requests are expected in a window of the busiest bucket. */
export function expectedAtPeak(state: SpikeState): number {
  let peak = 0;
  for (let bucket = 0; bucket < WEEK_BUCKETS; bucket += 1) {
    peak = Math.max(peak, expectedIn(state, bucket));
  }
  return peak;
}

/** The highest count of a bucket and of the hours beside it. */
export function highestAround(state: SpikeState, bucket: number): number {
  const [before, after] = neighboursOf(bucket);
  return Math.max(state.maxima[bucket] ?? 0, state.maxima[before] ?? 0, state.maxima[after] ?? 0);
}

/** Takes the next window in: learns what leaves the guard, and puts the count there. */
export function takeIn(draft: Draft, count: number, calendar: Calendar): void {
  draft.window += 1;
  if (count > 0) draft.silent = 0;
  else if (draft.silent >= MAX_SILENT) return;
  else draft.silent += 1;
  const [older, newer] = draft.guard;
  // The window that leaves the guard is two before this one.
  learn(draft, bucketOfWindow(draft.window - 2, calendar), older);
  draft.guard = [newer, count];
}

/** Takes in all windows before one, none of which had a request. Costs {@link MAX_SILENT} steps at most. */
export function takeInSilence(draft: Draft, before: number, calendar: Calendar): void {
  while (draft.window < before - 1) {
    if (draft.silent >= MAX_SILENT) draft.window = before - 1;
    else takeIn(draft, 0, calendar);
  }
}

/**
 * Goes on to a window, and takes in none of those before it: what was in them is not known. They are not learnt, and
 * what is in the guard is learnt at once.
 */
export function passUnknown(draft: Draft, before: number, calendar: Calendar): void {
  if (before - 1 <= draft.window) return;
  const [older, newer] = draft.guard;
  learn(draft, bucketOfWindow(draft.window - 1, calendar), older);
  learn(draft, bucketOfWindow(draft.window, calendar), newer);
  draft.guard = [UNKNOWN_COUNT, UNKNOWN_COUNT];
  draft.window = before - 1;
}

function learn(draft: Draft, bucket: number, count: number): void {
  if (count === UNKNOWN_COUNT) return;
  const mean = expectedIn(draft, bucket);
  const surprise = Math.min((count - mean) ** 2 / Math.max(mean, 0.25), 400);
  const dispersion = draft.dispersion + (surprise - draft.dispersion) * DISPERSION_STEP;
  draft.dispersion = Math.max(dispersion, MIN_DISPERSION);
  const limited = limitedForMean(count, mean);
  draft.weights[bucket] = (draft.weights[bucket] ?? 0) * BUCKET_DECAY + 1;
  draft.sums[bucket] = (draft.sums[bucket] ?? 0) * BUCKET_DECAY + limited;
  const maximum = draft.maxima[bucket] ?? 0;
  draft.maxima[bucket] = Math.max(limitedForMaximum(count, maximum, mean), maximum * MAXIMUM_DECAY);
  draft.highest = Math.max(limitedForMaximum(count, draft.highest, mean), draft.highest * HIGHEST_DECAY);
  draft.level = draft.level * LEVEL_DECAY + limited * (1 - LEVEL_DECAY);
  draft.learnt += 1;
}

/** One burst must not raise what is expected by much. */
function limitedForMean(count: number, mean: number): number {
  return Math.min(count, Math.max(5 * mean, 10));
}

/** A maximum at most doubles in a window, so that a ramp pages at each doubling. */
function limitedForMaximum(count: number, maximum: number, mean: number): number {
  return Math.min(count, 2 * Math.max(maximum, 3 * mean, 20));
}

/**
 * Adds requests of a window that was taken in before. One that is in the guard still is counted there, as if they had
 * come in time; for others the sums and maxima grow, less what would have been forgotten of the mean since then.
 */
export function takeInLate(draft: Draft, window: number, count: number, calendar: Calendar): void {
  const age = draft.window - window;
  const [older, newer] = draft.guard;
  draft.silent = Math.min(draft.silent, age);
  if (age === 0) draft.guard = [older, Math.max(newer, 0) + count];
  else if (age === 1) draft.guard = [Math.max(older, 0) + count, newer];
  else learnLate(draft, bucketOfWindow(window, calendar), { count, age });
}

function learnLate(
  draft: Draft,
  bucket: number,
  late: { readonly count: number; readonly age: number },
): void {
  const mean = expectedIn(draft, bucket);
  const limited = limitedForMean(late.count, mean);
  // The window itself was weighed when it was taken in.
  draft.sums[bucket] = (draft.sums[bucket] ?? 0) + limited;
  const maximum = draft.maxima[bucket] ?? 0;
  draft.maxima[bucket] = Math.max(maximum, limitedForMaximum(late.count, maximum, mean));
  draft.highest = Math.max(draft.highest, limitedForMaximum(late.count, draft.highest, mean));
  draft.level += limited * (1 - LEVEL_DECAY) * LEVEL_DECAY ** late.age;
}
