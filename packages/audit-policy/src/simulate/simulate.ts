import { matchPolicy, type PolicyMatch } from '../match/match-policy.ts';
import { AUDIT_LEVELS, type AuditLevel, type AuditPolicy } from '../types.ts';
import { type DetectionVisibility, detectionVisibility } from '../visibility.ts';
import type { RecordedRequest } from './request.ts';
import { SeenSubjects, type SubjectSights } from './seen-subjects.ts';
import { isVisible, NO_VOLUME, plus, type Volume, volumeOf } from './volume.ts';

/** What one rule decides about. */
export interface RuleVolume extends Volume {
  /** From 0; `undefined` for requests that no rule matches. */
  readonly rule: number | undefined;
  readonly level: AuditLevel;
}

/** The time between the first and the last request of a log, in microseconds since the epoch. */
export interface LogSpan {
  readonly firstUs: number;
  readonly lastUs: number;
}

/** What a policy would have made of the requests of a log. */
export interface Simulation {
  readonly total: Volume;
  readonly levels: Readonly<Record<AuditLevel, Volume>>;
  /** Every rule, and last what no rule matches. */
  readonly rules: readonly RuleVolume[];
  /** `undefined` where there are no requests. */
  readonly span: LogSpan | undefined;
  readonly subjects: SubjectSights;
  /** Those that do not see all that they need. */
  readonly detections: readonly DetectionVisibility[];
}

const DAY_US = 86_400_000_000;
/** A shorter log says little about a day. */
const MIN_SPAN_US = 3_600_000_000;

/** A number of the whole log as one of a day; a log that is shorter than an hour counts as one. */
export function perDay(amount: number, span: LogSpan | undefined): number {
  if (span === undefined) return 0;
  return Math.round((amount * DAY_US) / Math.max(span.lastUs - span.firstUs, MIN_SPAN_US));
}

/** Replays requests under a policy, one after another, in any order. */
export class PolicySimulation {
  readonly #policy: AuditPolicy;
  readonly #volumes: Volume[];
  readonly #subjects = new SeenSubjects();
  #span: LogSpan | undefined;

  constructor(policy: AuditPolicy) {
    this.#policy = policy;
    this.#volumes = [...policy.rules.map(() => NO_VOLUME), NO_VOLUME];
  }

  /** Counts a request, and tells what becomes of it. */
  add(request: RecordedRequest): PolicyMatch {
    const match = matchPolicy(this.#policy, request.attributes);
    const at = match.rule ?? this.#policy.rules.length;
    this.#volumes[at] = plus(this.#volumes[at] ?? NO_VOLUME, volumeOf(request, match));
    this.#subjects.add(request.attributes.user?.username ?? '', !isVisible(request, match));
    const { receivedAtUs } = request;
    this.#span = {
      firstUs: Math.min(this.#span?.firstUs ?? Infinity, receivedAtUs),
      lastUs: Math.max(this.#span?.lastUs ?? -Infinity, receivedAtUs),
    };
    return match;
  }

  /** What was counted so far. */
  result(): Simulation {
    const { rules: all } = this.#policy;
    const rules = this.#volumes.map((volume, i): RuleVolume => {
      const rule = all[i];
      return { ...volume, rule: rule === undefined ? undefined : i, level: rule?.level ?? 'None' };
    });
    const sum = (list: readonly Volume[]): Volume => {
      const { requests, events, bytes } = list.reduce(plus, NO_VOLUME);
      return { requests, events, bytes };
    };
    const levels = AUDIT_LEVELS.map(
      (level) => [level, sum(rules.filter((each) => each.level === level))] as const,
    );
    return {
      total: sum(rules),
      levels: Object.fromEntries(levels) as Record<AuditLevel, Volume>,
      rules,
      span: this.#span,
      subjects: this.#subjects.result(),
      detections: detectionVisibility(this.#policy).filter(({ sight }) => sight !== 'full'),
    };
  }
}
