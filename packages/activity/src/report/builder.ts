import type { Attribution, AuditEvent } from '@leastwise/audit-event';

import {
  type ActivityDay,
  activityDayOf,
  dayFor,
  type TraceLimits,
  trimDay,
} from '../traces/activity-day.ts';
import { observeTrace, tracedIdentity, TraceReader } from '../traces/trace-reader.ts';
import { collect, type ReportOptions } from './collect.ts';
import type { Detected } from './detected.ts';
import type { ActivityReport } from './model.ts';
import { reportOf } from './report.ts';

/** Tells identities of requests that were added before; the caller chooses how they are kept. */
export interface SeenIdentities {
  /** Whether the identity is new. */
  add(hi: number, lo: number): boolean;
}

/** A log is read once, and what is kept of it is gone with the report: much more than of what a state keeps. */
const LOG_TRACE_LIMITS: TraceLimits = { ofActor: 10_000, ofDay: Infinity };

/** What is said in a report besides what its days hold. */
export interface ReportRemarks {
  /** What detectors found, of the same cluster and period. */
  readonly detected?: readonly Detected[];
  /** What the caller knows that the report cannot see, one sentence each. */
  readonly notes?: readonly string[];
}

/**
 * The report of days, wherever they are from: a log that was read, or a state. It is the same in any order of what was
 * added to them.
 */
export function activityReport(
  days: Iterable<ActivityDay>,
  options: ReportOptions,
  { detected = [], notes = [] }: ReportRemarks = {},
): ActivityReport {
  const all = [...days];
  for (const day of all) trimDay(day);
  return reportOf(collect(all, options), detected, notes);
}

/**
 * Collects who did what in one cluster, from audit events and what attribution made of them, one by one. The report is
 * the same in any order of the events, and however often one comes: further stages and copies of a request are known by
 * its identity. Memory is bounded by the number of actors and of requests that are told apart, besides the identities.
 */
export class ActivityReportBuilder {
  readonly #options: ReportOptions & { readonly seen: SeenIdentities };
  readonly #reader = new TraceReader();
  readonly #days = new Map<number, ActivityDay>();

  constructor(options: ReportOptions & { readonly seen: SeenIdentities }) {
    this.#options = options;
  }

  /** Adds an event with its attribution; what is no request, or of nobody that the report is about, changes nothing. */
  add(event: AuditEvent, attribution: Attribution): void {
    const traced = this.#reader.read(event, attribution);
    const identity = tracedIdentity(attribution);
    if (traced === undefined || identity === undefined) return;
    const { seen, hasAllClients = false } = this.#options;
    const { receivedAtUs: atUs, auditID } = event;
    const isNew = seen.add(identity.hi, identity.lo);
    const day = dayFor(this.#days, activityDayOf(atUs), LOG_TRACE_LIMITS);
    observeTrace(day, { traced, atUs, auditID, identity, isNew, hasAllClients });
  }

  /**
   * The report of what was added so far.
   * @param detected - what detectors found besides, of the same cluster and period
   * @param notes - what the caller knows that the report cannot see, one sentence each
   */
  build(detected: readonly Detected[] = [], notes: readonly string[] = []): ActivityReport {
    return activityReport(this.#days.values(), this.#options, { detected, notes });
  }
}
