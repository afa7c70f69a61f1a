import {
  type ActivityDay,
  type ActivityRetention,
  type ActivityState,
  daysToKeep,
  forgetMatches,
  trimDay,
  WINDOW_KINDS,
  windowKey,
  windowsToKeep,
} from '@leastwise/activity';
import type { ClusterState } from '@leastwise/rbac';

const HOUR_US = 3_600_000_000;

/** How long windows are kept: what alerts look back on, and a report of three days. */
export const ACTIVITY_RETENTION: ActivityRetention = { '5m': 6 * HOUR_US, '1h': 72 * HOUR_US };

/**
 * Takes out the windows and days that are beyond the retention.
 * @param newestUs - of the cluster; by event time, so that a replay keeps the same windows
 */
export function pruneActivity(state: ActivityState, newestUs: number, retention: ActivityRetention): void {
  for (const kind of WINDOW_KINDS) {
    const { first } = windowsToKeep(kind, newestUs, retention);
    for (const window of state.windows.values()) {
      if (window.kind === kind && window.number < first) state.windows.delete(windowKey(kind, window.number));
    }
  }
  const first = daysToKeep(newestUs);
  for (const day of state.days.values()) {
    if (day.day < first.counts) state.days.delete(day.day);
    else if (day.day < first.traces) forgetRequests(day);
    else trimDay(day);
  }
}

function forgetRequests({ actors, matches }: ActivityDay): void {
  for (const { traces } of actors.values()) traces.clear();
  forgetMatches(matches);
}

/** Whether a state holds nothing. */
export function isIdle({ windows, days }: ActivityState): boolean {
  return windows.size === 0 && days.size === 0;
}

/** When a cluster's newest request was received, in microseconds; `undefined` where none was counted. */
export function newestOf(clusters: ReadonlyMap<string, ClusterState>, cluster: string): number | undefined {
  const us = clusters.get(cluster)?.lastSeenUs ?? 0;
  return us === 0 ? undefined : us;
}
