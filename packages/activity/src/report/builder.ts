import {
  type Attribution,
  type AuditEvent,
  type Identity,
  parseRequestURI,
  type Subject,
  subjectFromUsername,
  subjectKey,
} from '@leastwise/audit-event';

import { type Client, parseClient } from '../client/index.ts';
import { isPerson } from '../detect/person.ts';
import { type Actor, countRequest, newActor, useOf } from './actor.ts';
import { addCount, CappedMap, type Count, noCount } from './capped-map.ts';
import { isOffHours, type LocalTime, utcTime } from './local-time.ts';
import type { ActivityReport, OfficeHours, UnusualRow } from './model.ts';
import type { PseudonymOf } from './names.ts';
import { reportOf } from './report.ts';
import { identityKey, isDiscovery, type Trace, traceOf, UNKNOWN_NAME } from './trace.ts';

/** Tells identities of requests that were added before; the caller chooses how they are kept. */
export interface SeenIdentities {
  /** Whether the identity is new. */
  add(hi: number, lo: number): boolean;
}

/** What a report is to be about, and how. */
export interface ReportOptions {
  readonly cluster: string;
  /**
   * UTC days since 1970-01-01, both included; without them, all that is added. What comes before the first day is
   * history: it tells which uses are new in the period.
   */
  readonly fromDay?: number | undefined;
  readonly toDay?: number | undefined;
  /** Where the heat map and office hours are; UTC where it is not given. */
  readonly timeZone?: { readonly name: string; readonly timeOf: (us: number) => LocalTime } | undefined;
  readonly officeHours?: OfficeHours | undefined;
  /** Without it, names are shown. */
  readonly pseudonymOf?: PseudonymOf | undefined;
  /** Whether people's requests by other clients than kubectl are in the report too. */
  readonly hasAllClients?: boolean;
  readonly seen: SeenIdentities;
}

/** What a detector found, for the report's list of what is unusual. */
export interface Detected extends Omit<UnusualRow, 'who'> {
  readonly subject: Subject | undefined;
  /** Of whom `why` speaks besides, so that pseudonyms can take their places. Names stand in it as words of their own. */
  readonly others: readonly Subject[];
}

/** How many actors are told apart. The requests of all others are summed up. */
export const MAX_ACTORS = 500;

/** Requests and refusals of one local day by the hour. */
export interface DayHours {
  readonly requests: Float64Array;
  readonly refused: Float64Array;
}

/** Everything that was added, before it is made a report of. */
export interface Collected {
  readonly options: ReportOptions;
  readonly actors: CappedMap<{ actor: Actor | undefined; readonly sum: Count }>;
  readonly days: ReadonlyMap<number, DayHours>;
  readonly otherClients: Count;
  readonly hasHistory: boolean;
  readonly firstDay: number;
  readonly lastDay: number;
}

type Slot = { actor: Actor | undefined; readonly sum: Count };

function newSlot(): Slot {
  return { actor: undefined, sum: noCount() };
}

/** What somebody asked of the API server. */
interface Asked {
  readonly identity: Identity;
  readonly client: Client;
  readonly trace: Trace;
}

interface New {
  readonly asked: Asked;
  readonly isNew: boolean;
  readonly groups: readonly string[];
}

/** `undefined` for what no authorizer decided. A refusal to let somebody act as somebody else is an answer too. */
function askedOf(event: AuditEvent, attribution: Attribution): Asked | undefined {
  const client = parseClient(event.userAgent);
  if (attribution.kind === 'request') {
    const { identity, need, outcome } = attribution.request;
    const [permission] = need.permissions;
    return permission && { identity, client, trace: traceOf(event, permission, outcome) };
  }
  if (attribution.kind !== 'skip' || attribution.reason !== 'impersonation-refused') return undefined;
  const info = parseRequestURI(event.requestURI, event.verb);
  if (info === undefined) return undefined;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  const trace = traceOf(event, { ...info, resource }, 'denied');
  return { identity: attribution.receivedIdentity, client, trace: { ...trace, as: UNKNOWN_NAME } };
}

/** People, whatever they use, and service accounts where they use kubectl. */
function isWanted(subject: Subject, client: Client): boolean {
  return isPerson(subject) || (subject.kind === 'ServiceAccount' && client.kind === 'kubectl');
}

function countOf({ outcome }: Trace): Count {
  return { requests: 1, refused: Number(outcome === 'denied') };
}

/**
 * Collects who did what in one cluster, from audit events and what attribution made of them, one by one. The report is
 * the same in any order of the events, and however often one comes: further stages and copies of a request are known by
 * its identity. Memory is bounded by the number of actors and of requests that are told apart, besides the identities.
 */
