/** Buckets of a week: 24 hours of working days, then 24 hours of the weekend. */
export const WEEK_BUCKETS = 48;

/** The hours of a week as people live it: which hours are alike, and what to call them. */
export interface Calendar {
  readonly timeZone: string;
  /** The bucket of an hour, counted from the epoch in UTC: its hour of the day in UTC, plus 24 at the weekend. */
  bucketOf(hour: number): number;
  /** The weekday and the time at which an hour begins, such as `Tue 03:00`, in the calendar's time zone. */
  labelOf(hour: number): string;
}

const HOUR_MS = 3_600_000;
const MAX_REMEMBERED = 8192;
const WEEKEND: readonly string[] = ['Sat', 'Sun'];

/**
 * A calendar of one time zone. The zone decides what is a weekend and what people read; hours are those of UTC, so that
 * no change of the clock moves what was learnt.
 *
 * @param timeZone - an IANA name such as `Europe/Berlin`; never the zone of the machine
 * @param weekend - the days of the weekend, as `Sat`
 * @returns `undefined` for a time zone that the runtime does not know
 */
export function createCalendar(timeZone: string, weekend: readonly string[] = WEEKEND): Calendar | undefined {
  const format = formatFor(timeZone);
  if (format === undefined) return undefined;
  const remembered = new Map<number, string>();
  function labelOf(hour: number): string {
    const known = remembered.get(hour);
    if (known !== undefined) return known;
    const parts = new Map(format?.formatToParts(hour * HOUR_MS).map(({ type, value }) => [type, value]));
    const label = `${parts.get('weekday') ?? ''} ${parts.get('hour') ?? ''}:${parts.get('minute') ?? ''}`;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(hour, label);
    return label;
  }
  function bucketOf(hour: number): number {
    return hourOfDay(hour) + (weekend.includes(labelOf(hour).slice(0, 3)) ? 24 : 0);
  }
  return { timeZone, bucketOf, labelOf };
}

/** The hour of the day in UTC, 0 to 23, of an hour counted from the epoch. */
export function hourOfDay(hour: number): number {
  return ((hour % 24) + 24) % 24;
}

/** The buckets of the hour before and the hour after, around the clock and among days of the same kind. */
export function neighboursOf(bucket: number): readonly [before: number, after: number] {
  const day = bucket < 24 ? 0 : 24;
  const hour = bucket - day;
  return [day + ((hour + 23) % 24), day + ((hour + 1) % 24)];
}

function formatFor(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    // Locale, calendar, digits and zone are all given, so that nothing of the machine is asked.
    // eslint-disable-next-line no-restricted-globals -- the one table of time zones that there is
    return new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    return undefined;
  }
}
