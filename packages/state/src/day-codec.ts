import { createHash } from 'node:crypto';

import {
  type ActivityDay,
  type ActorActivity,
  type CappedMap,
  type Count,
  dayFor,
  dayStartUs,
  type KeptTrace,
  MAX_CODE,
  MAX_STAGE_RANK,
  mergeDay,
  newActor,
  OUTCOMES,
  tempoAt,
  type Tempos,
  type TraceShape,
  VERB_CLASSES,
  verbAt,
} from '@leastwise/activity';

import { Fields, Malformed } from './fields.ts';
import { encodeBeyond, readBeyond } from './match-codec.ts';

/*
 * A day of people's activity in three kinds of parts, each a list of JSON values that says nothing of where it belongs:
 *
 *   day     requests and refusals by other clients than kubectl, tempos of the actors beyond the cap,
 *           what detections found of subjects beyond the cap (match-codec.ts; absent before schema 5)
 *   actor   whether a master, first and last time or null, discovery, secret reads, tempos,
 *           clients, [requests, refused] beyond their cap, [verb, requests, refused …],
 *           namespaces, [requests, refused] beyond their cap, [use, first time …], first time beyond their cap or null
 *   traces  [shape …], [identity, time, auditID, number of its shape …]
 *
 *   tempos  [quarter of an hour of the day, requests, refused, changes …]
 *   clients and namespaces   [key, requests, refused …]
 *   shape   outcome, verb class, verb, resource, namespace, name, path, as whom, flags, code, rank of the stage, hints
 *   hints   [field manager, force, flags, involved name, node name, container, [word of the command …]], or null
 *
 * Times are microseconds since the day's start. Everything is in order, so the same day has the same parts.
 */

const DAY_US = 86_400_000_000;
const HOUR_US = 3_600_000_000;
const QUARTERS = 96;
const IDENTITY = /^\d{1,10}-\d{1,10}$/;

/** A request with its identity. */
export type IdentifiedTrace = readonly [identity: string, trace: KeptTrace];

function byKey<K extends string | number, V>(entries: Iterable<readonly [K, V]>): (readonly [K, V])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function encodeTempos(tempos: Tempos, day: number): number[] {
  return byKey(tempos).flatMap(([quarter, { requests, refused, changes }]) => [
    quarter - day * QUARTERS,
    requests,
    refused,
    changes,
  ]);
}

function readTempos(into: Tempos, fields: Fields, day: number): void {
  while (fields.more()) {
    const tempo = tempoAt(into, day * QUARTERS + fields.integer(0, QUARTERS - 1));
    tempo.requests += fields.integer(0);
    tempo.refused += fields.integer(0);
    tempo.changes += fields.integer(0);
  }
}

function encodeCounts(counts: CappedMap<Count>): unknown[] {
  const own = counts.entries().flatMap(([key, { requests, refused }]) => [key, requests, refused]);
  return [own, [counts.other.requests, counts.other.refused]];
}

function readCount(into: Count, fields: Fields): void {
  into.requests += fields.integer(0);
  into.refused += fields.integer(0);
}

function readCounts(counts: CappedMap<Count>, fields: Fields): void {
  const own = fields.list();
  while (own.more()) readCount(counts.at(own.string()), own);
  const other = fields.list();
  readCount(counts.other, other);
  other.end();
}

function timeIn(us: number, day: number): number | null {
  return Number.isFinite(us) ? us - dayStartUs(day) : null;
}

function readTime(fields: Fields, day: number, otherwise: number): number {
  const us = fields.optionalInteger(0, DAY_US - 1);
  return us === undefined ? otherwise : dayStartUs(day) + us;
}

/** What a day says of nobody in particular. */
export function encodeDay({ day, otherClients, actors, matches }: ActivityDay): unknown[] {
  const tempos = encodeTempos(actors.other.tempos, day);
  return [otherClients.requests, otherClients.refused, tempos, encodeBeyond(matches)];
}

