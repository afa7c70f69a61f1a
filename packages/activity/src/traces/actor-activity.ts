import type { VerbClass } from '../classes.ts';
import { addCount, CappedMap, cappedCounts, type Count } from './capped-map.ts';
import {
  isChanging,
  isDiscovery,
  isSecretRead,
  type KeptTrace,
  laterStage,
  type TraceShape,
} from './trace.ts';

const MAX_CLIENTS = 20;
const MAX_NAMESPACES = 100;
const MAX_USED = 500;
const QUARTER_US = 900_000_000;

/** Requests within a quarter of an hour: those that were refused among them, and the changes that were not. */
export interface Tempo extends Count {
  changes: number;
}

/**
 * Requests by the quarter of an hour, counted from the epoch. Every time zone is off by whole quarters, so that days,
 * hours and office hours of any of them are told from it.
 */
export type Tempos = Map<number, Tempo>;

/** When something was done first. */
export interface FirstUse {
  firstUs: number;
}

/** What one actor did in some time: counts, and the requests themselves as far as they are kept. */
export interface ActorActivity {
  /** Was a member of system:masters in the own name. */
  isMaster: boolean;
  /** Of all requests, discovery included; `Infinity` and `-Infinity` where none is counted. */
  firstUs: number;
  lastUs: number;
  /** Questions about what the server can do. They are in `clients`, and in none of the other counts. */
  discovery: number;
  secretReads: number;
  readonly tempos: Tempos;
  /** By {@link clientKey}. */
  readonly clients: CappedMap<Count>;
  readonly verbs: Map<VerbClass, Count>;
  /** `''` is the whole cluster. */
  readonly namespaces: CappedMap<Count>;
  /** By {@link useOf}. */
  readonly used: CappedMap<FirstUse>;
  /** By the identity of the request. */
  readonly traces: Map<string, KeptTrace>;
}

function earlier(into: FirstUse, from: Readonly<FirstUse>): void {
  if (from.firstUs < into.firstUs) into.firstUs = from.firstUs;
}

/** An actor of whom nothing was seen yet. */
export function newActor(): ActorActivity {
  return {
    isMaster: false,
    firstUs: Infinity,
    lastUs: -Infinity,
    discovery: 0,
    secretReads: 0,
    tempos: new Map(),
    clients: cappedCounts(MAX_CLIENTS),
    verbs: new Map(),
    namespaces: cappedCounts(MAX_NAMESPACES),
    used: new CappedMap<FirstUse>(MAX_USED, () => ({ firstUs: Infinity }), earlier),
    traces: new Map(),
  };
}

/** What of an actor's uses is told apart for first sightings: `delete secrets`. */
export function useOf({ verb, resource }: Pick<TraceShape, 'verb' | 'resource'>): string {
  return `${verb} ${resource}`;
}

/** The verb and the resource that {@link useOf} made a text of. */
export function readUse(use: string): { readonly verb: string; readonly resource: string } {
  const space = use.indexOf(' ');
  return { verb: use.slice(0, space), resource: use.slice(space + 1) };
}

/** The first microsecond of a quarter of an hour. */
export function quarterStartUs(quarter: number): number {
  return quarter * QUARTER_US;
}

/** The tempo of a quarter, made if need be. */
export function tempoAt(tempos: Tempos, quarter: number): Tempo {
  let tempo = tempos.get(quarter);
  if (tempo === undefined) {
    tempo = { requests: 0, refused: 0, changes: 0 };
    tempos.set(quarter, tempo);
  }
  return tempo;
}

/** Adds tempos to others. */
export function mergeTempos(into: Tempos, from: ReadonlyMap<number, Readonly<Tempo>>): void {
  for (const [quarter, { requests, refused, changes }] of from) {
    const tempo = tempoAt(into, quarter);
    tempo.requests += requests;
    tempo.refused += refused;
    tempo.changes += changes;
  }
}

/** The requests of all quarters. */
export function totalOf(tempos: ReadonlyMap<number, Readonly<Tempo>>): Tempo {
  const total: Tempos = new Map();
  for (const tempo of tempos.values()) mergeTempos(total, new Map([[0, tempo]]));
  return tempoAt(total, 0);
}

/** Counts a request among others that are told apart by their time alone. */
export function countTempo(tempos: Tempos, shape: TraceShape, atUs: number): void {
  const tempo = tempoAt(tempos, Math.floor(atUs / QUARTER_US));
  const isRefused = shape.outcome === 'denied';
  tempo.requests += 1;
  if (isRefused) tempo.refused += 1;
  else if (isChanging(shape)) tempo.changes += 1;
}

function count(into: Count, isRefused: boolean): void {
  into.requests += 1;
  if (isRefused) into.refused += 1;
}

/** One new request with what is counted of it besides. */
export interface CountedTrace {
  readonly shape: TraceShape;
  readonly atUs: number;
  readonly client: string;
  readonly isMaster: boolean;
}

/** Counts a new request of an actor. */
export function countRequest(actor: ActorActivity, { shape, atUs, client, isMaster }: CountedTrace): void {
  const isRefused = shape.outcome === 'denied';
  if (isMaster) actor.isMaster = true;
  actor.firstUs = Math.min(actor.firstUs, atUs);
  actor.lastUs = Math.max(actor.lastUs, atUs);
  count(actor.clients.at(client), isRefused);
  if (isDiscovery(shape)) {
    actor.discovery += 1;
    return;
  }
  countTempo(actor.tempos, shape, atUs);
  count(verbAt(actor, shape.verbClass), isRefused);
  if (isSecretRead(shape)) actor.secretReads += 1;
  count(actor.namespaces.at(shape.namespace), isRefused);
  if (shape.resource !== '') earlier(actor.used.at(useOf(shape)), { firstUs: atUs });
}

/** The count of a verb class, made if need be. */
export function verbAt({ verbs }: ActorActivity, verb: VerbClass): Count {
  let known = verbs.get(verb);
  if (known === undefined) {
    known = { requests: 0, refused: 0 };
    verbs.set(verb, known);
  }
  return known;
}

/** Keeps a request; of several events of one, the one that knows more. */
export function keepTrace(actor: ActorActivity, identity: string, trace: KeptTrace): void {
  const known = actor.traces.get(identity);
  actor.traces.set(identity, known === undefined ? trace : laterStage(known, trace));
}

function mergeCapped<V>(into: CappedMap<V>, from: CappedMap<V>, add: (into: V, from: V) => void): void {
  for (const [key, value] of from.entries()) add(into.at(key), value);
  add(into.other, from.other);
}

/** Adds all that was counted of an actor, but for the requests themselves. Commutative and associative. */
export function mergeCounts(into: ActorActivity, from: ActorActivity): void {
  if (from.isMaster) into.isMaster = true;
  into.firstUs = Math.min(into.firstUs, from.firstUs);
  into.lastUs = Math.max(into.lastUs, from.lastUs);
  into.discovery += from.discovery;
  into.secretReads += from.secretReads;
  mergeTempos(into.tempos, from.tempos);
  mergeCapped(into.clients, from.clients, addCount);
  for (const [verb, counted] of from.verbs) addCount(verbAt(into, verb), counted);
  mergeCapped(into.namespaces, from.namespaces, addCount);
  mergeCapped(into.used, from.used, earlier);
}
