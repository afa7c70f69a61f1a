import {
  type Attribution,
  type AuditEvent,
  type Identity,
  parseRequestURI,
  type Permission,
  type Subject,
  subjectFromUsername,
} from '@leastwise/audit-event';

import { type Client, parseClient } from '../client/index.ts';
import { isPerson } from '../detect/person.ts';
import { boundedSubjectKey } from '../subject.ts';
import { type ActivityDay, trimActor } from './activity-day.ts';
import { countRequest, countTempo, keepTrace } from './actor-activity.ts';
import { clientKey } from './client-key.ts';
import { cutAuditID, isDiscovery, type TraceShape, traceShapeOf, UNKNOWN_NAME } from './trace.ts';

/** What reports on people's activity take from an event, but for its time, auditID and identity. */
export interface TracedEvent {
  /** The key of who sent it: whoever acts in another's name did it, not the other one. */
  readonly actor: string;
  readonly client: string;
  /** Members of system:masters in their own name: who acts as somebody else is held back by that one's rights. */
  readonly isMaster: boolean;
  readonly shape: TraceShape;
}

/** People, whatever they use, and service accounts where they use kubectl. */
function isWanted(subject: Subject, client: Client): boolean {
  return isPerson(subject) || (subject.kind === 'ServiceAccount' && client.kind === 'kubectl');
}

interface Asked {
  readonly permission: Permission;
  readonly outcome: TraceShape['outcome'];
}

/** `undefined` for what no authorizer decided. A refusal to let somebody act as somebody else is an answer too. */
function askedOf(event: AuditEvent, attribution: Attribution): Asked | undefined {
  if (attribution.kind === 'request') {
    const { need, outcome } = attribution.request;
    const [permission] = need.permissions;
    return permission && { permission, outcome };
  }
  if (!isImpersonationRefused(attribution)) return undefined;
  const info = parseRequestURI(event.requestURI, event.verb);
  if (info === undefined) return undefined;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return { permission: { ...info, resource }, outcome: 'denied' };
}

function isImpersonationRefused(attribution: Attribution): boolean {
  return attribution.kind === 'skip' && attribution.reason === 'impersonation-refused';
}

/** The identity of the request that an event is a stage of. */
export function tracedIdentity(attribution: Attribution): Identity | undefined {
  if (attribution.kind === 'request') return attribution.request.identity;
  return attribution.kind === 'skip' ? attribution.receivedIdentity : undefined;
}

const UNWANTED = 'unwanted';

/**
 * Tells which events are of somebody whose activity is reported, and what of them is kept. All of that is told from the
 * shape of an event, so it is worked out once for each: for most events there is one look-up.
 */
export class TraceReader {
  readonly #byShape = new WeakMap<object, TracedEvent | typeof UNWANTED>();

  /** @returns `undefined` for what is no request, or of nobody that reports are about */
  read(event: AuditEvent, attribution: Attribution): TracedEvent | undefined {
    const { shape } = event;
    const known = shape && this.#byShape.get(shape);
    if (known !== undefined) return known === UNWANTED ? undefined : known;
    const traced = readTraced(event, attribution);
    if (shape) this.#byShape.set(shape, traced ?? UNWANTED);
    return traced;
  }
}

function readTraced(event: AuditEvent, attribution: Attribution): TracedEvent | undefined {
  const subject = subjectFromUsername(event.user.username);
  // A service account with another client is what most requests are of.
  const isOther = attribution.kind === 'request' && attribution.request.client !== 'kubectl';
  if (subject === undefined || (isOther && !isPerson(subject))) return undefined;
  const asked = askedOf(event, attribution);
  const client = parseClient(event.userAgent);
  if (asked === undefined || !isWanted(subject, client)) return undefined;
  const shape = traceShapeOf(event, { ...asked, client });
  const isNameless = isImpersonationRefused(attribution);
  return {
    actor: boundedSubjectKey(subject),
    client: clientKey(client),
    isMaster: shape.as === '' && !isNameless && event.user.groups.includes('system:masters'),
    shape: isNameless ? { ...shape, as: UNKNOWN_NAME } : shape,
  };
}

/** One event of somebody whose activity is reported. */
export interface SeenTrace {
  readonly traced: TracedEvent;
  readonly atUs: number;
  readonly auditID: string;
  readonly identity: Identity;
  /** No stage or copy of it was seen before: only then it counts. */
  readonly isNew: boolean;
  /** Whether people's requests by other clients than kubectl are told apart too. */
  readonly hasAllClients?: boolean;
}

/** Adds an event to the day that it is of. */
export function observeTrace(day: ActivityDay, seen: SeenTrace): void {
  const { traced, atUs, isNew } = seen;
  const { shape } = traced;
  if (!shape.isKubectl && seen.hasAllClients !== true) {
    if (!isNew) return;
    day.otherClients.requests += 1;
    if (shape.outcome === 'denied') day.otherClients.refused += 1;
    return;
  }
  const actor = day.actors.at(traced.actor);
  if (actor === day.actors.other) {
    if (isNew && !isDiscovery(shape)) countTempo(actor.tempos, shape, atUs);
    return;
  }
  if (isNew) countRequest(actor, { ...traced, atUs });
  if (isDiscovery(shape) && !shape.isStart) return;
  const { hi, lo } = seen.identity;
  keepTrace(actor, `${String(hi)}-${String(lo)}`, { atUs, auditID: cutAuditID(seen.auditID), shape });
  trimActor(day, { key: traced.actor, actor, slack: 2 });
}
