import type { Subject } from '@leastwise/audit-event';

import { isPerson } from '../detect/person.ts';
import { parseSubjectKey } from '../subject.ts';
import { type ActivityDay, cappedActors } from '../traces/activity-day.ts';
import {
  type ActorActivity,
  mergeCounts,
  mergeTempos,
  quarterStartUs,
  type Tempo,
  type Tempos,
  totalOf,
} from '../traces/actor-activity.ts';
import { addCount, type Count, noCount } from '../traces/capped-map.ts';
import type { Trace } from '../traces/trace.ts';
import { isOffHours, type LocalTime, utcTime } from './local-time.ts';
import type { OfficeHours } from './model.ts';
import type { PseudonymOf } from './names.ts';

/** What a report is to be about, and how. */
export interface ReportOptions {
  readonly cluster: string;
  /**
   * UTC days since 1970-01-01, both included; without them, all that there is. What comes before the first day is
   * history: it tells which uses are new in the period.
   */
  readonly fromDay?: number | undefined;
  readonly toDay?: number | undefined;
  /** How many days before the first one are history; all without it. */
  readonly historyDays?: number | undefined;
  /** Where the heat map and office hours are; UTC where it is not given. Off by whole quarters of an hour. */
  readonly timeZone?: { readonly name: string; readonly timeOf: (us: number) => LocalTime } | undefined;
  readonly officeHours?: OfficeHours | undefined;
  /** Without it, names are shown. */
  readonly pseudonymOf?: PseudonymOf | undefined;
  /** Whether people's requests by other clients than kubectl are in the report too. */
  readonly hasAllClients?: boolean;
  /** Leaves people out altogether: the report is about service accounts. */
  readonly isWithoutPeople?: boolean;
}

/** One actor of the period. */
export interface Actor {
  readonly subject: Subject;
  readonly counts: ActorActivity;
  readonly total: Readonly<Tempo>;
  readonly offHours: Readonly<Tempo>;
  readonly deletes: number;
  readonly execs: number;
  readonly traces: readonly Trace[];
  /** Verbs and resources of the time before the period. */
  readonly known: ReadonlySet<string>;
}

/** Requests and refusals of one local day by the hour. */
export interface DayHours {
  readonly requests: Float64Array;
  readonly refused: Float64Array;
}

/** What the days of a period say together. */
export interface Collected {
  readonly options: ReportOptions;
  readonly actors: readonly Actor[];
  /** The names of people that the days know and the report leaves out. */
  readonly leftOut: ReadonlySet<string>;
  /** The requests of actors that are not told apart. */
  readonly others: Readonly<Count>;
  /** By local day. */
  readonly hours: ReadonlyMap<number, DayHours>;
  readonly otherClients: Readonly<Count>;
  readonly hasHistory: boolean;
  /** UTC days; infinite where nothing was counted. */
  readonly firstDay: number;
  readonly lastDay: number;
}

type NamedActor = readonly [key: string, actor: ActorActivity];

