import { type Subject, subjectFromUsername, subjectKey } from '@leastwise/audit-event';

import {
  BASELINE_DAYS,
  DETECTION_SEVERITIES,
  type DetectionFinding,
  type Detections,
  DETECTIONS,
  type DetectionSeverity,
  toldFrom,
} from '../detect/index.ts';
import { isPerson } from '../detect/person.ts';
import { dayFindings } from '../matches/index.ts';
import type { ActivityDay } from '../traces/activity-day.ts';
import type { Detected } from './detected.ts';
import { dayText, utcTime } from './local-time.ts';
import type { UnusualSeverity } from './model.ts';

/** UTC days since 1970-01-01, both included; all days without them. */
export interface DetectedPeriod {
  readonly fromDay?: number | undefined;
  readonly toDay?: number | undefined;
}

const SEVERITIES: Readonly<Record<DetectionSeverity, UnusualSeverity>> = {
  CRITICAL: 'critical',
  HIGH: 'high',
  MEDIUM: 'medium',
  LOW: 'low',
};
const HOUR_US = 3_600_000_000;
/** What is found on so many days is a habit. */
const HABIT_DAYS = 3;
/** Before it, no subject is in its eighth day. */
const WARM_UP_DAYS = 8;

type Findings = readonly [DetectionFinding, ...DetectionFinding[]];

/**
 * Findings for a report: of one subject, detection and day one, the gravest, and of these the first one, with how often
 * it was found. What is found of somebody day after day is no news: it is told once, with the number of days; spikes and
 * unusual hours are told of each. Only what begins in the period.
 */
export function detectedIn(findings: readonly DetectionFinding[], period: DetectedPeriod): Detected[] {
  const inPeriod = findings.filter(({ startUs }) => {
    const { day } = utcTime(startUs);
    return day >= (period.fromDay ?? -Infinity) && day <= (period.toDay ?? Infinity);
  });
  const bySubject = grouped(inPeriod, ({ id, subject }) => `${id} ${subject ? subjectKey(subject) : ''}`);
  return bySubject.flatMap((ofSubject) => {
    const days = grouped(ofSubject, ({ startUs }) => String(utcTime(startUs).day));
    const [first] = days;
    const isHabit = days.length >= HABIT_DAYS && !isOfBaseline(ofSubject[0]);
    return isHabit && first !== undefined ? [habitOf(first, days)] : days.map(dayOf);
  });
}

/** Findings by what they have in common, in their order. */
function grouped(
  findings: readonly DetectionFinding[],
  keyOf: (finding: DetectionFinding) => string,
): Findings[] {
  const groups = new Map<string, [DetectionFinding, ...DetectionFinding[]]>();
  for (const finding of findings) {
    const known = groups.get(keyOf(finding));
    if (known === undefined) groups.set(keyOf(finding), [finding]);
    else known.push(finding);
  }
  return [...groups.values()];
}

function isOfBaseline({ kind }: DetectionFinding): boolean {
  return kind === 'spike' || kind === 'hours';
}

function habitOf(first: Findings, days: readonly Findings[]): Detected {
  // The gravest day, and of these the first one.
  const gravest = days.reduce((a, b) => (rankOf(gravestOf(b)) < rankOf(gravestOf(a)) ? b : a), first);
  const all = days.reduce((sum, ofDay) => sum + timesOf(ofDay), 0);
  const others = all - timesOf(gravest);
  const why = `${gravestOf(gravest).says}; ${counted(timesOf(gravest))} such on that day, ${counted(others)} on ${days.length - 1} other days.`;
  return { ...detectedOf(gravestOf(gravest)), why, times: all, days: days.length };
}

function dayOf(findings: Findings): Detected {
  const times = timesOf(findings);
  const detected = detectedOf(gravestOf(findings));
  return times === 1
    ? detected
    : { ...detected, why: `${gravestOf(findings).says}; ${counted(times)} such on that day.`, times };
}

/** Findings are in order, so that of equally grave ones the first is meant. */
function gravestOf([first, ...rest]: Findings): DetectionFinding {
  return rest.reduce((a, b) => (rankOf(b) < rankOf(a) ? b : a), first);
}

function timesOf(findings: Findings): number {
  return findings.reduce((sum, { count }) => sum + count, 0);
}

