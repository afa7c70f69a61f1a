import type { Subject } from '@leastwise/audit-event';

import type { DetectionSeverity } from '../catalogue/index.ts';
import type { Sample } from './evidence.ts';

/** What a detection asks about: one event, a window of events that are added up, or the past. */
export type FindingKind = 'event' | 'window' | 'first-seen' | 'spike' | 'hours';

/** What a detection found about one subject. */
export interface DetectionFinding {
  /** Of the catalogue: `D01` to `D53`. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly severity: DetectionSeverity;
  readonly title: string;
  /** Who sent the requests, not in whose name; `undefined` where they do not say. */
  readonly subject: Subject | undefined;
  /** The window in event time, half-open: of a single event's detection, from the first to behind the last one of a day. */
  readonly startUs: number;
  readonly endUs: number;
  /** One sentence without its full stop, with numbers that a person can check. Names in it are raw. */
  readonly says: string;
  /** In whose name the request was made that the sentence is about; `''` where in the own one. */
  readonly as: string;
  /** Of how many matches: requests that match by themselves, or 1 of a window. */
  readonly count: number;
  /** Requests to look for in the log: a few of them, or none where none was kept. */
  readonly samples: readonly Sample[];
}

/** What was found in one cluster, and what was not looked at. */
export interface Detections {
  /** In time, then by id, subject and sentence. */
  readonly findings: readonly DetectionFinding[];
  /** By detection, how many requests were beyond what is told apart; those without any are left out. */
  readonly beyond: ReadonlyMap<string, number>;
  /** Times in which the source was silent for more than an hour, half-open. */
  readonly gaps: readonly { readonly startUs: number; readonly endUs: number }[];
  /** Days from the first request to the last one, both included; 0 without any. */
  readonly days: number;
  /** The day of the last request, counted from the epoch in UTC; `-Infinity` without any. */
  readonly newestDay: number;
}
