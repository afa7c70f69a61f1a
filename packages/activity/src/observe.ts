import type { CountedRequest, Need } from '@leastwise/audit-event';

import { cellCodeOf } from './cell.ts';
import { type ActivityState, addToCell, emptyActivity, windowFor } from './state.ts';
import { boundedSubjectKey } from './subject.ts';
import { WINDOW_KINDS, windowOf } from './windows.ts';

/**
 * Counts a request in its window of each kind: for the subject that it is attributed to, in one cell, whatever the
 * number of its permissions. Who acted as that subject has it counted as an impersonation of their own, in the verb
 * class `escalate`, so that nobody can act unseen in another's name; all other verb classes add up to the requests.
 *
 * Further stages and copies of a request are not to be given to it: they are no activity.
 */
export function observeActivity(into: Map<string, ActivityState>, request: CountedRequest): void {
  let state = into.get(request.cluster);
  if (state === undefined) {
    state = emptyActivity(request.cluster);
    into.set(request.cluster, state);
  }
  count(state, request, request.need, request.outcome);
  if (request.impersonation !== undefined) count(state, request, request.impersonation, 'allowed');
}

function count(
  state: ActivityState,
  request: CountedRequest,
  need: Need,
  outcome: CountedRequest['outcome'],
): void {
  // The first one is what the request itself asked for.
  const permission = need.permissions[0];
  if (permission === undefined) return;
  const code = cellCodeOf(permission, outcome, request.client);
  const subject = boundedSubjectKey(need.subject);
  const us = request.receivedAtUs;
  const tally = { count: 1, firstUs: us, lastUs: us };
  for (const kind of WINDOW_KINDS) {
    addToCell(windowFor(state, kind, windowOf(kind, us)), subject, code, tally);
  }
}
