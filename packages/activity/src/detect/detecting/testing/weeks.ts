import { createHash } from 'node:crypto';

import { attribute, type AuditEvent, createAttributeContext } from '@leastwise/audit-event';

import { createCalendar } from '../../calendar.ts';
import { Detecting, type Detections, type DetectingOptions } from '../index.ts';

/** Monday, 5 January 2026, 00:00 UTC. */
export const MONDAY_US = Date.UTC(2026, 0, 5) * 1000;
export const MINUTE_US = 60_000_000;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

const SCHEDULER = 'system:kube-scheduler';
export const CI = 'system:serviceaccount:ci:deployer';
const KUBECTL = 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9';

/** The answer to what the authorizer refused. */
export const REFUSED = { code: 403, decision: 'forbid', reason: '' } as const;

let made = 0;

/** An allowed request: `VERB URI` by somebody at a time. */
export function asked(
  username: string,
  what: string,
  us: number,
  fields: Partial<Omit<AuditEvent, 'user'>> = {},
): AuditEvent {
  const [verb = '', requestURI = ''] = what.split(' ');
  made += 1;
  return {
    auditID: `id-${String(made).padStart(6, '0')}`,
    stage: 'ResponseComplete',
    requestURI,
    verb,
    user: {
      username,
      uid: '',
      groups: ['system:authenticated'],
      extra: [['authentication.kubernetes.io/pod-name', ['p']]],
    },
    impersonatedUser: undefined,
    userAgent: KUBECTL,
    objectRef: undefined,
    code: 200,
    statusMessage: '',
    receivedAtUs: us,
    decision: 'allow',
    reason: 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "alice"',
    impersonationConstraint: '',
    ...fields,
  };
}

/** Requests for objects of different names, a second apart. */
export function many(
  count: number,
  make: (name: string, us: number) => AuditEvent,
  fromUs: number,
): AuditEvent[] {
  return Array.from({ length: count }, (_, index) => make(`o${index}`, fromUs + index * 1_000_000));
}

/** Somebody's burst of refused deletions of pods. */
export function refusedDeletes(username: string, count: number, fromUs: number): AuditEvent[] {
  return many(
    count,
    (name, us) => asked(username, `delete /api/v1/namespaces/web/pods/${name}`, us, REFUSED),
    fromUs,
  );
}

/** The scheduler's lease each ten minutes, by which the log is known to be alive. */
export function heartbeat(fromUs: number, toUs: number): AuditEvent[] {
  const lease = 'update /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler';
  const count = Math.ceil((toUs - fromUs) / (10 * MINUTE_US));
  return Array.from({ length: count }, (_, index) =>
    asked(SCHEDULER, lease, fromUs + index * 10 * MINUTE_US),
  );
}

/** A person at work from nine to five of working days, less lunch: reads and changes deployments. */
export function office(username: string, days: number): AuditEvent[] {
  const deployments = '/apis/apps/v1/namespaces/web/deployments';
  const events: AuditEvent[] = [];
  for (let day = 0; day < days; day += 1) {
    if (day % 7 >= 5) continue;
    for (let minute = 9 * 60; minute < 17 * 60; minute += 15 + ((day * 7) % 11)) {
      if (minute >= 12 * 60 && minute < 13 * 60) continue;
      const atUs = MONDAY_US + day * DAY_US + minute * MINUTE_US;
      const reads = 3 + ((minute * (day + 3)) % 9);
      events.push(...many(reads, (name, us) => asked(username, `get ${deployments}/${name}`, us), atUs));
      events.push(asked(username, `patch ${deployments}/web`, atUs + MINUTE_US));
    }
  }
  return events;
}

/** A job that deploys a hundred objects each night at two and some minutes, then looks at them for half an hour. */
export function nightly(days: number): AuditEvent[] {
  const deployments = '/apis/apps/v1/namespaces/web/deployments';
  return Array.from({ length: days }, (_, day) => {
    const atUs = MONDAY_US + day * DAY_US + 2 * HOUR_US + ((day * 3) % 8) * MINUTE_US;
    return [
      ...many(100, (name, us) => asked(CI, `patch ${deployments}/${name}`, us), atUs),
      ...Array.from({ length: 6 }, (_each, look) =>
        asked(CI, `list ${deployments}`, atUs + (look + 1) * 5 * MINUTE_US),
      ),
    ];
  }).flat();
}

/** What detections find in events, in their order. */
export function detected(events: readonly AuditEvent[], options: Partial<DetectingOptions> = {}): Detections {
  const calendar = createCalendar('UTC');
  if (calendar === undefined) throw new Error('no UTC');
  const known = new Set<string>();
  const detecting = new Detecting({
    calendar,
    hash: (text) => {
      const digest = createHash('sha256').update(text).digest();
      return { hi: digest.readUInt32LE(0), lo: digest.readUInt32LE(4) };
    },
    seen: { add: (hi, lo) => known.size < known.add(`${String(hi)}-${String(lo)}`).size },
    ...options,
  });
  const context = createAttributeContext({ keyHex: '0001020304050607' });
  for (const event of events) detecting.add(event, attribute(event, 'main', context));
  return detecting.detections();
}
