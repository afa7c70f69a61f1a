import { type Cell, clientsOf, type ClusterState, type Evidence, type Exception } from '@leastwise/rbac';
import type { SubjectState } from '@leastwise/rbac';
import type { ObservedPermission, PolicyReport, SubjectReport } from '@leastwise/render';

import { WIDENING_TEXT } from './policy-notes.ts';
import type { InferredPolicy } from './policies.ts';

/** A subject without a policy in the repository, and why. */
export interface LeftOutPolicy extends InferredPolicy {
  /** Plain text. */
  readonly remark: string;
}

/** A permission with its evidence as a report shows it; its sample is the latest. */
export function observedOf({
  cell,
  evidence,
}: {
  readonly cell: Cell;
  readonly evidence: Evidence;
}): ObservedPermission {
  return {
    permission: cell,
    count: evidence.count,
    days: evidence.days.length,
    firstSeenUs: evidence.firstSeenUs,
    lastSeenUs: evidence.lastSeenUs,
    sampleAuditID: evidence.lastAuditID,
    clients: clientsOf(evidence),
  };
}

function reportOf({ policy }: InferredPolicy): SubjectReport {
  const of = (...classes: Exception['class'][]): Exception[] =>
    policy.exceptions.filter((each) => classes.includes(each.class));
  const namespaces = policy.objects.flatMap(({ metadata }) => metadata.namespace ?? []);
  return {
    subject: policy.subject,
    namespaces: [...new Set(namespaces)].sort(),
    hasClusterFolder: policy.objects.some(({ metadata }) => metadata.namespace === undefined),
    granted: policy.granted.map(observedOf),
    withheld: of('withheld').map(observedOf),
    grantedElsewhere: of('granted-by-default', 'other-authorizer').length,
    unrenderable: of('unrenderable').map(({ cell, detail }) => ({ permission: cell, remark: detail })),
    outsideRetention: of('outside-retention', 'namespace-gone').map(observedOf),
    widened: policy.widenings.map(({ what, kind }) => ({ what, remark: WIDENING_TEXT[kind] })),
    isIncomplete: policy.isIncomplete,
    refused: { observed: policy.denied.map(observedOf), otherRequests: policy.deniedOverflow },
  };
}

/** On how many days (UTC) some subjects were seen. */
export function daysWithEvents(states: Iterable<SubjectState>): number {
  const days = new Set<number>();
  for (const state of states) {
    for (const set of [state.allowed, state.denied]) {
      for (const rule of set.rules.values()) {
        for (const { days: each } of rule.names.values()) for (const day of each) days.add(day);
      }
    }
  }
  return days.size;
}

/** What the policies of one cluster rest on. */
export function policyReportOf(
  { firstSeenUs, lastSeenUs }: ClusterState,
  policies: readonly InferredPolicy[],
  leftOut: readonly LeftOutPolicy[],
): PolicyReport {
  return {
    firstEventUs: firstSeenUs,
    lastEventUs: lastSeenUs,
    daysWithEvents: daysWithEvents([...policies, ...leftOut].map(({ state }) => state)),
    subjects: policies.map(reportOf),
    leftOut: leftOut.map(({ policy, remark }) => ({ subject: policy.subject, remark })),
  };
}

/** What a report says of a policy that is refused. */
export function refusedRemark(reason: string): string {
  return `refused: ${reason}; what was published before stays as it is`;
}
