import { type Subject, usernameOf } from '@leastwise/audit-event';

import { classesOf } from '../cell.ts';
import type { ResourceClass, VerbClass } from '../classes.ts';
import { BASELINES } from '../detect/detecting/baselines.ts';
import { WINDOWS_OF_DAY } from '../detect/detecting/day-counts.ts';
import { BASELINE_DAYS } from '../detect/detecting/detecting.ts';
import { ACTIONS, broughtTo, isAction } from '../detect/detecting/judge.ts';
import { MAX_QUIET_WINDOWS } from '../detect/detecting/watch.ts';
import {
  type Calendar,
  createSettings,
  type DetectionSeverity,
  explainHours,
  explainSpike,
  HORIZON_DAYS,
  type HoursVerdict,
  isPerson,
  minimumFor,
  newHoursState,
  newSpikeState,
  SETTLING_DAYS,
  type Settings,
  type SpikeVerdict,
  stepHours,
  stepSpike,
} from '../detect/index.ts';
import { readMatchKey } from '../matches/index.ts';
import type { ActivityWindow } from '../state.ts';
import { parseSubjectKey } from '../subject.ts';
import { windowStartUs } from '../windows.ts';
import { fieldOf, type JudgeMemory, readMemory, valueOf } from './judge-memory.ts';

/** What findings in windows are about. */
export const WINDOW_FINDING_KINDS = ['spike', 'hours', 'first', 'refused', 'event'] as const;

/**
 * `spike`: more of one kind than ever; `hours`: a person at an hour of theirs that never was; `first`: a subject changes or
 * reaches into something of a kind that it never did before; `refused`: a burst of refusals; `event`: a grave detection in
 * single requests.
 */
export type WindowFindingKind = (typeof WINDOW_FINDING_KINDS)[number];

/** What is unusual in a window that has just been closed. */
export interface WindowFinding {
  /** Of the catalogue, where it is one of its detections. */
  readonly id: string;
  readonly kind: WindowFindingKind;
  readonly severity: DetectionSeverity;
  readonly subject: Subject;
  /** Of closed sets: a verb and a resource class, or a verb class; `''` for an hour and for single requests. */
  readonly about: string;
  /** The window in event time, half-open. */
  readonly startUs: number;
  readonly endUs: number;
  /** One sentence without its full stop, with numbers that a person can check. Names in it are raw. */
  readonly says: string;
}

/** What windows are judged by. */
export interface WindowJudgeOptions {
  readonly calendar: Calendar;
  readonly settings?: Settings;
}

/** How many kinds of requests of all subjects of a cluster are judged apart, and of how many subjects. */
const MAX_SERIES = 6000;
const MAX_SUBJECTS = 1000;
/** More refused changes than this by one subject in a window are told, however young the subject is. */
const MAX_REFUSED = 10;
/** Of the catalogue, as far as classes tell. */
const FIRST_USE = 'D52';
const MAX_GAPS = 64;

/** One kind of request of a subject in a window. */
interface Counted {
  readonly verb: VerbClass;
  readonly resource: ResourceClass;
  allowed: number;
  denied: number;
}

interface Judged {
  readonly number: number;
  readonly key: string;
  readonly subject: Subject;
  readonly counts: readonly Counted[];
}

/**
 * Judges the windows of one cluster, in the order of time, each once, by what came before them: as the report does, but as
 * time goes on. What it remembers is told as fields, so that whoever takes over goes on where this one stopped.
 *
 * Requests of the parts of Kubernetes itself are not judged. Memory is bounded; what is beyond is counted.
 */
export class WindowJudge {
  /** Fields that could not be read: what they were about is learnt anew. */
  readonly unreadable: number;
  /** Kinds of requests, in windows, that were not judged for want of room. */
  beyond = 0;
  readonly #calendar: Calendar;
  readonly #settings: Settings;
  readonly #memory: JudgeMemory;
  readonly #changed = new Set<string>();

  /** @param stored - what {@link WindowJudge.takeChanged} told, last values only */
  constructor(
    { calendar, settings = createSettings() }: WindowJudgeOptions,
    stored: Iterable<readonly [field: string, value: Uint8Array]> = [],
  ) {
    const { memory, unreadable } = readMemory(stored);
    this.#calendar = calendar;
    this.#settings = settings;
    this.#memory = memory;
    this.unreadable = unreadable;
  }

  /** The number of the window that was judged last; `undefined` before the first. */
  get last(): number | undefined {
    return this.#memory.cluster.last;
  }

