import { subjectKey, type Subject } from '@leastwise/audit-event';

import {
  DETECTION_SEVERITIES,
  type DetectionFinding,
  DETECTIONS,
  type DetectionSeverity,
  type FindingKind,
} from '../detect/index.ts';
import { parseSubjectKey } from '../subject.ts';
import { windowOf, windowStartUs } from '../windows.ts';
import { WINDOW_FINDING_KINDS, type WindowFinding, type WindowFindingKind } from './window-judge.ts';

/** A finding in a window of a cluster, as it is remembered and told. */
export interface Alert extends WindowFinding {
  readonly cluster: string;
  /** Whether everybody who is told once was told. */
  readonly isTold: boolean;
}

const VERSION = 1;
const LETTER = 'a';
/** For how long a spike goes on before it is told again. */
const EPISODE_US = 3_600_000_000;

/** Whether a field is an alert's, and not of what judges remember. */
export function isAlertField(field: string): boolean {
  return field.startsWith(LETTER);
}

/**
 * The field under which an alert is remembered: the same for the same finding, whoever finds it. Of single requests it is
 * the same for an hour, so that each detection is told once of a subject and hour.
 */
export function alertField({ kind, id, about, startUs, subject }: WindowFinding): string {
  if (kind === 'event') {
    const hourUs = windowStartUs('1h', windowOf('1h', startUs));
    return `${LETTER}${kind} ${String(hourUs)} ${id} ${subjectKey(subject)}`;
  }
  return `${LETTER}${kind} ${String(startUs)} ${about} ${subjectKey(subject)}`;
}

/** Until when an alert fires, in microseconds: what goes on is told again after that. */
export function firesUntilUs({ endUs }: Pick<Alert, 'endUs'>): number {
  return endUs + EPISODE_US;
}

/** The value of an alert's field. */
export function encodeAlert(alert: Alert): Uint8Array {
  const { cluster, id, kind, severity, subject, about, startUs, endUs, says, isTold } = alert;
  const told = isTold ? 1 : 0;
  return Buffer.from(
    JSON.stringify([
      VERSION,
      cluster,
      id,
      kind,
      severity,
      subjectKey(subject),
      about,
      startUs,
      endUs,
      says,
      told,
    ]),
  );
}

/** The alert that {@link encodeAlert} wrote; `undefined` for anything else. */
export function decodeAlert(value: Uint8Array): Alert | undefined {
  const parts = partsOf(value);
  if (parts?.[0] !== VERSION) return undefined;
  const [, cluster, id, , , key, about, startUs, endUs, says, told] = parts;
  const kind = WINDOW_FINDING_KINDS.find((each) => each === parts[3]);
  const severity: DetectionSeverity | undefined = DETECTION_SEVERITIES.find((each) => each === parts[4]);
  const subject: Subject | undefined = typeof key === 'string' ? parseSubjectKey(key) : undefined;
  const texts = [cluster, id, about, says];
  if (kind === undefined || severity === undefined || subject === undefined) return undefined;
  if (!texts.every((each) => typeof each === 'string') || !isTime(startUs) || !isTime(endUs))
    return undefined;
  const [inCluster = '', ofId = '', aboutWhat = '', sentence = ''] = texts;
  return {
    cluster: inCluster,
    id: ofId,
    kind,
    severity,
    subject,
    about: aboutWhat,
    startUs,
    endUs,
    says: sentence,
    isTold: told === 1,
  };
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function partsOf(value: Uint8Array): readonly unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return Array.isArray(parts) ? (parts as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}

const FINDING_KINDS: Readonly<Record<WindowFindingKind, FindingKind>> = {
  spike: 'spike',
  hours: 'hours',
  first: 'first-seen',
  refused: 'window',
  event: 'event',
};

/** An alert as reports tell what detections found. */
export function findingOf({ id, kind, severity, subject, startUs, endUs, says }: Alert): DetectionFinding {
  const title = DETECTIONS.find((each) => each.id === id)?.title ?? id;
  const about = { subject, startUs, endUs, says, as: '', count: 1, samples: [] };
  return { id, kind: FINDING_KINDS[kind], severity, title, ...about };
}
