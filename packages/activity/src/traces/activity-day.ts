import { type ActorActivity, keepTrace, mergeCounts, mergeTempos, newActor } from './actor-activity.ts';
import { addCount, CappedMap, type Count, noCount } from './capped-map.ts';
import { type DayMatches, mergeMatches, noMatches } from '../matches/day-matches.ts';
import { compareKept, compareText, type KeptTrace } from './trace.ts';

/** How many actors of a day are told apart. The requests of all others are summed up. */
export const MAX_ACTORS = 500;

const DAY_US = 86_400_000_000;

/** How many requests are kept to be told apart into commands. The others are counted. */
export interface TraceLimits {
  /** Of one actor and day. */
  readonly ofActor: number;
  /** Of all actors of a day. */
  readonly ofDay: number;
}

/** What is kept in a state: some megabytes of a cluster and day at most, whatever anybody sends. */
export const STATE_TRACE_LIMITS: TraceLimits = { ofActor: 2_000, ofDay: 20_000 };

/**
 * What people, and service accounts with kubectl, did on one UTC day in one cluster. It merges by add, min, max, union
 * and OR. What is capped keeps the same things in any order, and the rest is counted.
 */
export interface ActivityDay {
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly limits: TraceLimits;
  /** Requests of people with other clients than kubectl. */
  readonly otherClients: Count;
  /** By subject key. Of those beyond the cap, only the tempos are summed up. */
  readonly actors: CappedMap<ActorActivity>;
  /** What detections found, of everybody. */
  readonly matches: DayMatches;
}

/** Actors that are told apart up to a cap, beyond which their tempos are summed up. */
export function cappedActors(): CappedMap<ActorActivity> {
  return new CappedMap(MAX_ACTORS, newActor, (into, from) => {
    mergeTempos(into.tempos, from.tempos);
  });
}

/** The UTC day of a time in microseconds, counted from the epoch. */
export function activityDayOf(us: number): number {
  return Math.floor(us / DAY_US);
}

/** The first microsecond of a day. */
export function dayStartUs(day: number): number {
  return day * DAY_US;
}

/** A day among others, made if need be. */
export function dayFor(
  days: Map<number, ActivityDay>,
  day: number,
  limits: TraceLimits = STATE_TRACE_LIMITS,
): ActivityDay {
  const known = days.get(day);
  if (known !== undefined) return known;
  const fresh: ActivityDay = {
    day,
    limits,
    otherClients: noCount(),
    actors: cappedActors(),
    matches: noMatches(),
  };
  days.set(day, fresh);
  return fresh;
}

/** Told of a request that is kept no more. */
export type TraceGone = (actor: string, trace: KeptTrace) => void;

const NOBODY: TraceGone = () => undefined;

/**
 * Adds everything of `from` to `into`, which is changed; `from` is not, and shares nothing that changes with `into`
 * afterwards. Commutative and associative, once {@link trimDay} has been asked for what is beyond the limits.
 */
export function mergeDay(into: ActivityDay, from: ActivityDay, gone: TraceGone = NOBODY): void {
  addCount(into.otherClients, from.otherClients);
  mergeTempos(into.actors.other.tempos, from.actors.other.tempos);
  mergeMatches(into.matches, from.matches);
  for (const [key, actor] of from.actors.entries()) {
    const known = into.actors.at(key);
    if (known === into.actors.other) {
      mergeTempos(known.tempos, actor.tempos);
      continue;
    }
    mergeCounts(known, actor);
    for (const [identity, trace] of actor.traces) keepTrace(known, identity, trace);
    trimActor(into, { key, actor: known, slack: 2 }, gone);
  }
  // Seldom, so that a flood costs a sort for every so many requests.
  if (tracesIn(into) >= 2 * into.limits.ofDay) trimDay(into, gone);
}

function tracesIn({ actors }: ActivityDay): number {
  let sum = 0;
  for (const { traces } of actors.values()) sum += traces.size;
  return sum;
}

interface Trimmed {
  readonly key: string;
  readonly actor: ActorActivity;
  /** By how many times the limit may be exceeded before anything is done. */
  readonly slack: number;
}

/** Keeps the requests of one actor within the limit. */
export function trimActor({ limits }: ActivityDay, { key, actor, slack }: Trimmed, gone = NOBODY): void {
  const { traces } = actor;
  if (traces.size <= slack * limits.ofActor) return;
  const ranked = [...traces].sort(([a, x], [b, y]) => compareKept(x, y) || compareText(a, b));
  for (const [identity, trace] of ranked.slice(limits.ofActor)) {
    traces.delete(identity);
    gone(key, trace);
  }
}

/** Keeps a day within its limits, exactly: which requests are kept is the same in any order that they came in. */
export function trimDay(day: ActivityDay, gone: TraceGone = NOBODY): void {
  const actors = day.actors.entries();
  for (const [key, actor] of actors) trimActor(day, { key, actor, slack: 1 }, gone);
  if (tracesIn(day) <= day.limits.ofDay) return;
  const ranked = actors
    .flatMap(([key, actor]) =>
      [...actor.traces].map(([identity, trace]) => ({ key, actor, identity, trace })),
    )
    .sort(
      (a, b) =>
        compareKept(a.trace, b.trace) || compareText(a.key, b.key) || compareText(a.identity, b.identity),
    );
  for (const { key, actor, identity, trace } of ranked.slice(day.limits.ofDay)) {
    actor.traces.delete(identity);
    gone(key, trace);
  }
}