  /**
   * Judges the next window.
   * @param number - above {@link WindowJudge.last}; those in between had no request
   * @param window - `undefined` where it had no request
   * @returns in the order of subjects and of what they asked
   */
  judge(number: number, window: ActivityWindow | undefined): readonly WindowFinding[] {
    const { active, gaps } = this.#memory.cluster;
    const isActive = window !== undefined && (window.subjects.size > 0 || window.other.size > 0);
    const isGap = isActive && Number.isFinite(active) && number - active > MAX_QUIET_WINDOWS;
    this.#memory.cluster = {
      last: number,
      active: isActive ? number : active,
      gaps: isGap ? [...gaps, { from: active + 1, to: number }].slice(-MAX_GAPS) : gaps,
    };
    this.#changed.add(fieldOf.cluster());
    const found = [...this.#judged(number, window)].flatMap((each) => this.#judgeSubject(each));
    this.beyond += window?.found?.other.count ?? 0;
    if (number % WINDOWS_OF_DAY === 0) this.#forgetBefore(number - BASELINE_DAYS * WINDOWS_OF_DAY);
    return [...found, ...toldOf(number, window)];
  }

  /**
   * Takes in what came for a window that has been judged: it is learnt, and never told.
   * @param window - what came since, without what was judged
   */
  learnLate(number: number, window: ActivityWindow): void {
    for (const judged of this.#judged(number, window)) {
      for (const each of judged.counts) this.#take(judged, each);
      if (this.#memory.firsts.has(judged.key)) this.#takeHours(judged);
    }
  }

  /** The fields that changed since they were asked for last, with their values: empty where a field is to go. */
  takeChanged(): Map<string, Uint8Array> {
    const changed = new Map(Array.from(this.#changed, (field) => [field, valueOf(this.#memory, field)]));
    this.#changed.clear();
    return changed;
  }

  *#judged(number: number, window: ActivityWindow | undefined): Generator<Judged> {
    const keys = [...(window?.subjects.keys() ?? [])].sort();
    for (const key of keys) {
      const subject = parseSubjectKey(key);
      if (subject === undefined || this.#settings.isSystem(usernameOf(subject))) continue;
      yield { number, key, subject, counts: countsOf(window?.subjects.get(key) ?? new Map()) };
    }
  }

  #judgeSubject(judged: Judged): readonly WindowFinding[] {
    const { firsts } = this.#memory;
    if (!firsts.has(judged.key)) {
      // A refusal costs nothing to send: it is told of everybody, and takes up no room by itself.
      const isAllowed = judged.counts.some(({ allowed }) => allowed > 0);
      if (isAllowed && firsts.size >= MAX_SUBJECTS) this.beyond += judged.counts.length;
      if (!isAllowed || firsts.size >= MAX_SUBJECTS) return refusalsOf(judged);
      firsts.set(judged.key, judged.number);
      this.#changed.add(fieldOf.first(judged.key));
    }
    // Taken in already, by somebody who could not store that it had been judged.
    if (judged.counts.some((each) => this.#isTaken(judged, each))) return refusalsOf(judged);
    return [...this.#spikesOf(judged), ...refusalsOf(judged), ...this.#hoursOf(judged)];
  }

  #isTaken({ number, key }: Judged, counted: Counted): boolean {
    const known = this.#memory.spikes.get(seriesOf(key, counted));
    return known !== undefined && number <= known.window;
  }

  *#spikesOf(judged: Judged): Generator<WindowFinding> {
    const { number, key, subject, counts } = judged;
    for (const each of counts) {
      const known = this.#memory.spikes.get(seriesOf(key, each));
      const verdict = this.#take(judged, each);
      if (verdict === undefined) continue;
      yield* this.#firstOf(judged, each, known?.window);
      if (!BASELINES.spike.predicate(verdict)) continue;
      const about = `${each.verb} ${each.resource}`;
      const { id, severity } = BASELINES.spike;
      const says = explainSpike(`${usernameOf(subject)}, ${about}`, verdict, this.#calendar);
      yield { id, kind: 'spike', severity, subject, about, ...spanOf(number), says };
    }
  }

  /** @param lastWindow - the last one with a request of that kind; `undefined` where there was none */
  *#firstOf(
    { number, key, subject }: Judged,
    { verb, resource }: Counted,
    lastWindow: number | undefined,
  ): Generator<WindowFinding> {
    const age = number - (this.#memory.firsts.get(key) ?? number);
    const isKnown = lastWindow !== undefined && number - lastWindow <= HORIZON_DAYS * WINDOWS_OF_DAY;
    if (isKnown || age < SETTLING_DAYS * WINDOWS_OF_DAY || !isAction(verb, resource)) return;
    const about = `${verb} ${resource}`;
    const days = Math.floor(age / WINDOWS_OF_DAY);
    const says = `${usernameOf(subject)}, ${about}: for the first time in ${HORIZON_DAYS} days; known for ${days} days`;
    yield { id: FIRST_USE, kind: 'first', severity: 'LOW', subject, about, ...spanOf(number), says };
  }

  /** Takes one kind of request in; `undefined` where there is no room for it. */
  #take({ number, key }: Judged, counted: Counted): SpikeVerdict | undefined {
    const { spikes, firsts, cluster } = this.#memory;
    const series = seriesOf(key, counted);
    const known = spikes.get(series);
    // What never was allowed takes up no room: it costs nothing to send.
    if (known === undefined && counted.allowed === 0) return undefined;
    if (known === undefined && spikes.size >= MAX_SERIES) {
      this.beyond += 1;
      return undefined;
    }
    const calendar = this.#calendar;
    const start = known ?? newSpikeState(firsts.get(key) ?? number);
    const before = broughtTo(start, number, { gaps: cluster.gaps, calendar });
    const options = { minimum: minimumFor(counted.verb, counted.resource), calendar };
    const { state, verdict } = stepSpike(before, number, counted.allowed + counted.denied, options);
    spikes.set(series, state);
    this.#changed.add(fieldOf.spike(series));
    return verdict;
  }

  *#hoursOf(judged: Judged): Generator<WindowFinding> {
    const { number, subject } = judged;
    const verdict = this.#takeHours(judged);
    if (verdict === undefined || !BASELINES.hours.predicate(verdict)) return;
    const { id, severity } = BASELINES.hours;
    const says = explainHours(usernameOf(subject), verdict, this.#calendar);
    yield { id, kind: 'hours', severity, subject, about: '', ...spanOf(number), says };
  }

  /** Takes a person's window in; `undefined` for anybody else. */
  #takeHours({ number, key, subject, counts }: Judged): HoursVerdict | undefined {
    if (!isPerson(subject)) return undefined;
    const actions = counts.filter(({ verb, resource }) => isAction(verb, resource));
    const sum = actions.reduce((so, { allowed, denied }) => so + allowed + denied, 0);
    const calendar = this.#calendar;
    const { state, verdict } = stepHours(
      this.#memory.hours.get(key) ?? newHoursState(),
      number,
      sum,
      calendar,
    );
    this.#memory.hours.set(key, state);
    this.#changed.add(fieldOf.hours(key));
    return verdict;
  }

  /** What was not seen for so long has been forgotten by the baselines themselves. */
  #forgetBefore(number: number): void {
    const { spikes, hours, firsts, cluster } = this.#memory;
    const seen = new Set<string>();
    for (const [series, { window }] of spikes) {
      if (window >= number) seen.add(subjectOf(series));
      else if (spikes.delete(series)) this.#changed.add(fieldOf.spike(series));
    }
    for (const subject of firsts.keys()) {
      if (seen.has(subject) || (firsts.get(subject) ?? 0) >= number) continue;
      firsts.delete(subject);
      this.#changed.add(fieldOf.first(subject));
      if (hours.delete(subject)) this.#changed.add(fieldOf.hours(subject));
    }
    this.#memory.cluster = { ...cluster, gaps: cluster.gaps.filter(({ to }) => to >= number) };
  }
}

function countsOf(tallies: ReadonlyMap<number, { readonly count: number }>): readonly Counted[] {
  const counts = new Map<string, Counted>();
  for (const [code, { count }] of tallies) {
    const classes = classesOf(code);
    if (classes === undefined) continue;
    const { verb, resource, outcome } = classes;
    const name = `${verb} ${resource}`;
    const known = counts.get(name) ?? { verb, resource, allowed: 0, denied: 0 };
    known[outcome] += count;
    counts.set(name, known);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** Verb and resource class hold no space. */
function seriesOf(subject: string, { verb, resource }: Counted): string {
  return `${verb} ${resource} ${subject}`;
}

function subjectOf(series: string): string {
  return series.split(' ').slice(2).join(' ');
}

function spanOf(number: number): { readonly startUs: number; readonly endUs: number } {
  return { startUs: windowStartUs('5m', number), endUs: windowStartUs('5m', number + 1) };
}

/** Whoever tries to change what it may not, again and again, by verb. */
function refusalsOf({ number, subject, counts }: Judged): readonly WindowFinding[] {
  const byVerb = new Map<VerbClass, number>();
  for (const { verb, denied } of counts) {
    if (denied > 0 && ACTIONS.has(verb)) byVerb.set(verb, (byVerb.get(verb) ?? 0) + denied);
  }
  return [...byVerb]
    .filter(([, refused]) => refused > MAX_REFUSED)
    .map(([verb, refused]) => ({
      id: 'refused-burst',
      kind: 'refused',
      severity: 'MEDIUM',
      subject,
      about: verb,
      ...spanOf(number),
      says: `${usernameOf(subject)}, ${verb}: ${String(refused)} refused in 5 min; more than ${String(MAX_REFUSED)} are told`,
    }));
}

/** What detections found in single requests, as it stands in the window: whoever counted them left the system's parts out. */
function toldOf(number: number, window: ActivityWindow | undefined): readonly WindowFinding[] {
  const told = window?.found?.entries() ?? [];
  return told.flatMap(([key, { count, gist, samples }]): WindowFinding[] => {
    const { id, subject: subjectsKey } = readMatchKey(key);
    const subject = parseSubjectKey(subjectsKey);
    // Nobody is let in, or acts as somebody else, without a name.
    if (gist === undefined || subject === undefined) return [];
    const { severity } = gist;
    const first = samples[0]?.auditID ?? '';
    const says = `${gist.says}; ${String(count)} such in 5 min, the first has auditID ${first}`;
    return [{ id, kind: 'event', severity, subject, about: '', ...spanOf(number), says }];
  });
}
