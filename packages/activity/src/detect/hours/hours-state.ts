import { WEEK_BUCKETS } from '../calendar.ts';

const HOURS_OF_DAY = 24;

/** A day that is not learnt yet: how many windows of each hour in UTC had a request. */
export interface PendingDay {
  /** Counted from the epoch in UTC. */
  readonly day: number;
  readonly windows: readonly number[];
}

/** When one person is usually active, of a fixed size. Values: nobody changes one. */
export interface HoursState {
  /** The hour that was taken in last, counted from the epoch; `-Infinity` before the first. */
  readonly hour: number;
  /** Requests of that hour that change something or reach into something: writes, exec, secrets. */
  readonly actions: number;
  /** The day that was told as unusual last; `-Infinity` where none was. */
  readonly toldDay: number;
  /** How many days with a request were learnt. */
  readonly activeDays: number;
  /** The day up to which weights are decayed. */
  readonly learntDay: number;
  /** The last two days with a request. They are not learnt yet, so that no night makes itself usual. */
  readonly pending: readonly PendingDay[];
  /** By bucket of the week: the decayed number of windows with a request. */
  readonly weights: readonly number[];
  /** By bucket of the week: the last day on which it had a request; `-Infinity` where none had. */
  readonly lastDays: readonly number[];
}

/** The state of a person about whom nothing is known. */
export function newHoursState(): HoursState {
  return {
    hour: -Infinity,
    actions: 0,
    toldDay: -Infinity,
    activeDays: 0,
    learntDay: -Infinity,
    pending: [],
    weights: Array.from({ length: WEEK_BUCKETS }, () => 0),
    lastDays: Array.from({ length: WEEK_BUCKETS }, () => -Infinity),
  };
}

const VERSION = 1;

/** What is read of an encoded state, or why it cannot be. */
export type DecodedHoursState =
  | { readonly ok: true; readonly state: HoursState }
  | { readonly ok: false; readonly reason: 'unknown-version' | 'malformed' };

/** A state as one line of JSON, with its version. */
export function encodeHoursState(state: HoursState): string {
  const { hour, actions, toldDay, activeDays, learntDay, pending, weights, lastDays } = state;
  return JSON.stringify([
    VERSION,
    // JSON has no infinity: what never was is null.
    [hour, actions, toldDay, activeDays, learntDay].map(orNull),
    pending.map(({ day, windows }) => [day, ...windows]),
    weights,
    lastDays.map(orNull),
  ]);
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The state that {@link encodeHoursState} wrote. Another version is refused, and so is what no state can hold. */
export function decodeHoursState(text: string): DecodedHoursState {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'malformed' };
  }
  if (!Array.isArray(parts)) return { ok: false, reason: 'malformed' };
  const [version, numbers, pending, weights, lastDays] = parts as unknown[];
  if (version !== VERSION) return { ok: false, reason: 'unknown-version' };
  if (!isListOf(numbers, 5, true) || !isListOf(weights, WEEK_BUCKETS, false)) {
    return { ok: false, reason: 'malformed' };
  }
  if (!isListOf(lastDays, WEEK_BUCKETS, true) || !isPending(pending)) {
    return { ok: false, reason: 'malformed' };
  }
  const [hour = null, actions, toldDay = null, activeDays, learntDay = null] = numbers;
  return {
    ok: true,
    state: {
      hour: orNever(hour),
      actions: actions ?? 0,
      toldDay: orNever(toldDay),
      activeDays: activeDays ?? 0,
      learntDay: orNever(learntDay),
      pending: pending.map(([day = 0, ...windows]) => ({ day, windows })),
      weights: weights.map((weight) => weight ?? 0),
      lastDays: lastDays.map(orNever),
    },
  };
}

function orNever(value: number | null): number {
  return value ?? -Infinity;
}

function isListOf(list: unknown, length: number, nullable: boolean): list is (number | null)[] {
  return (
    Array.isArray(list) &&
    list.length === length &&
    list.every((value) => Number.isFinite(value) || (nullable && value === null))
  );
}

function isPending(list: unknown): list is number[][] {
  return (
    Array.isArray(list) && list.length <= 2 && list.every((day) => isListOf(day, 1 + HOURS_OF_DAY, false))
  );
}