/** Adds up days, from wherever they are: the period itself, and the history before it. */
export function collect(days: Iterable<ActivityDay>, options: ReportOptions): Collected {
  const { fromDay = -Infinity, toDay = Infinity, historyDays = Infinity } = options;
  const leftOut = new Set<string>();
  const isShown = (key: string): boolean => {
    const name = options.isWithoutPeople === true ? personOf(key) : undefined;
    if (name !== undefined) leftOut.add(name);
    return name === undefined;
  };
  const period = cappedActors();
  const otherClients = noCount();
  const known = new Map<string, Set<string>>();
  let [hasHistory, firstDay, lastDay] = [false, Infinity, -Infinity];
  const learnFrom = (actors: readonly NamedActor[], { actors: all }: ActivityDay): void => {
    hasHistory ||= actors.length > 0 || all.other.tempos.size > 0;
    for (const [key, { used }] of actors) learn(known, key, used.entries());
  };
  const addDay = (
    actors: readonly NamedActor[],
    { day, actors: all, otherClients: others }: ActivityDay,
  ): void => {
    if (options.isWithoutPeople !== true) addCount(otherClients, others);
    mergeTempos(period.other.tempos, all.other.tempos);
    for (const [key, actor] of actors) addActor(period, key, actor);
    if (all.other.tempos.size === 0 && actors.every(([, { firstUs }]) => firstUs === Infinity)) return;
    [firstDay, lastDay] = [Math.min(firstDay, day), Math.max(lastDay, day)];
  };
  for (const day of [...days].sort((a, b) => a.day - b.day)) {
    if (day.day < fromDay - historyDays || day.day > toDay) continue;
    const actors = day.actors.entries().filter(([key]) => isShown(key));
    if (day.day < fromDay) learnFrom(actors, day);
    else addDay(actors, day);
  }
  const tempos: Tempos = new Map();
  mergeTempos(tempos, period.other.tempos);
  for (const actor of period.values()) mergeTempos(tempos, actor.tempos);
  const { requests, refused } = totalOf(period.other.tempos);
  return {
    options,
    actors: period.entries().flatMap(([key, counts]) => actorOf(key, counts, { options, known })),
    leftOut,
    others: { requests, refused },
    hours: hoursOf(tempos, options),
    ...{ otherClients, hasHistory, firstDay, lastDay },
  };
}

function personOf(key: string): string | undefined {
  const subject = parseSubjectKey(key);
  return subject !== undefined && isPerson(subject) ? subject.name : undefined;
}

function learn(
  known: Map<string, Set<string>>,
  key: string,
  used: readonly (readonly [string, unknown])[],
): void {
  const uses = known.get(key) ?? new Set();
  known.set(key, uses);
  for (const [use] of used) uses.add(use);
}

function addActor(period: ReturnType<typeof cappedActors>, key: string, actor: ActorActivity): void {
  const into = period.at(key);
  if (into === period.other) {
    mergeTempos(into.tempos, actor.tempos);
    return;
  }
  mergeCounts(into, actor);
  // Days have no request in common.
  for (const [identity, trace] of actor.traces) into.traces.set(identity, trace);
}

/** None where nothing of the actor is counted. */
function actorOf(
  key: string,
  counts: ActorActivity,
  {
    options,
    known,
  }: { readonly options: ReportOptions; readonly known: ReadonlyMap<string, ReadonlySet<string>> },
): Actor[] {
  const subject = parseSubjectKey(key);
  if (subject === undefined || counts.lastUs < counts.firstUs) return [];
  const requestsOf = (verb: 'delete' | 'delete-collection' | 'exec'): number =>
    counts.verbs.get(verb)?.requests ?? 0;
  return [
    {
      subject,
      counts,
      total: totalOf(counts.tempos),
      offHours: totalOf(offHoursOf(counts.tempos, options)),
      deletes: requestsOf('delete') + requestsOf('delete-collection'),
      execs: requestsOf('exec'),
      traces: [...counts.traces.values()].map(({ atUs, auditID, shape }) => ({ ...shape, atUs, auditID })),
      known: known.get(key) ?? new Set(),
    },
  ];
}

function offHoursOf(tempos: ReadonlyMap<number, Tempo>, options: ReportOptions): ReadonlyMap<number, Tempo> {
  const { officeHours, timeZone } = options;
  if (officeHours === undefined) return new Map();
  const timeOf = timeZone?.timeOf ?? utcTime;
  return new Map([...tempos].filter(([quarter]) => isOffHours(timeOf(quarterStartUs(quarter)), officeHours)));
}

function hoursOf(tempos: ReadonlyMap<number, Tempo>, { timeZone }: ReportOptions): Map<number, DayHours> {
  const timeOf = timeZone?.timeOf ?? utcTime;
  const days = new Map<number, DayHours>();
  for (const [quarter, { requests, refused }] of tempos) {
    const { day, hour } = timeOf(quarterStartUs(quarter));
    const hours = days.get(day) ?? { requests: new Float64Array(24), refused: new Float64Array(24) };
    days.set(day, hours);
    hours.requests[hour] = (hours.requests[hour] ?? 0) + requests;
    hours.refused[hour] = (hours.refused[hour] ?? 0) + refused;
  }
  return days;
}