function detectedOf(finding: DetectionFinding): Detected {
  return {
    severity: SEVERITIES[finding.severity],
    atUs: finding.startUs,
    untilUs: finding.endUs,
    subject: finding.subject,
    others: peopleIn(finding),
    title: finding.title,
    why: `${finding.says}.`,
    detection: finding.id,
    times: 1,
    days: 1,
    auditIDs: finding.samples.map(({ auditID }) => auditID),
  };
}

function rankOf({ severity }: DetectionFinding): number {
  return DETECTION_SEVERITIES.indexOf(severity);
}

function peopleIn({ as }: DetectionFinding): Subject[] {
  const subject = as === '' ? undefined : subjectFromUsername(as);
  return subject !== undefined && isPerson(subject) ? [subject] : [];
}

/** What detections could not see, for a report: one sentence each. */
export function detectionNotes({ beyond, gaps, days, newestDay }: Detections): string[] {
  const notes = [blindNote()];
  if (days > 0 && days < WARM_UP_DAYS) {
    notes.push(
      `The log has ${days} ${days === 1 ? 'day' : 'days'}: spikes and first uses are told from a subject's eighth day on, unusual hours from the fifteenth on which a person was active.`,
    );
  }
  if (days > BASELINE_DAYS) {
    const first = dayText(newestDay - BASELINE_DAYS + 1);
    notes.push(`Spikes and unusual hours were looked for from ${first} on: the last ${BASELINE_DAYS} days.`);
  }
  if (gaps.length > 0) {
    const hours = gaps.reduce((sum, { startUs, endUs }) => sum + (endUs - startUs), 0) / HOUR_US;
    notes.push(
      `The log is silent ${gaps.length === 1 ? 'once' : `${counted(gaps.length)} times`} for more than an hour, ${hours.toFixed(1)} hours in all: detections take that for unknown, not for quiet.`,
    );
  }
  return [...notes, ...beyondNotes(beyond)];
}

function beyondNotes(beyond: Detections['beyond']): string[] {
  return [...beyond]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, requests]) => {
      const who = requests === 1 ? '1 request was' : `${counted(requests)} requests were`;
      return `${who} beyond what detection ${id} tells apart.`;
    });
}

/** The ids of available detections that something is told of. */
function idsToldFrom(places: string): string {
  const told = DETECTIONS.filter((each) => toldFrom(each).join(' ') === places);
  return told.map(({ id }) => id).join(', ');
}

/** How the detections of a state are made up. */
export interface StateDetections extends DetectedPeriod {
  /** Of a subject by its key, the UTC day on which it was seen first; `Infinity` where nobody knows. */
  readonly firstDayOf: (subject: string) => number;
  /** What alerting found in the same cluster; `undefined` where nobody asked it. */
  readonly alerts?: readonly DetectionFinding[] | undefined;
}

/**
 * What detections found, for the report of a state: in single requests, as the days keep it, and of alerts what days cannot
 * tell. With what is not told, one sentence each.
 */
export function stateRemarks(
  days: Iterable<ActivityDay>,
  { firstDayOf, alerts, fromDay, toDay }: StateDetections,
): { readonly detected: readonly Detected[]; readonly notes: readonly string[] } {
  const { findings, beyond } = dayFindings(days, firstDayOf);
  // Alerts of single requests stand in the days, with all that came after them.
  const others = (alerts ?? []).filter(({ kind }) => kind !== 'event');
  const ofAlerting = `Spikes, unusual hours and first uses, ${idsToldFrom('log alerts')},`;
  return {
    detected: detectedIn([...findings, ...others], { fromDay, toDay }),
    notes: [
      `Detections were asked of single requests as they came. What needs many of them, or everything that was ever done, is told from a log alone: ${idsToldFrom('log')}.`,
      alerts === undefined
        ? `${ofAlerting} are told by alerting, which was not asked.`
        : `${ofAlerting} are here as alerting found them, and so are bursts of refused changes.`,
      blindNote(),
      ...beyondNotes(beyond),
    ],
  };
}

/** All detections of the catalogue that see nothing, in one sentence, by what they would need. */
function blindNote(): string {
  const blind = DETECTIONS.filter(({ available }) => !available);
  const idsOf = (needsBody: boolean): string =>
    blind
      .filter(({ needs }) => (needs !== 'Metadata') === needsBody)
      .map(({ id }) => id)
      .join(', ');
  return `Blind, since bodies are not decoded: ${idsOf(true)}; since source addresses are not: ${idsOf(false)}.`;
}

function counted(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
