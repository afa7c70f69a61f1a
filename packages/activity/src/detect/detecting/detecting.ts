import {
  type Attribution,
  type AuditEvent,
  boundedText,
  type Identity,
  type Permission,
  subjectFromUsername,
  usernameOf,
} from '@leastwise/audit-event';

import { boundedSubjectKey, parseSubjectKey } from '../../subject.ts';
import { windowStartUs } from '../../windows.ts';
import type { Calendar } from '../calendar.ts';
import {
  createSettings,
  type DetectedInEvent,
  detectInEvent,
  type EventFacts,
  factsOf,
  type Settings,
} from '../catalogue/index.ts';
import type { KeyedHash } from '../first-seen/index.ts';
import { isPerson } from '../person.ts';
import { BASELINES } from './baselines.ts';
import { BoundedMap } from './bounded-map.ts';
import { sampleOf } from './evidence.ts';
import type { Detections } from './finding.ts';
import { findingsOf } from './findings-of.ts';
import { type Judging, type OfSubject, spikesOf, unusualHoursOf } from './judge.ts';
import { type Found, Matches } from './matches.ts';
import { parseSeriesKey, Series, type SeriesKey, seriesKeyText } from './series.ts';
import { Tallies } from './tallies.ts';
import { Watch } from './watch.ts';

/** How many days of counts are kept, back from the newest one: what is older has nearly been forgotten by baselines. */
export const BASELINE_DAYS = 45;
/** How many kinds of requests of all subjects are counted in windows. */
const MAX_SERIES = 4000;
/** Of how many subjects it is remembered when they were seen first. */
const MAX_SUBJECTS = 10_000;

const DAY_US = 86_400_000_000;

/** What detections are to look with. */
export interface DetectingOptions {
  /** Which requests came before: their further stages and copies are none. */
  readonly seen: { add(hi: number, lo: number): boolean };
  /** Where the weekend is, and in which time zone hours are named. */
  readonly calendar: Calendar;
  /** Tells texts apart of which different ones are counted. */
  readonly hash: KeyedHash;
  readonly settings?: Settings;
}

/** The same as the request is counted by, so that whoever acts as two people made two requests. */
function identityOf(attribution: Exclude<Attribution, { kind: 'received' }>): Identity {
  return attribution.kind === 'request' ? attribution.request.identity : attribution.receivedIdentity;
}

/** The key of the subject that sent a request; `''` where it does not say. */
function keyOf({ user }: AuditEvent): string {
  const subject = subjectFromUsername(user.username);
  return subject === undefined ? '' : boundedSubjectKey(subject);
}

function nameOf(key: string): string {
  const subject = parseSubjectKey(key);
  return subject === undefined ? 'somebody unknown' : usernameOf(subject);
}

function isPersonAt(key: string): boolean {
  const subject = parseSubjectKey(key);
  return subject !== undefined && isPerson(subject);
}

/**
 * Looks for what the catalogue detects in the events of one cluster: collects them, each request once, and asks all
 * detections when everything is there, windows in the order of time. So the findings are the same in any order of the
 * events. Memory is bounded, besides the identities: what is beyond is counted and told.
 *
 * Requests are those of whoever sent them, also in another's name.
 */
export class Detecting {
  readonly #options: DetectingOptions;
  readonly #settings: Settings;
  readonly #watch = new Watch();
  readonly #matches = new Matches();
  readonly #tallies: Tallies;
  readonly #series = new BoundedMap(MAX_SERIES, () => new Series());
  /** When each subject was seen first. */
  readonly #subjects = new BoundedMap(MAX_SUBJECTS, () => ({ firstDay: Infinity }));
  /** What was found in events before, by their shapes. */
  readonly #found = new WeakMap<object, readonly DetectedInEvent[]>();
  #firstDay = Infinity;
  #newestDay = -Infinity;

  constructor(options: DetectingOptions) {
    this.#options = options;
    this.#settings = options.settings ?? createSettings();
    this.#tallies = new Tallies(this.#settings, options.hash);
  }

  /** The source delivered an event of this time: what it says of other requests, or that there were none, is true. */
  sawAlive(us: number): void {
    this.#watch.saw(us);
  }

