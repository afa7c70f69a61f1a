import type { CountedRequest, Need } from '@leastwise/audit-event';

import { cellCodeOf } from './cell.ts';
import {
  type ActivityState,
  type ActivityWindow,
  addTo,
  emptyActivity,
  isRoomy,
  type Tally,
  tallyFor,
  windowFor,
} from './state.ts';
import { boundedSubjectKey } from './subject.ts';
import { WINDOW_KINDS, type WindowKind, windowOf } from './windows.ts';

/** Where the requests of one shape were counted last: one place for each kind of window. */
type Places = { readonly window: ActivityWindow; readonly tally: Tally }[];

/**
 * By shape: most requests are like one that came just before them, in the same windows. Kept with the state that the
 * places are in, which lives for one batch; whatever else held them would keep all batches alive.
 */
const placesOfShapes = new WeakMap<ActivityState, Map<object, Places>>();

/**
 * Counts a request in its window of each kind: for the subject that it is attributed to, in one cell, whatever the
 * number of its permissions. Who acted as that subject has it counted as an impersonation of their own, in the verb
 * class `escalate`, so that nobody can act unseen in another's name; all other verb classes add up to the requests.
 *
 * Further stages and copies of a request are not to be given to it: they are no activity.
 * @param kinds - of windows; always the same ones for a state
 */
export function observeActivity(
  into: Map<string, ActivityState>,
  request: CountedRequest,
  kinds: readonly WindowKind[] = WINDOW_KINDS,
): void {
  const { receivedAtUs } = request;
  observeActivityRun(into, request, { count: 1, firstUs: receivedAtUs, lastUs: receivedAtUs }, kinds);
}

/**
 * Counts several requests that differ in nothing but auditID and time: the same as {@link observeActivity} of them all.
 * @param run - all within one window of each kind
 */
export function observeActivityRun(
  into: Map<string, ActivityState>,
  request: CountedRequest,
  run: Readonly<Tally>,
  kinds: readonly WindowKind[] = WINDOW_KINDS,
): void {
  let state = into.get(request.cluster);
  if (state === undefined) {
    state = emptyActivity(request.cluster);
    into.set(request.cluster, state);
  }
  const { need, impersonation, outcome, shape } = request;
  const places = shape === undefined || impersonation ? undefined : placesOf(state, shape);
  count(state, request, { need, outcome, places, kinds, run });
  if (impersonation) {
    count(state, request, { need: impersonation, outcome: 'allowed', places: undefined, kinds, run });
  }
}

function placesOf(state: ActivityState, shape: object): Places {
  let known = placesOfShapes.get(state);
  if (known === undefined) {
    known = new Map();
    placesOfShapes.set(state, known);
  }
  let places = known.get(shape);
  if (places === undefined) {
    places = [];
    known.set(shape, places);
  }
  return places;
}

interface Counted {
  readonly need: Need;
  readonly outcome: CountedRequest['outcome'];
  /** `undefined` where nothing is remembered. */
  readonly places: Places | undefined;
  readonly kinds: readonly WindowKind[];
  readonly run: Readonly<Tally>;
}

function count(state: ActivityState, { client }: CountedRequest, counted: Counted): void {
  const { need, outcome, places, kinds, run } = counted;
  // The first one is what the request itself asked for.
  const permission = need.permissions[0];
  if (permission === undefined) return;
  for (let index = 0; index < kinds.length; index += 1) {
    const kind = kinds[index] ?? '5m';
    const number = windowOf(kind, run.firstUs);
    const known = places?.[index];
    if (known?.window.number === number && isRoomy(known.window)) {
      addTo(known.tally, run);
      continue;
    }
    const window = windowFor(state, kind, number);
    const code = cellCodeOf(permission, outcome, client);
    const tally = tallyFor(window, boundedSubjectKey(need.subject), code);
    addTo(tally, run);
    if (places) places[index] = { window, tally };
  }
}
