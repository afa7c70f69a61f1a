import { type Calendar, hourOfDay, neighboursOf } from '../calendar.ts';
import type { HoursState, PendingDay } from './hours-state.ts';

const WINDOWS_OF_HOUR = 12;
const HOURS_OF_DAY = 24;
/** How many days an hour is remembered by half. */
const HALF_LIFE_DAYS = 28;
/** The weight that every hour has before anything was seen in it (Dirichlet's α). */
const PRIOR = 0.5;
const MAX_PROBABILITY = 0.005;
const MIN_ACTIVE_DAYS = 14;
const MIN_ACTIONS = 3;
const QUIET_DAYS = 28;

/**
 * What was made of a window. `unusual` alone is to be told. The others say what kept it from that, the first reason that
 * applies: it was `late`; its hour has fewer than three `few-actions`; fewer than 14 active days were `learning`; the
 * hour is `usual`, or was `seen-lately`; or this day was `told` already.
 */
export type HoursKind = 'unusual' | 'late' | 'few-actions' | 'learning' | 'usual' | 'seen-lately' | 'told';

/** A window's hour, and all the numbers that it was judged by. */
export interface HoursVerdict {
  readonly kind: HoursKind;
  /** Counted from the epoch in UTC. */
  readonly hour: number;
  /** Requests of this hour so far that change something or reach into something. */
  readonly actions: number;
  readonly activeDays: number;
  /** How likely it is that a window with a request is of this hour of the week. */
  readonly probability: number;
  /** Days since this hour, or one beside it, had a request; `Infinity` where none had. */
  readonly daysSince: number;
}

/** A state after a window, and what was made of the window. */
export interface HoursStep {
  readonly state: HoursState;
  readonly verdict: HoursVerdict;
}

/**
 * Judges a window of five minutes in which a person sent requests, by the days before yesterday, then takes it in. Windows
 * without a request are not to be given. Those of an hour before the last one are late: they are learnt, and never told.
 *
 * @param window - its number, as `windowOf('5m', …)` has it; each once
 * @param actions - how many of its requests change something or reach into something: writes, exec, secrets
 * @returns a new state; the given one stays as it is
 */
export function stepHours(state: HoursState, window: number, actions: number, calendar: Calendar): HoursStep {
  const hour = Math.floor(window / WINDOWS_OF_HOUR);
  const isLate = hour < state.hour;
  const settled = withWindow(state, hour, calendar);
  const soFar = actions + (hour === state.hour ? state.actions : 0);
  const verdict = judge(settled, hour, { actions: isLate ? actions : soFar, isLate }, calendar);
  if (isLate) return { state: settled, verdict };
  const toldDay = verdict.kind === 'unusual' ? dayOf(hour) : settled.toldDay;
  return { state: { ...settled, hour, actions: soFar, toldDay }, verdict };
}

function dayOf(hour: number): number {
  return Math.floor(hour / HOURS_OF_DAY);
}

function judge(
  state: HoursState,
  hour: number,
  { actions, isLate }: { readonly actions: number; readonly isLate: boolean },
  calendar: Calendar,
): HoursVerdict {
  const bucket = calendar.bucketOf(hour);
  const around = [bucket, ...neighboursOf(bucket)];
  const lastDay = Math.max(...around.map((at) => state.lastDays[at] ?? -Infinity));
  const numbers = {
    hour,
    actions,
    activeDays: state.activeDays,
    probability: probabilityOf(state.weights, around),
    daysSince: dayOf(hour) - lastDay,
  };
  return { ...numbers, kind: isLate ? 'late' : kindOf(numbers, dayOf(hour) === state.toldDay) };
}

function kindOf(numbers: Omit<HoursVerdict, 'kind'>, isTold: boolean): HoursKind {
  if (numbers.actions < MIN_ACTIONS) return 'few-actions';
  if (numbers.activeDays < MIN_ACTIVE_DAYS) return 'learning';
  if (numbers.probability >= MAX_PROBABILITY) return 'usual';
  if (numbers.daysSince <= QUIET_DAYS) return 'seen-lately';
  return isTold ? 'told' : 'unusual';
}

/** Each hour is smoothed over the hours beside it, so that nobody is unusual for a change of the clock. */
function probabilityOf(weights: readonly number[], around: readonly number[]): number {
  const own = around.reduce((sum, bucket) => sum + (weights[bucket] ?? 0), 0) / around.length;
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return (own + PRIOR) / (all + PRIOR * weights.length);
}

/** A state with one more active window: in a pending day, in a new one, or, if it is too late for that, in the weights. */
function withWindow(state: HoursState, hour: number, calendar: Calendar): HoursState {
  const day = dayOf(hour);
  const known = state.pending.find((pending) => pending.day === day);
  if (known !== undefined) {
    const counted = { day, windows: known.windows.map((n, at) => (at === hourOfDay(hour) ? n + 1 : n)) };
    return { ...state, pending: state.pending.map((pending) => (pending === known ? counted : pending)) };
  }
  const windows = Array.from({ length: HOURS_OF_DAY }, (_, at) => (at === hourOfDay(hour) ? 1 : 0));
  const newest = Math.max(day, ...state.pending.map((pending) => pending.day));
  const pending = [...state.pending, { day, windows }].sort((a, b) => a.day - b.day);
  // A day is learnt when the day after it is over.
  const due = pending.filter((each) => each.day < newest - 1);
  const learnt = due.reduce((so, each) => withDay(so, each, calendar), state);
  return { ...learnt, pending: pending.filter((each) => each.day >= newest - 1) };
}

function withDay(state: HoursState, { day, windows }: PendingDay, calendar: Calendar): HoursState {
  const learntDay = Math.max(state.learntDay, day);
  const fade = Number.isFinite(state.learntDay) ? halved(learntDay - state.learntDay) : 1;
  // A day that comes late counts as much as if it had been there.
  const worth = halved(learntDay - day);
  const weights = state.weights.map((weight) => weight * fade);
  const lastDays = [...state.lastDays];
  for (const [at, count] of windows.entries()) {
    if (count === 0) continue;
    const bucket = calendar.bucketOf(day * HOURS_OF_DAY + at);
    weights[bucket] = (weights[bucket] ?? 0) + count * worth;
    lastDays[bucket] = Math.max(lastDays[bucket] ?? -Infinity, day);
  }
  // Whether a day that comes late was learnt before is not known: it is no new one.
  const activeDays = state.activeDays + (day > state.learntDay ? 1 : 0);
  return { ...state, weights, lastDays, learntDay, activeDays };
}

function halved(days: number): number {
  return 2 ** (-days / HALF_LIFE_DAYS);
}
