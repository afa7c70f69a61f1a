import { type Subject, subjectKey } from '@leastwise/audit-event';
import { type Cell, type ClusterState, dayOf, type RuleSet, type SubjectPolicy } from '@leastwise/rbac';

/** Days since the epoch (UTC), both ends included. */
export interface DayRange {
  readonly firstDay: number;
  readonly lastDay: number;
}

/** Events that never came. */
export interface StreamGaps {
  /** Events of which nothing is known but that they were lost; on which days, nobody knows. */
  readonly lost: number;
  /** Days of which events are missing. In any order; they may overlap. */
  readonly days: readonly DayRange[];
}

/** Why a removal waits. A closed set, for metrics. */
export type WaitReason =
  'unknown-subject' | 'too-new' | 'inactive' | 'gap' | 'lost-events' | 'silent' | 'incomplete';

/** One reason to wait. */
export interface Wait {
  readonly reason: WaitReason;
  /** A sentence for people, of numbers and days only. */
  readonly text: string;
}

/** What is known of how well a subject was watched. */
export interface ObservabilityInput {
  readonly cluster: ClusterState;
  readonly subject: Subject;
  readonly policy: Pick<SubjectPolicy, 'isIncomplete'>;
  readonly gaps: StreamGaps;
  /** The day as of which all is judged; evidence of later days does not count. */
  readonly asOfDay: number;
  /** A whole number, 1 or more. */
  readonly minimumObservationDays: number;
  /** Further days on which the subject was seen, such as those of its activity windows. */
  readonly activeDays?: readonly number[];
  /** What may be proposed for removal. */
  readonly candidates?: readonly Cell[];
  /** Whether the cluster's audit policy logs the use of a permission; `undefined`: it cannot be told. */
  readonly wouldLog?: (cell: Cell) => boolean | undefined;
}

/** Whether "not seen" means "not used". */
export interface Observability {
  /** Whether what the subject did not use may be proposed for removal, but for `unobservable`. */
  readonly mayRemove: boolean;
  /** For how many days without a gap, up to the day as of which all is judged, the subject was observable. */
  readonly observableDays: number;
  /** In a fixed order; empty iff `mayRemove`. */
  readonly reasons: readonly Wait[];
  /** Of the candidates those that the audit policy is not known to log: not seen proves nothing of them. */
  readonly unobservable: readonly Cell[];
}

/**
 * Whether a subject was watched long enough and well enough for a removal. With a minimum of M days it was, iff it
 * was known M days ago or earlier, was seen (allowed or refused) on one of the last M days, no event of the last M
 * days is missing, the cluster's stream goes on up to the day in question, and no cap left rules of it out. What the
 * audit policy would not log never counts as unused; without an audit policy everything counts as logged.
 * @remarks Pure; whole days only, no clock. Linear in the evidence of the subject.
 * @throws RangeError if a day or the minimum is not a whole number
 */
export function observabilityOf(input: ObservabilityInput): Observability {
  const { asOfDay, minimumObservationDays: minimum, cluster, candidates = [], wouldLog } = input;
  if (!Number.isSafeInteger(asOfDay) || !Number.isSafeInteger(minimum) || minimum < 1) {
    throw new RangeError('days are whole numbers, and at least one is observed');
  }
  const unobservable = wouldLog === undefined ? [] : candidates.filter((cell) => wouldLog(cell) !== true);
  const seen = daysSeen(input);
  if (seen === undefined) {
    const text = `The subject was not seen up to ${dayText(asOfDay)}.`;
    return {
      mayRemove: false,
      observableDays: 0,
      reasons: [{ reason: 'unknown-subject', text }],
      unobservable,
    };
  }
  const lastGapDay = lastDayWithin(input.gaps.days, asOfDay);
  const isLost = input.gaps.lost > 0;
  const isSilent = dayOf(cluster.lastSeenUs) < asOfDay;
  const observedSince = Math.max(seen.firstDay, lastGapDay + 1);
  const observableDays = isLost || isSilent ? 0 : Math.max(0, asOfDay - observedSince + 1);
  const period = `the last ${minimum} days`;
  const reasons: readonly (Wait | false)[] = [
    asOfDay - seen.firstDay + 1 < minimum && {
      reason: 'too-new',
      text: `The subject was first seen on ${dayText(seen.firstDay)}, and ${minimum} days are to be observed.`,
    },
    asOfDay - seen.lastDay >= minimum && {
      reason: 'inactive',
      text: `The subject was last seen on ${dayText(seen.lastDay)}: not on one of ${period}.`,
    },
    asOfDay - lastGapDay < minimum && {
      reason: 'gap',
      text: `Events of ${dayText(lastGapDay)} are missing, which is one of ${period}.`,
    },
    isLost && {
      reason: 'lost-events',
      text: `${input.gaps.lost} events were lost before they were read, and nobody knows of which days.`,
    },
    isSilent && {
      reason: 'silent',
      text: `The cluster's newest event is of ${dayText(dayOf(cluster.lastSeenUs))}: later days were not observed.`,
    },
    input.policy.isIncomplete && {
      reason: 'incomplete',
      text: 'The subject needed more rules than are remembered of it: what is unused cannot be told.',
    },
  ];
  const found = reasons.filter((each) => each !== false);
  return { mayRemove: found.length === 0, observableDays, reasons: found, unobservable };
}

/** The first and the last day on which a subject was seen; `undefined` where there is none up to the day in question. */
function daysSeen(input: ObservabilityInput): DayRange | undefined {
  const { cluster, subject, asOfDay, activeDays = [] } = input;
  const state = cluster.subjects.get(subjectKey(subject));
  let firstDay = Infinity;
  let lastDay = -Infinity;
  const note = (day: number): void => {
    if (day > asOfDay) return;
    firstDay = Math.min(firstDay, day);
    lastDay = Math.max(lastDay, day);
  };
  for (const days of state === undefined ? [] : [...daysOf(state.allowed), ...daysOf(state.denied)]) {
    days.forEach(note);
  }
  activeDays.forEach(note);
  return lastDay === -Infinity ? undefined : { firstDay, lastDay };
}

function daysOf({ rules, overflow }: RuleSet): (readonly number[])[] {
  const evidence = [...rules.values()].flatMap((rule) => [...rule.names.values(), rule.overflow]);
  return [...evidence, overflow].map((each) => each?.days ?? []);
}

/** The last day, up to a day, that lies in one of the ranges; `-Infinity` where none does. */
function lastDayWithin(ranges: readonly DayRange[], asOfDay: number): number {
  const days = ranges
    .filter(({ firstDay, lastDay }) => firstDay <= asOfDay && firstDay <= lastDay)
    .map(({ lastDay }) => Math.min(lastDay, asOfDay));
  return Math.max(-Infinity, ...days);
}

const DAY_MS = 86_400_000;

/** `2026-03-01`. */
function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
