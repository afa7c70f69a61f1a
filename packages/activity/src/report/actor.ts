import type { Subject } from '@leastwise/audit-event';

import type { VerbClass } from '../classes.ts';
import type { Client } from '../client/index.ts';
import { CappedMap, cappedCounts, type Count, noCount } from './capped-map.ts';
import { isChanging } from './commands/command.ts';
import { isDiscovery, isSecretRead, type Trace } from './trace.ts';
import { TraceLog } from './trace-log.ts';

const MAX_CLIENTS = 20;
const MAX_NAMESPACES = 100;
const MAX_USED = 500;

/** Everything that is counted of one actor. */
export interface Actor {
  readonly subject: Subject;
  isMaster: boolean;
  readonly total: Count;
  readonly offHours: Count & { changes: number };
  discovery: number;
  deletes: number;
  execs: number;
  secretReads: number;
  firstUs: number;
  lastUs: number;
  readonly clients: CappedMap<Count>;
  readonly clientOf: Map<string, Client>;
  readonly verbs: Map<VerbClass, Count>;
  readonly namespaces: CappedMap<Count>;
  /** By verb and resource, when each was used first in the period. */
  readonly used: CappedMap<{ firstUs: number }>;
  /** Verbs and resources of the time before the period. */
  readonly known: CappedMap<{ firstUs: number }>;
  readonly log: TraceLog;
}

function noFirst(): { firstUs: number } {
  return { firstUs: Infinity };
}

function earlier(into: { firstUs: number }, from: { readonly firstUs: number }): void {
  into.firstUs = Math.min(into.firstUs, from.firstUs);
}

/** An actor of whom nothing was seen yet. */
export function newActor(subject: Subject): Actor {
  return {
    subject,
    isMaster: false,
    total: noCount(),
    offHours: { ...noCount(), changes: 0 },
    discovery: 0,
    deletes: 0,
    execs: 0,
    secretReads: 0,
    firstUs: Infinity,
    lastUs: -Infinity,
    clients: cappedCounts(MAX_CLIENTS),
    clientOf: new Map(),
    verbs: new Map(),
    namespaces: cappedCounts(MAX_NAMESPACES),
    used: new CappedMap(MAX_USED, noFirst, earlier),
    known: new CappedMap(MAX_USED, noFirst, earlier),
    log: new TraceLog(),
  };
}

/** One new request with what the report knows of it. */
export interface Seen {
  readonly client: Client;
  readonly trace: Trace;
  readonly isOff: boolean;
}

/** What of an actor's uses is told apart for first sightings: `delete secrets`. */
export function useOf({ verb, resource }: Trace): string {
  return `${verb} ${resource}`;
}

function count(into: Count, isRefused: boolean): void {
  into.requests += 1;
  if (isRefused) into.refused += 1;
}

function countClient(actor: Actor, client: Client, isRefused: boolean): void {
  const key = JSON.stringify([client.program, client.version, client.platform, client.kind]);
  const tally = actor.clients.at(key);
  if (tally !== actor.clients.other) actor.clientOf.set(key, client);
  count(tally, isRefused);
}

/** Counts a new request of an actor. */
export function countRequest(actor: Actor, { client, trace, isOff }: Seen): void {
  const isRefused = trace.outcome === 'denied';
  actor.firstUs = Math.min(actor.firstUs, trace.atUs);
  actor.lastUs = Math.max(actor.lastUs, trace.atUs);
  countClient(actor, client, isRefused);
  if (isDiscovery(trace)) {
    actor.discovery += 1;
    return;
  }
  count(actor.total, isRefused);
  countVerb(actor, trace, isRefused);
  count(actor.namespaces.at(trace.namespace), isRefused);
  if (trace.resource !== '') earlier(actor.used.at(useOf(trace)), { firstUs: trace.atUs });
  if (!isOff) return;
  count(actor.offHours, isRefused);
  if (isChanging(trace) && !isRefused) actor.offHours.changes += 1;
}

function countVerb(actor: Actor, trace: Trace, isRefused: boolean): void {
  let verb = actor.verbs.get(trace.verbClass);
  if (verb === undefined) {
    verb = noCount();
    actor.verbs.set(trace.verbClass, verb);
  }
  count(verb, isRefused);
  if (trace.verbClass === 'delete' || trace.verbClass === 'delete-collection') actor.deletes += 1;
  if (trace.verbClass === 'exec') actor.execs += 1;
  if (isSecretRead(trace)) actor.secretReads += 1;
}