/** Adds what {@link encodeDay} wrote. @throws Malformed */
export function readDay(into: ActivityDay, fields: Fields): void {
  readCount(into.otherClients, fields);
  readTempos(into.actors.other.tempos, fields.list(), into.day);
  if (fields.more()) readBeyond(into.matches, fields.list());
}

/** What is counted of an actor on a day. */
export function encodeActor(day: number, actor: ActorActivity): unknown[] {
  const { isMaster, firstUs, lastUs, discovery, secretReads, tempos, clients, namespaces, used } = actor;
  const verbs = byKey(actor.verbs).flatMap(([verb, { requests, refused }]) => [verb, requests, refused]);
  const uses = used.entries().flatMap(([use, first]) => [use, timeIn(first.firstUs, day)]);
  return [
    isMaster ? 1 : 0,
    timeIn(firstUs, day),
    timeIn(lastUs, day),
    discovery,
    secretReads,
    encodeTempos(tempos, day),
    ...encodeCounts(clients),
    verbs,
    ...encodeCounts(namespaces),
    uses,
    timeIn(used.other.firstUs, day),
  ];
}

/** Adds what {@link encodeActor} wrote. @throws Malformed */
export function readActor(into: ActivityDay, key: string, fields: Fields): void {
  const { day } = into;
  const actor = newActor();
  actor.isMaster = fields.integer(0, 1) === 1;
  actor.firstUs = readTime(fields, day, Infinity);
  actor.lastUs = readTime(fields, day, -Infinity);
  actor.discovery = fields.integer(0);
  actor.secretReads = fields.integer(0);
  readTempos(actor.tempos, fields.list(), day);
  readCounts(actor.clients, fields);
  const verbs = fields.list();
  while (verbs.more()) readCount(verbAt(actor, oneOf(VERB_CLASSES, verbs.string())), verbs);
  readCounts(actor.namespaces, fields);
  const uses = fields.list();
  while (uses.more()) actor.used.at(uses.string()).firstUs = readTime(uses, day, Infinity);
  actor.used.other.firstUs = readTime(fields, day, Infinity);
  add(into, key, actor);
}

/** One actor's part of a day is a day, and merges as one. */
function add(into: ActivityDay, key: string, actor: ActorActivity): void {
  const part = dayFor(new Map(), into.day, into.limits);
  part.actors.set(key, actor);
  mergeDay(into, part);
}

function oneOf<T extends string>(all: readonly T[], text: string): T {
  const found = all.find((each) => each === text);
  if (found === undefined) throw new Malformed('a word of an unknown kind');
  return found;
}

/** The requests of an actor by the hour of the day, each hour in time. */
export function tracesByHour(
  day: number,
  { traces }: Pick<ActorActivity, 'traces'>,
): ReadonlyMap<number, readonly IdentifiedTrace[]> {
  const hours = new Map<number, IdentifiedTrace[]>();
  const sorted = [...traces].sort(([a, x], [b, y]) => x.atUs - y.atUs || (a < b ? -1 : 1));
  for (const entry of sorted) {
    const hour = traceHour(day, entry[1]);
    const known = hours.get(hour);
    if (known === undefined) hours.set(hour, [entry]);
    else known.push(entry);
  }
  return hours;
}

/** In which hour of the day a request came. */
export function traceHour(day: number, { atUs }: KeptTrace): number {
  return Math.floor((atUs - dayStartUs(day)) / HOUR_US);
}

const NO_HINTS: readonly unknown[] = ['', '', 0, '', '', '', []];
const NO_HINTS_TEXT = JSON.stringify(NO_HINTS);

function bits(...flags: readonly boolean[]): number {
  return flags.reduce((sum, flag, at) => (flag ? sum | (1 << at) : sum), 0);
}

