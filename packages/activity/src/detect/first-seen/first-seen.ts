import { boundedText, type CountedRequest, type Permission } from '@leastwise/audit-event';

import { leaverFor } from '../../cap.ts';
import { resourceClassOf, verbClassOf } from '../../classes.ts';

/** What was not seen for so many days is new again. */
export const HORIZON_DAYS = 30;
/** Everything is new about a subject that is: nothing is told of its first days. */
export const SETTLING_DAYS = 7;
/** How many keys of one subject are remembered. */
export const MAX_KEYS = 1024;

/** What one subject has done, by keys of the caller's making. Days are counted from the epoch in UTC. */
export interface FirstSeenState {
  /** The first day of the subject; `Infinity` before it. */
  firstDay: number;
  /** The last day on which a key had to be forgotten for the cap; `-Infinity` where none had. */
  overflowDay: number;
  /** The last day on which the full state was searched for what is older than the horizon; `-Infinity` before that. */
  sweptDay: number;
  /** By key, the last day on which it was seen. Only the functions of this module may change it. */
  days: Map<string, number>;
}

/**
 * Whether a key is `first-seen`, or `known` since less than the horizon. `settling` is the first week of a subject, in
 * which everything is new; `unknown` is a key that the cap may have forgotten.
 */
export type FirstSeenVerdict = 'first-seen' | 'known' | 'settling' | 'unknown';

/** The state of a subject about which nothing is known: the neutral element of {@link mergeFirstSeen}. */
export function newFirstSeenState(): FirstSeenState {
  return { firstDay: Infinity, overflowDay: -Infinity, sweptDay: -Infinity, days: new Map() };
}

/**
 * The key of what a request asked: verb and resource, or for a refused one their classes, so that a flood of refused
 * requests for things that do not exist is one key.
 */
export function firstSeenKeyOf(permission: Permission, outcome: CountedRequest['outcome']): string {
  if (outcome === 'denied') return `denied ${verbClassOf(permission)} ${resourceClassOf(permission)}`;
  const { verb, apiGroup, resource } = permission;
  // The paths of an API server are few, but clients make up as many as they like.
  if (resource === '') return `${boundedText(verb)} non-resource`;
  return boundedText(`${verb} ${apiGroup === '' ? resource : `${apiGroup}/${resource}`}`);
}

/**
 * Says whether a key is new to a subject, then remembers it.
 * @param day - of the request, counted from the epoch in UTC
 */
export function observeFirstSeen(into: FirstSeenState, key: string, day: number): FirstSeenVerdict {
  const verdict = verdictOf(into, key, day);
  into.firstDay = Math.min(into.firstDay, day);
  remember(into, key, day);
  return verdict;
}

function verdictOf(state: FirstSeenState, key: string, day: number): FirstSeenVerdict {
  const last = state.days.get(key);
  if (last !== undefined && day - last <= HORIZON_DAYS) return 'known';
  if (day - Math.min(state.firstDay, day) < SETTLING_DAYS) return 'settling';
  return day - state.overflowDay <= HORIZON_DAYS ? 'unknown' : 'first-seen';
}

function remember(into: FirstSeenState, key: string, day: number): void {
  const known = into.days.get(key);
  if (known === undefined && into.days.size >= MAX_KEYS) {
    sweep(into, day);
    if (into.days.size >= MAX_KEYS && !makeRoom(into, key, day)) return;
  }
  into.days.set(key, Math.max(known ?? day, day));
}

/** Once a day: a flood of keys must not pay for it each time. */
function sweep(into: FirstSeenState, day: number): void {
  if (day <= into.sweptDay) return;
  into.sweptDay = day;
  forgetBefore(into, day - HORIZON_DAYS);
}

/** @returns false where the key itself is beyond the cap */
function makeRoom(into: FirstSeenState, key: string, day: number): boolean {
  const leaver = leaverFor(into.days, key);
  into.overflowDay = Math.max(into.overflowDay, day, into.days.get(leaver) ?? day);
  if (leaver === key) return false;
  into.days.delete(leaver);
  return true;
}

/** Forgets keys that were last seen before a day. */
export function forgetBefore(state: FirstSeenState, day: number): void {
  // A map of its own: the order of a full one is remembered by the map.
  state.days = new Map([...state.days].filter(([, last]) => last >= day));
}

/** Adds what `from` knows to `into`. Commutative: by min and max, and a cap that keeps the smallest hashes. */
export function mergeFirstSeen(into: FirstSeenState, from: FirstSeenState): void {
  into.firstDay = Math.min(into.firstDay, from.firstDay);
  into.overflowDay = Math.max(into.overflowDay, from.overflowDay);
  for (const [key, day] of from.days) remember(into, key, day);
}

/** One sentence for a person to check. `what` goes in as it is: whoever shows the sentence escapes it. */
export function explainFirstSeen(who: string, what: string, state: FirstSeenState, day: number): string {
  return `${who}: ${what}, for the first time in ${HORIZON_DAYS} days; known since ${day - state.firstDay} days, with ${state.days.size} other things done`;
}
