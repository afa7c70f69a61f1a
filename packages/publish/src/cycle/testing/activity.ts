import {
  activityDayOf,
  type ActivityState,
  dayFor,
  emptyActivity,
  observeTrace,
  tracedIdentity,
  TraceReader,
} from '@leastwise/activity';
import { attribute, createAttributeContext } from '@leastwise/audit-event';
import { DAY_US } from '@leastwise/rbac';
import { auditEvent, requestTarget, requestTo, userInfo } from '@leastwise/testkit';

import { T0 } from './states.ts';

/** A request by kubectl. */
export interface Done {
  readonly user: string;
  readonly verb: string;
  readonly name?: string;
  readonly as?: string;
  /** Days after the first one. */
  readonly day: number;
  readonly cluster?: string;
}

/** The activity of clusters after some requests; each comes twice, and counts once. */
export function activityOf(all: readonly Done[]): ActivityState[] {
  const states = new Map<string, ActivityState>();
  const reader = new TraceReader();
  const context = createAttributeContext({ keyHex: '0001020304050607' });
  for (const [n, { user, verb, name = 'web', as, day, cluster = 'prod' }] of all.entries()) {
    const target = requestTarget({ verb, resource: 'pods', namespace: 'shop', name });
    const event = auditEvent({
      ...requestTo(target),
      ...{ auditID: `id-${n}`, receivedAtUs: T0 + day * DAY_US + n * 1_000_000 },
      ...{ user: userInfo({ username: user }), userAgent: 'kubectl/v1.34.1 (linux/amd64)' },
      ...(as === undefined ? {} : { impersonatedUser: userInfo({ username: as }) }),
    });
    const attribution = attribute(event, cluster, context);
    const [traced, identity] = [reader.read(event, attribution), tracedIdentity(attribution)];
    if (traced === undefined || identity === undefined) continue;
    const state = states.get(cluster) ?? emptyActivity(cluster);
    states.set(cluster, state);
    const { receivedAtUs: atUs, auditID } = event;
    for (const isNew of [true, false]) {
      observeTrace(dayFor(state.days, activityDayOf(atUs)), { traced, atUs, auditID, identity, isNew });
    }
  }
  return [...states.values()];
}
