import { type ActivityState, dayFor, emptyActivity, windowFor } from '@leastwise/activity';
import { encodeMatches, encodeTold, type Fields, readMatches, readTold } from '@leastwise/state';

import { KEPT_KIND } from './partition-windows.ts';

/*
 * What detections found, in a segment:
 *
 *   found   [name of a cluster, [day, subject's key, matches …], [number of a window, told …]]
 *
 * with matches and told as match-codec.ts of the state has them.
 */

function foundIn({ cluster, days, windows }: ActivityState): unknown[] | undefined {
  const ofDays = [...days.values()].flatMap(({ day, matches }) =>
    matches.entries().flatMap(([subject, each]) => [day, subject, encodeMatches(day, each)]),
  );
  const ofWindows = [...windows.values()].flatMap((window) => {
    const told = window.kind === KEPT_KIND ? encodeTold(window) : undefined;
    return told === undefined ? [] : [window.number, told];
  });
  return ofDays.length + ofWindows.length === 0 ? undefined : [cluster, ofDays, ofWindows];
}

/** What a batch's detections found, by cluster, as JSON. */
export function foundText(activity: ReadonlyMap<string, ActivityState>): string {
  return JSON.stringify(Array.from(activity.values(), foundIn).filter((found) => found !== undefined));
}

/**
 * Adds what {@link foundText} wrote.
 * @param parts - `windows` leaves days out
 * @throws Malformed
 */
export function readFound(
  activity: Map<string, ActivityState>,
  fields: Fields,
  parts: 'all' | 'windows',
): void {
  while (fields.more()) {
    const found = fields.list();
    const cluster = found.string();
    const state = activity.get(cluster) ?? emptyActivity(cluster);
    activity.set(cluster, state);
    const [days, windows] = [found.list(), found.list()];
    found.end();
    if (parts === 'all') readDays(state, days);
    while (windows.more()) readTold(windowFor(state, KEPT_KIND, windows.integer()), windows.list());
  }
}

function readDays({ days }: ActivityState, fields: Fields): void {
  while (fields.more()) {
    const day = dayFor(days, fields.integer());
    const subject = fields.string();
    const matches = fields.list();
    readMatches(day, subject, matches);
    matches.end();
  }
}
