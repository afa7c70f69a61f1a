import {
  type ActivityDay,
  type ActivityState,
  dayFor,
  daysToKeep,
  dayStartUs,
  forgetMatches,
  mergeDay,
  type TraceGone,
  trimDay,
} from '@leastwise/activity';
import {
  encodeActor,
  encodeDay,
  Fields,
  hourOf,
  readActor,
  readDay,
  readMatches,
  readTraces,
  traceHour,
  tracesByHour,
  tracesText,
} from '@leastwise/state';

import { actorField, dayField, tracesField } from './field-names.ts';
import { MatchFields } from './match-fields.ts';
import { stateIn, type WindowListener } from './partition-windows.ts';

/** What a field of a day is of. */
type Part =
  | { readonly kind: 'day' }
  | { readonly kind: 'actor' | 'matches' | 'keys'; readonly actor: string }
  | { readonly kind: 'traces'; readonly actor: string; readonly hour: number };

/** What of a day is given up before the rest. */
const FORGOTTEN_FIRST: readonly Part['kind'][] = ['traces', 'matches'];

/** A field as it stands there; its text is forgotten where nobody needs it. */
interface StandingField {
  readonly part: Part;
  readonly text: string | undefined;
}

/** A day that can still change. */
interface OpenDay {
  readonly day: ActivityDay;
  /** By actor, the fields that stand in Redis. */
  readonly fields: Map<string, Set<string>>;
  /** By actor, the hours in which requests came or were given up since the last fold. */
  readonly changed: Map<string, Set<number>>;
  /** Of whom detections found something. */
  readonly matches: MatchFields;
  isChanged: boolean;
}

/** The days of one cluster. */
interface ClusterDays {
  readonly open: Map<number, OpenDay>;
  /** By field, what is not opened. */
  readonly closed: Map<number, Map<string, StandingField>>;
}

/**
 * The days of people's requests in a partition: a field for each day, one for each actor of it, one for the requests of each
 * hour of an actor, and two for each subject of whom detections found something, so that a fold writes what is new and little
 * else. A day is closed when whatever might still
 * come for it would be late; the owner forgets it then but for its fields' names, until it is beyond the retention.
 */
export class PartitionDays {
  readonly #dedupeHours: number;
  readonly #clusters = new Map<string, ClusterDays>();

  constructor(dedupeHours: number) {
    this.#dedupeHours = dedupeHours;
  }

  /** Reads a field. @param name - what follows its kind @throws Malformed */
  load(
    kind: Part['kind'],
    name: Fields,
    { field, text }: { readonly field: string; readonly text: string },
  ): void {
    const cluster = name.string();
    const day = name.integer();
    const part = readPart(kind, name);
    const { closed } = this.#of(cluster);
    const fields = closed.get(day) ?? new Map<string, StandingField>();
    closed.set(day, fields.set(field, { part, text }));
  }

  /**
   * Adds what a batch saw of people. A day is opened for it, as it stands in Redis.
   * @throws Malformed
   */
  add(deltas: ReadonlyMap<string, ActivityState>): void {
    for (const [cluster, { days }] of deltas) {
      for (const delta of days.values()) {
        const open = this.#open(cluster, delta.day);
        const { day, changed } = open;
        open.isChanged = true;
        mergeDay(day, delta, goneFrom(open));
        for (const [key, actor] of delta.actors.entries()) {
          const hours = hoursOf(changed, key);
          for (const trace of actor.traces.values()) hours.add(traceHour(day.day, trace));
        }
        for (const [subject] of delta.matches.entries()) open.matches.changed(subject);
      }
    }
  }

  /**
   * All fields and segments were read, and the reader goes on as the owner: what is not closed is opened, and of all else
   * only the names of its fields are remembered.
   * @throws Malformed
   */
  own(watermarks: ReadonlyMap<string, number>): void {
    for (const [cluster, { closed }] of this.#clusters) {
      for (const [day, fields] of [...closed]) {
        if (!this.#isClosed(day, watermarks.get(cluster))) this.#open(cluster, day);
        else for (const [field, { part }] of fields) fields.set(field, { part, text: undefined });
      }
    }
  }

  /** Merges all days into a sum. @throws Malformed */
  mergeInto(sum: Map<string, ActivityState>): void {
    for (const [cluster, { open, closed }] of this.#clusters) {
      const { days } = stateIn(sum, cluster);
      for (const { day } of open.values()) mergeDay(dayFor(days, day.day), day);
      for (const [day, fields] of closed) mergeDay(dayFor(days, day), readFields(day, fields));
    }
  }

  /**
   * Brings the fields up to date, as `PartitionWindows.fold` does.
   * @param newest - by cluster, the newest request that was counted: what the retention is measured from
   */
  fold(
    watermarks: ReadonlyMap<string, number>,
    newest: (cluster: string) => number | undefined,
    listener: WindowListener,
  ): void {
    for (const [cluster, { open, closed }] of this.#clusters) {
      for (const [number, day] of open) {
        if (day.isChanged) writeDay(cluster, day, listener);
        if (!this.#isClosed(number, watermarks.get(cluster))) continue;
        open.delete(number);
        closed.set(number, namesOf(cluster, day));
      }
      const newestUs = newest(cluster);
      if (newestUs !== undefined) expire({ open, closed }, { cluster, newestUs, gone: listener.gone });
    }
  }

  #of(cluster: string): ClusterDays {
    const known = this.#clusters.get(cluster) ?? { open: new Map(), closed: new Map() };
    this.#clusters.set(cluster, known);
    return known;
  }

  #open(cluster: string, number: number): OpenDay {
    const { open, closed } = this.#of(cluster);
    const known = open.get(number);
    if (known !== undefined) return known;
    const standing = closed.get(number) ?? new Map<string, StandingField>();
    const fresh: OpenDay = {
      day: readFields(number, standing),
      fields: new Map(),
      changed: new Map(),
      matches: new MatchFields(),
      isChanged: false,
    };
    for (const [field, { part }] of standing) {
      if (part.kind === 'matches' || part.kind === 'keys') fresh.matches.stands(part.actor, part.kind);
      else if (part.kind !== 'day') fieldsOf(fresh, part.actor).add(field);
    }
    closed.delete(number);
    open.set(number, fresh);
    return fresh;
  }