  /** Adds an event with its attribution. */
  add(event: AuditEvent, attribution: Attribution): void {
    this.sawAlive(event.receivedAtUs);
    if (attribution.kind === 'received') return;
    const { hi, lo } = identityOf(attribution);
    // Stages of one request differ in nothing that is asked, but for a panic.
    if (!this.#options.seen.add(hi, lo)) return;
    this.#addNew(factsOf(event, attribution));
    if (attribution.kind !== 'request' || this.#settings.isSystem(event.user.username)) return;
    const { need, impersonation } = attribution.request;
    this.#count(event, need.permissions[0]);
    this.#count(event, impersonation?.permissions[0]);
  }

  #addNew(facts: EventFacts): void {
    const { event } = facts;
    const subject = keyOf(event);
    const day = Math.floor(event.receivedAtUs / DAY_US);
    this.#advance(day);
    const known = this.#subjects.use(subject);
    if (known) known.firstDay = Math.min(known.firstDay, day);
    const sample = sampleOf(event);
    const as = boundedText(event.impersonatedUser?.username ?? '');
    for (const match of this.#detect(facts)) this.#matches.add({ match, subject, day, sample, as });
    this.#tallies.add(facts, sample, subject);
  }

  #detect(facts: EventFacts): readonly DetectedInEvent[] {
    const { shape } = facts.event;
    const known = shape && this.#found.get(shape);
    if (known !== undefined) return known;
    const found = detectInEvent(facts, this.#settings);
    if (shape) this.#found.set(shape, found);
    return found;
  }

  #count(event: AuditEvent, permission: Permission | undefined): void {
    if (permission === undefined) return;
    this.#series.use(seriesKeyText(keyOf(event), permission))?.add(sampleOf(event));
  }

  #advance(day: number): void {
    this.#firstDay = Math.min(this.#firstDay, day);
    if (day <= this.#newestDay) return;
    this.#newestDay = day;
    this.#forget();
  }

  /** Days may come in any order, so that older ones may be there again. */
  #forget(): void {
    const first = this.#newestDay - BASELINE_DAYS + 1;
    this.#watch.forgetBefore(first);
    for (const [, series] of this.#series.entries()) series.forgetBefore(first);
  }

  /** What was found in all that was added so far. */
  detections(): Detections {
    this.#forget();
    const gaps = this.#watch.gaps();
    const found = [
      ...this.#matches.findings((subject) => this.#subjects.get(subject)?.firstDay ?? Infinity),
      ...this.#tallies.findings(nameOf),
      ...this.#judged({ calendar: this.#options.calendar, gaps }),
    ];
    return {
      findings: findingsOf(found),
      beyond: this.#beyond(),
      gaps: gaps.map(({ from, to }) => ({
        startUs: windowStartUs('5m', from),
        endUs: windowStartUs('5m', to),
      })),
      days: this.#firstDay > this.#newestDay ? 0 : this.#newestDay - this.#firstDay + 1,
      newestDay: this.#newestDay,
    };
  }

  *#judged(judging: Judging): Generator<Found> {
    for (const each of this.#bySubject()) {
      yield* spikesOf(each, judging);
      if (isPersonAt(each.subject)) yield* unusualHoursOf(each, judging);
    }
  }

  #bySubject(): OfSubject[] {
    const bySubject = new Map<string, [SeriesKey, Series][]>();
    for (const [text, series] of this.#series.entries()) {
      const key = parseSeriesKey(text);
      const known = bySubject.get(key.subject);
      if (known === undefined) bySubject.set(key.subject, [[key, series]]);
      else known.push([key, series]);
    }
    return [...bySubject].map(([subject, series]) => ({ subject, name: nameOf(subject), series }));
  }

  #beyond(): Map<string, number> {
    const sums = new Map<string, number>();
    const all = [
      ...this.#matches.beyond(),
      ...this.#tallies.beyond(),
      [BASELINES.spike.id, this.#series.beyond] as const,
      [BASELINES.hours.id, this.#series.beyond] as const,
      // Of these subjects nobody knows whether something is new to them.
      ['D52', this.#subjects.beyond] as const,
    ];
    for (const [id, requests] of all) if (requests > 0) sums.set(id, (sums.get(id) ?? 0) + requests);
    return sums;
  }
}
