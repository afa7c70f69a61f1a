import type { OfficeHours } from './model.ts';

/** Where a moment stands in the days of a place. */
export interface LocalTime {
  /** Days since 1970-01-01 there. */
  readonly day: number;
  readonly hour: number;
}

const HOUR_US = 3_600_000_000;
const HOURS = 24;
const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday; 0 is Monday. */
const FIRST_WEEKDAY = 3;

/** The day and hour of a time in UTC. @param us - microseconds since the epoch */
export function utcTime(us: number): LocalTime {
  const hours = Math.floor(us / HOUR_US);
  const day = Math.floor(hours / HOURS);
  return { day, hour: hours - day * HOURS };
}

/** `YYYY-MM-DD` of a day since 1970-01-01. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Whether a moment is outside of office hours; Saturdays and Sundays are, all day. */
export function isOffHours({ day, hour }: LocalTime, { from, to }: OfficeHours): boolean {
  const weekday = (((day + FIRST_WEEKDAY) % 7) + 7) % 7;
  return weekday >= 5 || hour < from || hour >= to;
}

/** `8-18`: from 08:00 up to before 18:00; `undefined` for anything else, also where they end before they begin. */
export function parseOfficeHours(text: string): OfficeHours | undefined {
  const [, from = '', to = ''] = /^(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  const hours = { from: Number(from), to: Number(to) };
  return from === '' || hours.to > HOURS || hours.from >= hours.to ? undefined : hours;
}
