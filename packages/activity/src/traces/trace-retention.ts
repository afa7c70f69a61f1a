import { activityDayOf } from './activity-day.ts';

/** How long people's requests are kept, in UTC days up to the one of their cluster's newest request. */
export interface TraceRetention {
  /** As requests, of which a report is made. */
  readonly days: number;
  /** As counts, which say what somebody has done before. */
  readonly historyDays: number;
}

/** How many days before its period a report of a state looks back for what somebody has done before. */
export const REPORT_HISTORY_DAYS = 28;

/** The day that goes on and a week before it, each with its history. */
export const TRACE_RETENTION: TraceRetention = { days: 8, historyDays: 8 + REPORT_HISTORY_DAYS };

/** The first day of which requests are kept, and the first of which anything is. @param newestUs - of the cluster */
export function daysToKeep(newestUs: number): { readonly traces: number; readonly counts: number } {
  const newest = activityDayOf(newestUs);
  return { traces: newest - TRACE_RETENTION.days + 1, counts: newest - TRACE_RETENTION.historyDays + 1 };
}
