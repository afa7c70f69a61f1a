import type { AuditEvent } from '@leastwise/audit-event';
import {
  type Actor,
  auditEvent,
  auditEventLine,
  type LineOptions,
  type RequestTarget,
  requestTarget,
  requestTo,
  START_US,
  userActor,
} from '@leastwise/testkit';

export const ALICE = userActor('alice');
export const BOB = userActor('bob', ['devs']);

/** The answers that count for nothing. */
export const REFUSED = { code: 403, decision: 'forbid', reason: '' } as const;

/** Days after the first event of a log, as the time of a request. */
export function daysIn(days: number): Pick<AuditEvent, 'receivedAtUs'> {
  return { receivedAtUs: START_US + days * 86_400_000_000 };
}

function reasonFor({ subject, user }: Actor): string {
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace}` : user.username;
  return `RBAC: allowed by RoleBinding "b/ns" of Role "r" to ${subject.kind} ${JSON.stringify(name)}`;
}

function targetOf(text: string): RequestTarget {
  const [verb = '', what = '', ...where] = text.split(' ');
  if (what.startsWith('/')) return requestTarget({ verb, path: what });
  const [namespace = '', name = ''] = where.map((part) => (part === '-' ? '' : part));
  const [groupAndResource = '', subresource = ''] = what.split('/');
  const [resource = '', apiGroup = ''] = groupAndResource.split(':').toReversed();
  const bodyName = verb === 'create' ? name : '';
  return requestTarget({ verb, apiGroup, resource, subresource, namespace, name, bodyName });
}

/**
 * The event of an allowed request, from its spelled form: `get apps:deployments/scale shop web`, `list pods`,
 * `get /metrics`; `-` is the empty string. The name of a list or watch is that of its field selector.
 */
export function ask(actor: Actor, text: string, fields: Partial<AuditEvent> = {}): AuditEvent {
  const target = targetOf(text);
  return auditEvent({
    ...requestTo(target),
    auditID: '',
    receivedAtUs: 0,
    user: actor.user,
    reason: reasonFor(actor),
    ...fields,
  });
}

/** The events with auditIDs and times of their own, a second apart, where they have none. */
export function numbered(events: readonly AuditEvent[]): AuditEvent[] {
  return events.map((event, index) => ({
    ...event,
    auditID: event.auditID === '' ? `audit-${String(index).padStart(6, '0')}` : event.auditID,
    receivedAtUs: event.receivedAtUs === 0 ? START_US + index * 1_000_000 : event.receivedAtUs,
  }));
}

/** The lines of a log, without their newlines. */
export function linesOf(events: readonly AuditEvent[], options: LineOptions = {}): string[] {
  return numbered(events).map((event) => auditEventLine(event, options));
}

/** A log as kube-apiserver writes it. */
export function logOf(events: readonly AuditEvent[], options: LineOptions = {}): string {
  return linesOf(events, options)
    .map((line) => `${line}\n`)
    .join('');
}
