import { type LocalTime, utcTime } from './local-time.ts';

/** Every zone in use is off by whole quarters of an hour, and changes at one. */
const QUARTER_US = 900_000_000;
const DAY_MS = 86_400_000;
const MAX_REMEMBERED = 100_000;

/** A time zone by its name, and the local day and hour of moments in it. */
export interface TimeZone {
  readonly name: string;
  readonly timeOf: (us: number) => LocalTime;
}

function formatterFor(name: string): Intl.DateTimeFormat | undefined {
  try {
    // Locale, calendar, digits and zone are all given, so that nothing of the machine is asked.
    // eslint-disable-next-line no-restricted-globals -- the one table of time zones that there is
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
    });
  } catch {
    return undefined;
  }
}

/**
 * A time zone by its name in the time zone database, such as `Europe/Berlin`; summer time included.
 * @returns `undefined` where there is none of that name
 */
export function timeZoneNamed(name: string): TimeZone | undefined {
  if (name === 'UTC') return { name, timeOf: utcTime };
  const formatter = formatterFor(name);
  if (formatter === undefined) return undefined;
  const known = new Map<number, LocalTime>();
  return {
    name: formatter.resolvedOptions().timeZone,
    timeOf: (us) => {
      const quarter = Math.floor(us / QUARTER_US);
      let time = known.get(quarter);
      if (time === undefined) {
        time = localTime(formatter, (quarter * QUARTER_US) / 1000);
        if (known.size >= MAX_REMEMBERED) known.clear();
        known.set(quarter, time);
      }
      return time;
    },
  };
}

function localTime(formatter: Intl.DateTimeFormat, ms: number): LocalTime {
  const parts = new Map(formatter.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return { day: Date.UTC(part('year'), part('month') - 1, part('day')) / DAY_MS, hour: part('hour') };
}
