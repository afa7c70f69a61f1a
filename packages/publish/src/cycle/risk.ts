import { type Auditor, catalogue, createAuditor, type RbacFinding } from '@leastwise/findings';
import { bootstrapDefaults, dayOf, type RbacObject } from '@leastwise/rbac';
import type { RiskFinding, SubjectChange as SubjectRow } from '@leastwise/render';

import { findingsOf } from '../findings-of.ts';
import type { GroupChange } from './groups.ts';
import { OtherRbac } from './other-rbac.ts';
import type { SubjectPlan } from './subjects.ts';
import type { CycleSettings } from './types.ts';
import type { Verdict } from './verify.ts';

/** What the checks find of one subject before and after a merge. */
export type SubjectRisk = NonNullable<SubjectRow['risk']>;

const DAY_MS = 86_400_000;
const REMEDIES: ReadonlyMap<string, string> = new Map(catalogue().map(({ id, remedy }) => [id, remedy]));

/**
 * Judges by the checks on RBAC what proposals make of it: all files of their subjects as they are at the base, and as
 * they are once the proposal is merged. What the subjects hold besides, where it is known, counts for what several
 * rights make together, and has no findings of its own. As of the day of the state, and by no clock.
 */
export class RiskJudge {
  readonly #auditor: Auditor;
  readonly #existing: CycleSettings['existing'];
  readonly #others = new Map<string, OtherRbac>();

  constructor({ existing }: Pick<CycleSettings, 'existing'>, auditor: Auditor = createAuditor()) {
    this.#auditor = auditor;
    this.#existing = existing;
  }

  /**
   * The risk of a group's parts, in their order. Of what a part does not cover it tells what changes only.
   * @param verdicts - of the parts
   */
  risksOf({ cluster, parts }: GroupChange, verdicts: readonly Verdict[]): SubjectRisk[] {
    const [first] = parts;
    if (first === undefined) return [];
    const { plan } = first.change;
    const sides = parts.map(({ change: { plan: own } }, at) => ({
      subject: own.policy.subject,
      before: own.approved.objects,
      after: verdicts[at]?.after ?? own.approved.objects,
    }));
    const context = this.#context(cluster)?.beside(
      sides.map(({ subject }) => subject),
      sides.flatMap(({ before, after }) => [...before, ...after]),
    );
    const audit = (side: 'before' | 'after'): RbacFinding[][] => {
      const owners = sides.map((each) => ({ subject: each.subject, objects: each[side] }));
      const objects = owners.flatMap((owner) => owner.objects);
      return findingsOf(this.#audit(objects, context ?? [], plan), owners);
    };
    const [before, after] = [audit('before'), audit('after')];
    return parts.map(({ covers }, at) => riskOf(before[at] ?? [], after[at] ?? [], covers));
  }

  #audit(
    objects: readonly RbacObject[],
    context: ReturnType<OtherRbac['beside']>,
    { options, cluster }: SubjectPlan,
  ): readonly RbacFinding[] {
    if (objects.length === 0) return [];
    const { findings } = this.#auditor.audit({
      objects: objects.map((object) => ({ object })),
      context,
      bootstrap: bootstrapDefaults(options.kubernetesVersion),
      kubernetesVersion: options.kubernetesVersion,
      judgeUnboundRoles: false,
      nowMs: (options.asOfDay ?? dayOf(cluster.lastSeenUs)) * DAY_MS,
    });
    return findings;
  }

  #context(cluster: string): OtherRbac | undefined {
    const existing = this.#existing?.get(cluster);
    if (existing === undefined) return undefined;
    const known = this.#others.get(cluster) ?? new OtherRbac(existing);
    this.#others.set(cluster, known);
    return known;
  }
}

function riskOf(
  before: readonly RbacFinding[],
  after: readonly RbacFinding[],
  covers: ReadonlySet<string>,
): SubjectRisk {
  const [old, fresh] = [before, after].map((findings) => new Set(findings.map(contentOf)));
  const isTold = (finding: RbacFinding): boolean => {
    const stays = old?.has(contentOf(finding)) === true && fresh?.has(contentOf(finding)) === true;
    return !stays || covers.has(finding.namespace ?? '');
  };
  return { before: before.filter(isTold).map(shown), after: after.filter(isTold).map(shown) };
}

function contentOf({ key, severity, message }: RbacFinding): string {
  return JSON.stringify([key, severity, message]);
}

function shown({ key, check, severity, message }: RbacFinding): RiskFinding {
  return { key, id: check, severity, what: message, remedy: REMEDIES.get(check) ?? '' };
}
