import { WEEK_BUCKETS } from '../calendar.ts';

/** The least dispersion that is believed: requests come a little more in bunches than by chance alone. */
export const MIN_DISPERSION = 1.2;

/** In the place of the count of a window about which nothing is known. */
export const UNKNOWN_COUNT = -1;

/** What is remembered of one key, of a fixed size whatever was counted. Values: nobody changes one. */
export interface SpikeState {
  /** The number of the window that was taken in last. */
  readonly window: number;
  /** How many windows were learnt from. */
  readonly learnt: number;
  /** How many windows without a request were taken in since the last one with any. */
  readonly silent: number;
  /** The window that was paged last; `-Infinity` where none was. */
  readonly pagedWindow: number;
  /** The decayed mean of all windows. */
  readonly level: number;
  /** The decayed highest count of all windows. */
  readonly highest: number;
  /** The decayed variance over the mean. */
  readonly dispersion: number;
  /**
   * The counts of the last two windows, which are not learnt yet: what rises slowly must not teach itself.
   * {@link UNKNOWN_COUNT} for those that are never learnt.
   */
  readonly guard: readonly [older: number, newer: number];
  /** By bucket of the week: decayed number of windows, decayed sum of their counts, decayed highest count. */
  readonly weights: Float32Array;
  readonly sums: Float32Array;
  readonly maxima: Float32Array;
}

/** The state of a key about which nothing is known, before its first window. */
export function newSpikeState(firstWindow: number): SpikeState {
  return {
    window: firstWindow - 1,
    learnt: 0,
    silent: 0,
    pagedWindow: -Infinity,
    level: 0,
    highest: 0,
    dispersion: MIN_DISPERSION,
    guard: [0, 0],
    weights: new Float32Array(WEEK_BUCKETS),
    sums: new Float32Array(WEEK_BUCKETS),
    maxima: new Float32Array(WEEK_BUCKETS),
  };
}
