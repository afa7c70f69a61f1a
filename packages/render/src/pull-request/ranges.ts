/*
 * Numbers that grow while nothing changes for the reader. A pull request is edited in place, and people are told of
 * edits, so its text must change with the proposal and not with the clock: counts and days are given as ranges, the
 * window by its months, and a last use that is recent as just that.
 */

const COUNTS = [1, 2, 10, 100, 1000];
const DAYS = [1, 2, 7, 14, 30, 60, 90, 180, 365];
const DAY_US = 86_400_000_000;
/** What was used this lately is in use. */
const RECENT_DAYS = 7;

/** How many: `0`, `1`, `2–9`, `10–99`, `100–999`, `1000+`. */
export function countRange(count: number): string {
  return rangeOf(count, COUNTS);
}

/** Which range of {@link countRange} it is, counted from 0. */
export function countRank(count: number): number {
  return rankOf(count, COUNTS);
}

/** How many days, without the noun: `0`, `1`, `2–6`, `7–13`, `14–29`, `30–59`, `60–89`, `90–179`, `180–364`, `365+`. */
export function daysRange(days: number): string {
  return rangeOf(days, DAYS);
}

/** The day (UTC) of microseconds since the epoch: `2026-01-31`. */
export function dayOf(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 10);
}

/** The month (UTC) of microseconds since the epoch: `2026-01`. */
export function monthOf(us: number): string {
  return dayOf(us).slice(0, 7);
}

/** The day of the last use, or `last 7 days` where it was in those before the newest event. */
export function lastSeen(us: number, newestUs: number): string {
  return newestUs - us < RECENT_DAYS * DAY_US ? `last ${RECENT_DAYS} days` : dayOf(us);
}

/** The range between two steps in which a number is. */
function rangeOf(count: number, steps: readonly number[]): string {
  const rank = rankOf(count, steps);
  const from = steps[rank - 1];
  const next = steps[rank];
  if (from === undefined) return '0';
  if (next === undefined) return `${from}+`;
  return next - from === 1 ? String(from) : `${from}–${next - 1}`;
}

/** How many steps it has reached. */
function rankOf(count: number, steps: readonly number[]): number {
  return steps.filter((step) => step <= count).length;
}
