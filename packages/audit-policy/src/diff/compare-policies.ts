import type { PolicyMatch } from '../match/match-policy.ts';
import { levelRank, type AuditLevel, type AuditPolicy } from '../types.ts';
import { type DetectionVisibility, detectionVisibility } from '../visibility.ts';
import type { RecordedRequest } from '../simulate/request.ts';
import { SeenSubjects, type SubjectSights } from '../simulate/seen-subjects.ts';
import { PolicySimulation, type Simulation } from '../simulate/simulate.ts';
import { isVisible } from '../simulate/volume.ts';

/** Requests that two policies treat differently. */
export interface PolicyChange {
  /** Of the old and the new policy, from 0; `undefined` where no rule matches. */
  readonly fromRule: number | undefined;
  readonly toRule: number | undefined;
  readonly fromLevel: AuditLevel;
  readonly toLevel: AuditLevel;
  readonly requests: number;
  /** Those of them whose outcome is seen by one policy only. */
  readonly gained: number;
  readonly lost: number;
}

/** A detection that sees more or less than before. */
export interface DetectionChange {
  readonly before: DetectionVisibility;
  readonly after: DetectionVisibility;
}

/** What changes from one policy to another, on the same requests. */
export interface PolicyComparison {
  readonly before: Simulation;
  readonly after: Simulation;
  /** Where level or visibility differ, by requests, most first. */
  readonly changes: readonly PolicyChange[];
  readonly moreDetailed: number;
  readonly lessDetailed: number;
  readonly detections: readonly DetectionChange[];
  /** All users; `hidden` counts the requests that were seen and are so no more. */
  readonly lostSubjects: SubjectSights;
  /** All users; `hidden` counts the requests that become visible. */
  readonly gainedSubjects: SubjectSights;
}

const SIGHTS = ['blind', 'partial', 'full'] as const;

/** Whether a detection sees more (1), less (-1) or as much (0) as before. */
export function sightChange({ before, after }: DetectionChange): number {
  return Math.sign(SIGHTS.indexOf(after.sight) - SIGHTS.indexOf(before.sight));
}

/** Replays requests under two policies. */
export class PolicyComparing {
  readonly #before: PolicySimulation;
  readonly #after: PolicySimulation;
  readonly #detections: readonly DetectionChange[];
  readonly #changes = new Map<string, PolicyChange>();
  readonly #lost = new SeenSubjects();
  readonly #gained = new SeenSubjects();

  constructor(before: AuditPolicy, after: AuditPolicy) {
    this.#before = new PolicySimulation(before);
    this.#after = new PolicySimulation(after);
    const seenAfter = detectionVisibility(after);
    this.#detections = detectionVisibility(before).flatMap((each, i) => {
      const other = seenAfter[i];
      return other === undefined || other.sight === each.sight ? [] : [{ before: each, after: other }];
    });
  }

  /** Counts a request under both. */
  add(request: RecordedRequest): void {
    const [from, to] = [this.#before.add(request), this.#after.add(request)];
    const [was, is] = [isVisible(request, from), isVisible(request, to)];
    const username = request.attributes.user?.username ?? '';
    this.#lost.add(username, was && !is);
    this.#gained.add(username, !was && is);
    if (from.level !== to.level || was !== is) this.#change(from, to, Number(is) - Number(was));
  }

  /** @param sight - 1 where the request becomes visible, -1 where it does so no more */
  #change(from: PolicyMatch, to: PolicyMatch, sight: number): void {
    const key = `${String(from.rule)} ${String(to.rule)}`;
    const { requests, gained, lost } = this.#changes.get(key) ?? { requests: 0, gained: 0, lost: 0 };
    this.#changes.set(key, {
      fromRule: from.rule,
      toRule: to.rule,
      fromLevel: from.level,
      toLevel: to.level,
      requests: requests + 1,
      gained: gained + Math.max(0, sight),
      lost: lost + Math.max(0, -sight),
    });
  }

  /** What was counted so far. */
  result(): PolicyComparison {
    const changes = [...this.#changes.values()].sort((a, b) => b.requests - a.requests || byRules(a, b));
    const count = (isCounted: (change: PolicyChange) => boolean): number =>
      changes.filter(isCounted).reduce((sum, { requests }) => sum + requests, 0);
    return {
      before: this.#before.result(),
      after: this.#after.result(),
      changes,
      moreDetailed: count(({ fromLevel, toLevel }) => levelRank(toLevel) > levelRank(fromLevel)),
      lessDetailed: count(({ fromLevel, toLevel }) => levelRank(toLevel) < levelRank(fromLevel)),
      detections: this.#detections,
      lostSubjects: this.#lost.result(),
      gainedSubjects: this.#gained.result(),
    };
  }
}

function byRules(a: PolicyChange, b: PolicyChange): number {
  const place = (index: number | undefined): number => index ?? Infinity;
  if (place(a.fromRule) !== place(b.fromRule)) return place(a.fromRule) - place(b.fromRule);
  return place(a.toRule) < place(b.toRule) ? -1 : 1;
}