  /** Whether nothing that is not late can come for a day. */
  #isClosed(day: number, watermarkUs: number | undefined): boolean {
    if (watermarkUs === undefined) return false;
    return hourOf(watermarkUs) - hourOf(dayStartUs(day + 1) - 1) > this.#dedupeHours;
  }
}

function readPart(kind: Part['kind'], name: Fields): Part {
  if (kind === 'day') return { kind };
  const actor = name.string();
  return kind === 'traces' ? { kind, actor, hour: name.integer(0) } : { kind, actor };
}

function readFields(number: number, standing: ReadonlyMap<string, StandingField>): ActivityDay {
  const day = dayFor(new Map(), number);
  for (const { part, text } of standing.values()) {
    // Whoever owns a partition has no use for what is closed.
    if (text === undefined) continue;
    const fields = Fields.parse(text);
    if (part.kind === 'day') readDay(day, fields);
    else if (part.kind === 'actor') readActor(day, part.actor, fields);
    else if (part.kind === 'traces') readTraces(day, part.actor, fields);
    else readMatches(day, part.actor, fields);
    fields.end();
  }
  return day;
}

function hoursOf(changed: OpenDay['changed'], actor: string): Set<number> {
  const known = changed.get(actor) ?? new Set();
  changed.set(actor, known);
  return known;
}

function fieldsOf({ fields }: OpenDay, actor: string): Set<string> {
  const known = fields.get(actor) ?? new Set();
  fields.set(actor, known);
  return known;
}

function goneFrom({ day, changed }: OpenDay): TraceGone {
  return (actor, trace) => {
    hoursOf(changed, actor).add(traceHour(day.day, trace));
  };
}

function namesOf(cluster: string, { day, fields, matches }: OpenDay): Map<string, StandingField> {
  const names = new Map<string, StandingField>();
  names.set(dayField(cluster, day.day), { part: { kind: 'day' }, text: undefined });
  for (const [actor, own] of fields) {
    for (const field of own) {
      const isCounts = field === actorField(cluster, day.day, actor);
      const part: Part = isCounts ? { kind: 'actor', actor } : { kind: 'traces', actor, hour: 0 };
      names.set(field, { part, text: undefined });
    }
  }
  for (const [field, part] of matches.names(cluster, day.day)) names.set(field, { part, text: undefined });
  return names;
}

const GONE = '';

/** What has left a capped day is written as gone, and not only given up: it is in the sums of the others already. */
function writeDay(cluster: string, open: OpenDay, { changed }: WindowListener): void {
  const { day } = open;
  const { day: number, actors } = day;
  trimDay(day, goneFrom(open));
  changed(dayField(cluster, number), JSON.stringify(encodeDay(day)));
  for (const [actor, fields] of open.fields) {
    if (actors.has(actor)) continue;
    for (const field of fields) changed(field, GONE);
    open.fields.delete(actor);
  }
  for (const [key, hours] of open.changed) {
    const actor = actors.get(key);
    if (actor === undefined) continue;
    const fields = fieldsOf(open, key);
    const counts = actorField(cluster, number, key);
    fields.add(counts);
    changed(counts, JSON.stringify(encodeActor(number, actor)));
    const byHour = tracesByHour(number, actor);
    for (const hour of hours) {
      const field = tracesField(cluster, number, { actor: key, hour });
      const traces = byHour.get(hour);
      if (traces !== undefined) {
        fields.add(field);
        changed(field, `[${tracesText(number, traces)}]`);
      } else if (fields.delete(field)) changed(field, GONE);
    }
  }
  open.changed.clear();
  open.matches.write(cluster, day, changed);
  open.isChanged = false;
}

/** Gives up the requests of days, and then the days, that are beyond the retention. */
function expire({ open, closed }: ClusterDays, { cluster, newestUs, gone }: Expiry): void {
  const first = daysToKeep(newestUs);
  for (const [number, fields] of closed) {
    if (number < first.traces) giveUp(fields, number < first.counts, gone);
    if (fields.size === 0) closed.delete(number);
  }
  // Of a source without a watermark: nothing else is open for so long.
  for (const [number, day] of open) {
    if (number >= first.traces) continue;
    const names = namesOf(cluster, day);
    giveUp(names, number < first.counts, gone);
    for (const actor of day.day.actors.values()) actor.traces.clear();
    forgetMatches(day.day.matches);
    day.matches.forget();
    for (const own of day.fields.values()) for (const field of own) if (!names.has(field)) own.delete(field);
    if (names.size === 0) open.delete(number);
  }
}

interface Expiry {
  readonly cluster: string;
  readonly newestUs: number;
  readonly gone: (field: string) => void;
}

function giveUp(fields: Map<string, StandingField>, isWhole: boolean, gone: Expiry['gone']): void {
  for (const [field, { part }] of fields) {
    if (!isWhole && !FORGOTTEN_FIRST.includes(part.kind)) continue;
    fields.delete(field);
    gone(field);
  }
}
