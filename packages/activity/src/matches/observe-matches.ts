import type { RequestRun } from '../detect/detecting/evidence.ts';
import { type ActivityState, emptyActivity, windowFor } from '../state.ts';
import { activityDayOf, dayFor } from '../traces/activity-day.ts';
import { windowOf } from '../windows.ts';
import { addMatches, type FoundInRequests } from './day-matches.ts';
import { addWindowMatches, isToBeTold, noWindowMatches } from './window-matches.ts';

/** Requests of a cluster in which something was found. */
export interface MatchedRequests {
  readonly cluster: string;
  readonly found: FoundInRequests;
  /** All of them new, and within one window of five minutes. */
  readonly run: RequestRun;
  /** Whether windows are counted, too: then what is grave stands in its window, for whoever closes it. */
  readonly hasWindows: boolean;
}

/** Adds what was found in requests to the day that they are of. */
export function observeMatches(
  into: Map<string, ActivityState>,
  { cluster, found, run, hasWindows }: MatchedRequests,
): void {
  const state = into.get(cluster) ?? emptyActivity(cluster);
  into.set(cluster, state);
  addMatches(dayFor(state.days, activityDayOf(run.firstUs)).matches, found, run);
  if (!hasWindows || !isToBeTold(found)) return;
  const window = windowFor(state, '5m', windowOf('5m', run.firstUs));
  window.found ??= noWindowMatches();
  addWindowMatches(window.found, found, run);
}
