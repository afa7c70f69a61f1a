import type { DetectionFinding } from '../detect/detecting/finding.ts';
import { findingsOf } from '../detect/detecting/findings-of.ts';
import { Matches } from '../detect/detecting/matches.ts';
import type { ActivityDay } from '../traces/activity-day.ts';

/** What days say of detections. */
export interface DayFindings {
  /** In time, then by id, subject and sentence. */
  readonly findings: readonly DetectionFinding[];
  /** By detection, how many requests were beyond what is told apart; those without any are left out. */
  readonly beyond: ReadonlyMap<string, number>;
}

/**
 * What detections found in the days of a state: the same as they find in a log of these days, where nothing is beyond what
 * either of them tells apart.
 *
 * @param firstDayOf - of a subject by its key, the UTC day on which it was seen first; `Infinity` where nobody knows
 */
export function dayFindings(
  days: Iterable<ActivityDay>,
  firstDayOf: (subject: string) => number,
): DayFindings {
  const all = new Matches();
  const beyond = new Map<string, number>();
  const addBeyond = (id: string, count: number): void => {
    if (count > 0) beyond.set(id, (beyond.get(id) ?? 0) + count);
  };
  for (const { day, matches } of days) {
    for (const [id, count] of matches.other.beyond) addBeyond(id, count);
    for (const [subject, { plain, keyed }] of matches.entries()) {
      for (const [id, evidence] of plain) all.merge({ id, subject, day }, evidence);
      for (const [id, keys] of keyed) {
        for (const [key, found] of keys.entries()) all.mergeKey({ id, subject, day, key }, found);
        addBeyond(id, keys.other.all.count);
      }
    }
  }
  for (const [id, count] of all.beyond()) addBeyond(id, count);
  return { findings: findingsOf(all.findings(firstDayOf)), beyond };
}
