import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import {
  attribute,
  type AuditEvent,
  createAttributeContext,
  type DecodeSink,
  RecordReader,
} from '@leastwise/audit-event';

import type { ActivityReport } from '../model.ts';
import { ActivityReportBuilder, type SeenIdentities } from '../builder.ts';
import type { ReportOptions } from '../collect.ts';

/** 2026-11-16 09:00 UTC, a Monday. */
export const MONDAY_9_US = Date.UTC(2026, 10, 16, 9) * 1000;
const KUBECTL = 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9';

let made = 0;

/** An allowed request of alice's kubectl: a verb and a URI, some seconds after Monday at nine. */
export function asked(
  what: string,
  atSeconds = 0,
  fields: Partial<Omit<AuditEvent, 'user'>> & {
    readonly user?: string;
    readonly groups?: readonly string[];
  } = {},
): AuditEvent {
  const [verb = '', requestURI = ''] = what.split(' ');
  const { user = 'alice', groups = ['system:authenticated'], ...rest } = fields;
  made += 1;
  return {
    auditID: `id-${String(made).padStart(6, '0')}`,
    stage: 'ResponseComplete',
    requestURI,
    verb,
    user: { username: user, uid: '', groups, extra: [] },
    impersonatedUser: undefined,
    userAgent: KUBECTL,
    objectRef: undefined,
    code: 200,
    statusMessage: '',
    receivedAtUs: MONDAY_9_US + Math.round(atSeconds * 1_000_000),
    decision: 'allow',
    reason: 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "alice"',
    impersonationConstraint: '',
    ...rest,
  };
}

/** The answer to what the authorizer refused. */
export const REFUSED = { code: 403, decision: 'forbid', reason: '' } as const;

/** Who is impersonated. */
export function as(username: string): Pick<AuditEvent, 'impersonatedUser'> {
  return { impersonatedUser: { username, uid: '', groups: ['system:authenticated'], extra: [] } };
}

/** Identities in plain sets. */
export function seenIdentities(): SeenIdentities {
  const known = new Set<string>();
  return {
    add: (hi, lo) => {
      const { size } = known;
      return known.add(`${String(hi)}-${String(lo)}`).size > size;
    },
  };
}

/** A builder of cluster `main`, to which the events were added in their order. */
export function builderOf(
  events: readonly AuditEvent[],
  options: Partial<ReportOptions> = {},
): ActivityReportBuilder {
  const builder = new ActivityReportBuilder({ cluster: 'main', seen: seenIdentities(), ...options });
  const context = createAttributeContext({ keyHex: '0001020304050607' });
  for (const event of events) builder.add(event, attribute(event, 'main', context));
  return builder;
}

/** The report of events. */
export function reported(
  events: readonly AuditEvent[],
  options: Partial<ReportOptions> = {},
): ActivityReport {
  return builderOf(events, options).build();
}

/** The events of the recording that comes with the product: see `examples/README.md`. */
export function recordedEvents(): AuditEvent[] {
  const events: AuditEvent[] = [];
  const sink: DecodeSink = {
    event: (event) => {
      events.push(event);
    },
    skipped: () => undefined,
    bad: () => undefined,
  };
  const reader = new RecordReader(sink);
  reader.push(gunzipSync(readFileSync(new URL('../../../../../examples/audit.log.gz', import.meta.url))));
  reader.end();
  return events;
}