export class ActivityReportBuilder {
  readonly #options: ReportOptions;
  readonly #timeOf: (us: number) => LocalTime;
  readonly #actors = new CappedMap<Slot>(MAX_ACTORS, newSlot, (into, from) => {
    addCount(into.sum, from.actor?.total ?? from.sum);
  });
  readonly #days = new Map<number, DayHours>();
  readonly #otherClients = noCount();
  #hasHistory = false;
  #firstDay = Infinity;
  #lastDay = -Infinity;

  constructor(options: ReportOptions) {
    this.#options = options;
    this.#timeOf = options.timeZone?.timeOf ?? utcTime;
  }

  /** Adds an event with its attribution; what is no request, or of nobody that the report is about, changes nothing. */
  add(event: AuditEvent, attribution: Attribution): void {
    const asked = askedOf(event, attribution);
    // Whoever acts in another's name did it, not the other one.
    const subject = subjectFromUsername(event.user.username);
    if (subject === undefined || asked === undefined || !isWanted(subject, asked.client)) return;
    const isNew = this.#options.seen.add(asked.identity.hi, asked.identity.lo);
    if (asked.client.kind === 'kubectl' || this.#options.hasAllClients === true) {
      this.#addAsked(subject, { asked, isNew, groups: event.user.groups });
    } else if (isNew && this.#isInPeriod(asked.trace)) {
      addCount(this.#otherClients, countOf(asked.trace));
    }
  }

  #addAsked(subject: Subject, { asked, isNew, groups }: New): void {
    const { trace, identity, client } = asked;
    const isInPeriod = this.#isInPeriod(trace);
    if (isInPeriod && isNew) this.#countTime(trace);
    if (this.#isBefore(trace)) this.#hasHistory = true;
    const slot = this.#actors.at(subjectKey(subject));
    if (slot === this.#actors.other) {
      if (isNew && isInPeriod && !isDiscovery(trace)) addCount(slot.sum, countOf(trace));
      return;
    }
    slot.actor ??= newActor(subject);
    if (!isInPeriod) {
      this.#addHistory(slot.actor, trace);
      return;
    }
    const key = identityKey(identity);
    if (!isNew) {
      slot.actor.log.again(key, trace);
      return;
    }
    // Members of system:masters who act as somebody else are held back by that one's rights.
    if (trace.as === '' && groups.includes('system:masters')) slot.actor.isMaster = true;
    countRequest(slot.actor, { client, trace, isOff: this.#isOff(trace) });
    if (!isDiscovery(trace) || trace.isStart) slot.actor.log.add(key, trace);
  }

  #isInPeriod({ atUs }: Trace): boolean {
    const { day } = utcTime(atUs);
    return day >= (this.#options.fromDay ?? -Infinity) && day <= (this.#options.toDay ?? Infinity);
  }

  #isBefore({ atUs }: Trace): boolean {
    return utcTime(atUs).day < (this.#options.fromDay ?? -Infinity);
  }

  #isOff({ atUs }: Trace): boolean {
    const { officeHours } = this.#options;
    return officeHours !== undefined && isOffHours(this.#timeOf(atUs), officeHours);
  }

  #addHistory(actor: Actor, trace: Trace): void {
    if (!this.#isBefore(trace) || trace.resource === '') return;
    const known = actor.known.at(useOf(trace));
    known.firstUs = Math.min(known.firstUs, trace.atUs);
  }

  #countTime(trace: Trace): void {
    const utc = utcTime(trace.atUs);
    this.#firstDay = Math.min(this.#firstDay, utc.day);
    this.#lastDay = Math.max(this.#lastDay, utc.day);
    if (isDiscovery(trace)) return;
    const { day, hour } = this.#timeOf(trace.atUs);
    let hours = this.#days.get(day);
    if (hours === undefined) {
      hours = { requests: new Float64Array(24), refused: new Float64Array(24) };
      this.#days.set(day, hours);
    }
    hours.requests[hour] = (hours.requests[hour] ?? 0) + 1;
    if (trace.outcome === 'denied') hours.refused[hour] = (hours.refused[hour] ?? 0) + 1;
  }

  /**
   * The report of what was added so far.
   * @param detected - what detectors found besides, of the same cluster and period
   * @param notes - what the caller knows that the report cannot see, one sentence each
   */
  build(detected: readonly Detected[] = [], notes: readonly string[] = []): ActivityReport {
    return reportOf(
      {
        options: this.#options,
        actors: this.#actors,
        days: this.#days,
        otherClients: this.#otherClients,
        hasHistory: this.#hasHistory,
        firstDay: this.#firstDay,
        lastDay: this.#lastDay,
      },
      detected,
      notes,
    );
  }
}
