import { type Subject, subjectKey } from '@leastwise/audit-event';
import { bindingUsageOf, type ClusterState, dayOf, type RuleSet } from '@leastwise/rbac';
import type { ComplianceReport } from '@leastwise/render';

import { choicesFor, isLeftOutReason, leftOut } from '../team/index.ts';
import { hiddenBy } from './blind-spots.ts';
import type { RetirementScene } from './retire.ts';
import { unusedGrants } from './unused-grants.ts';

const NOTHING: RuleSet = { rules: new Map(), overflow: undefined };

/**
 * How much of the RBAC of a cluster its subjects use; `undefined` where that RBAC is not known. Those who are left out of
 * policies are left out here as well.
 */
export function complianceOf(
  cluster: ClusterState,
  { plans, observable, owned, settings, scores: known }: RetirementScene,
): ComplianceReport | undefined {
  const existing = settings.existing?.get(cluster.cluster);
  const scores = known.of(cluster);
  if (existing === undefined || scores === undefined) return undefined;
  const { options } = settings;
  const here = plans.filter((plan) => plan.cluster === cluster);
  const watched = observable.filter((plan) => plan.cluster === cluster);
  const watchedKeys = new Set(watched.map(({ policy }) => subjectKey(policy.subject)));
  const planned = new Map(here.map((plan) => [subjectKey(plan.policy.subject), plan]));
  const isLeftOut = (subject: Subject): boolean => {
    const plan = planned.get(subjectKey(subject));
    if (plan !== undefined) return plan.withheld !== undefined && isLeftOutReason(plan.withheld.reason);
    const choices = choicesFor(owned.choices, { cluster: cluster.cluster, subject, namespace: '' });
    const state = { subject, allowed: NOTHING, denied: NOTHING };
    return leftOut(state, { objects: [], exceptions: [] }, { choices, isApproved: false }) !== undefined;
  };
  const policy = settings.auditPolicies?.get(cluster.cluster);
  const shown = scores.filter(({ subject }) => !isLeftOut(subject));
  const usages = bindingUsageOf({ cluster, rbac: existing, options });
  return {
    asOfDay: options.asOfDay ?? dayOf(cluster.lastSeenUs),
    retentionDays: options.retentionDays,
    minimumObservationDays: owned.choices.minimumObservationDays,
    subjects: shown.map(({ uncovered, ...score }) => ({
      ...score,
      uncovered: uncovered.length,
      isObservable: watchedKeys.has(subjectKey(score.subject)),
      hiddenBy: hiddenBy(policy?.of(score.subject)),
    })),
    leftOut: scores.length - shown.length,
    isAuditPolicyKnown: policy !== undefined,
    unused: unusedGrants(existing, watched, options.kubernetesVersion, (subject) => policy?.of(subject)),
    bindings: shown.flatMap(({ subject }) => {
      const found = usages.get(subjectKey(subject));
      return found ? [{ subject, ...found }] : [];
    }),
  };
}
