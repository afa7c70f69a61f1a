import type { Calendar } from '../calendar.ts';
import type { HoursVerdict } from './step-hours.ts';

/**
 * One sentence with the numbers of a verdict, for a person to check:
 * `alice: 4 changes, exec or secrets at Sun 03:00 (UTC); 0.2% of their active time is at that hour, …`.
 *
 * @param who - the person. Goes in as it is: whoever shows the sentence escapes it.
 */
export function explainHours(who: string, verdict: HoursVerdict, calendar: Calendar): string {
  const hour = `${calendar.labelOf(verdict.hour)} (${calendar.timeZone})`;
  const share = `${(verdict.probability * 100).toFixed(1)}%`;
  const last = Number.isFinite(verdict.daysSince)
    ? `the last of it ${verdict.daysSince} days ago`
    : 'none was ever seen';
  return (
    `${who}: ${verdict.actions} changes, exec or secrets at ${hour}; ` +
    `${share} of their active time is at that hour, ${last}; ${verdict.activeDays} active days known`
  );
}