function encodeShape(shape: TraceShape): string {
  const { outcome, verbClass, verb, resource, namespace, name, path, as, code, stageRank, hints } = shape;
  const { fieldManager, force, involvedName, nodeName, container, command } = hints;
  const flags = bits(
    ...[hints.isDryRun, hints.isWatch, hints.isContinued, hints.hasLabelSelector],
    ...[hints.isFollowing, hints.isPrevious, hints.hasStdin, hints.hasTerminal],
  );
  const asked = [fieldManager, force, flags, involvedName, nodeName, container, command];
  return JSON.stringify([
    ...[outcome, verbClass, verb, resource, namespace, name, path, as],
    ...[bits(shape.isKubectl, shape.isStart), code, stageRank],
    JSON.stringify(asked) === NO_HINTS_TEXT ? null : asked,
  ]);
}

function readHints(fields: Fields | undefined): TraceShape['hints'] {
  const list = fields ?? new Fields(NO_HINTS);
  const [fieldManager, force, flags] = [list.string(), list.string(), list.integer(0, 255)];
  const [involvedName, nodeName, container] = [list.string(), list.string(), list.string()];
  const command: string[] = [];
  const words = list.list();
  while (words.more()) command.push(words.string());
  list.end();
  const has = (at: number): boolean => (flags & (1 << at)) !== 0;
  return {
    ...{ fieldManager, force, involvedName, nodeName, container, command },
    ...{ isDryRun: has(0), isWatch: has(1), isContinued: has(2), hasLabelSelector: has(3) },
    ...{ isFollowing: has(4), isPrevious: has(5), hasStdin: has(6), hasTerminal: has(7) },
  };
}

function readShape(fields: Fields): TraceShape {
  const [outcome, verbClass] = [oneOf(OUTCOMES, fields.string()), oneOf(VERB_CLASSES, fields.string())];
  const [verb, resource, namespace] = [fields.string(), fields.string(), fields.string()];
  const [name, path, as] = [fields.string(), fields.string(), fields.string()];
  const [flags, code, stageRank] = [
    fields.integer(0, 3),
    fields.integer(0, MAX_CODE),
    fields.integer(0, MAX_STAGE_RANK),
  ];
  const hints = readHints(fields.optionalList());
  fields.end();
  return {
    ...{ outcome, verbClass, verb, resource, namespace, name, path, as, hints, code, stageRank },
    ...{ isKubectl: (flags & 1) !== 0, isStart: (flags & 2) !== 0 },
  };
}

/** The JSON text of requests of one actor and day. Requests that are alike share a shape, as most of somebody's do. */
export function tracesText(day: number, traces: Iterable<IdentifiedTrace>): string {
  const numbers = new Map<string, number>();
  const entries: string[] = [];
  for (const [identity, { atUs, auditID, shape }] of traces) {
    const text = encodeShape(shape);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    entries.push(`"${identity}",${atUs - dayStartUs(day)},${JSON.stringify(auditID)},${number}`);
  }
  return `[${[...numbers.keys()].join(',')}],[${entries.join(',')}]`;
}

/** Adds what {@link tracesText} wrote. @throws Malformed */
export function readTraces(into: ActivityDay, key: string, fields: Fields): void {
  const shapes: TraceShape[] = [];
  const texts = fields.list();
  while (texts.more()) shapes.push(readShape(texts.list()));
  const actor = newActor();
  const entries = fields.list();
  while (entries.more()) {
    const identity = entries.string();
    if (!IDENTITY.test(identity)) throw new Malformed('an identity is missing');
    const atUs = dayStartUs(into.day) + entries.integer(0, DAY_US - 1);
    const auditID = entries.string();
    const shape = shapes[entries.integer(0, Math.max(0, shapes.length - 1))];
    if (shape === undefined) throw new Malformed('a shape is missing');
    actor.traces.set(identity, { atUs, auditID, shape });
  }
  add(into, key, actor);
}

/**
 * What a file of evidence says in the place of a request's identity, which is by the key of one state: the same for the same
 * request in every state, so that it is known again if another file has it too.
 */
export function identityInFile({ atUs, auditID, shape }: KeptTrace): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([atUs, auditID, encodeShape(shape)]))
    .digest();
  return `${digest.readUInt32LE(0)}-${digest.readUInt32LE(4)}`;
}
