import type { AuditEvent, CountedRequest, Permission, SkipReason } from '@leastwise/audit-event';

import type { HoursVerdict } from '../hours/index.ts';
import type { SpikeVerdict } from '../spike/index.ts';
import type { Settings } from './settings.ts';
import type { Contribution, WindowTally } from './window-tally.ts';

/** How much a detection matters, the most first. */
export const DETECTION_SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;

/** One of {@link DETECTION_SEVERITIES}. */
export type DetectionSeverity = (typeof DETECTION_SEVERITIES)[number];

/** What detections are told of an audit event. Made by `factsOf`. */
export interface EventFacts {
  readonly event: AuditEvent;
  /** What the authorizer was asked; `undefined` where the request was never authorized, or asked for nothing. */
  readonly asked: Permission | undefined;
  /** The resource that was asked for, `pods`, `pods/log` or `apps/deployments`; `''` where none was. */
  readonly resource: string;
  readonly outcome: CountedRequest['outcome'] | undefined;
  /** Why the event is no evidence; `undefined` where it is. */
  readonly skipped: SkipReason | undefined;
  /** What is the same for all stages and copies of one request. */
  readonly identity: CountedRequest['identity'];
}

/** That a detection found something. */
export interface Match {
  readonly severity: DetectionSeverity;
  /** What was found, as a part of a sentence with numbers. Names in it are raw: whoever shows them escapes them. */
  readonly says: string;
  /**
   * Where there is one, the match holds only if this key is new to the one who sent the request: ask a `FirstSeenState`
   * of its own for each detection and user. A flood of keys then hides nothing but itself.
   */
  readonly firstSeenKey?: string;
  /** The severity where the key is known already; without one, it is no match then. */
  readonly severityIfKnown?: DetectionSeverity;
}

/** What a user reads of a detection. */
export interface DetectionInfo {
  /** `D01` to `D53`. Stable. */
  readonly id: string;
  readonly title: string;
  /** Of most matches. A match has its own where circumstances make it more or less. */
  readonly severity: DetectionSeverity;
  /** The level that an audit policy has to log these requests at. */
  readonly needs: 'Metadata' | 'Request' | 'RequestResponse';
  /** Why anybody should look. */
  readonly why: string;
  /** Who else detects it. */
  readonly peers: readonly string[];
}

/** Asks about one event. Its answer does not depend on auditID and time. */
export interface EventDetection extends DetectionInfo {
  readonly kind: 'event';
  readonly available: true;
  readonly predicate: (facts: EventFacts, settings: Settings) => Match | undefined;
}

/** Adds events up in tumbling windows, one tally for each group, and asks about the tally of a window. */
export interface WindowDetection extends DetectionInfo {
  readonly kind: 'window';
  readonly available: true;
  readonly windowSeconds: number;
  /** What an event adds, and to the tally of which group; `undefined` where it adds nothing. */
  readonly observe: (facts: EventFacts, settings: Settings) => Contribution | undefined;
  readonly predicate: (tally: WindowTally) => Match | undefined;
}

/** Asks about what is known of the past. */
export type BaselineDetection = DetectionInfo & { readonly kind: 'baseline'; readonly available: true } & (
    | { readonly baseline: 'spike'; readonly predicate: (verdict: SpikeVerdict) => boolean }
    | { readonly baseline: 'hours'; readonly predicate: (verdict: HoursVerdict) => boolean }
    | {
        /** All matches have a `firstSeenKey`. */
        readonly baseline: 'first-seen';
        readonly predicate: (facts: EventFacts, settings: Settings) => Match | undefined;
      }
  );

/** What cannot be asked, for events are decoded without what it would take. */
export interface UnavailableDetection extends DetectionInfo {
  readonly kind: 'event' | 'window';
  readonly available: false;
  readonly because: string;
}

/** One entry of the catalogue. */
export type Detection = EventDetection | WindowDetection | BaselineDetection | UnavailableDetection;
