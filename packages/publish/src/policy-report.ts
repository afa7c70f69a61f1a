import type { Subject } from '@leastwise/audit-event';
import { type Auditor, createAuditor, FINDING_SEVERITIES, type RbacFinding } from '@leastwise/findings';
import {
  bootstrapDefaults,
  type Cell,
  clientsOf,
  type ClusterState,
  dayOf,
  type Evidence,
  type Exception,
  type KubernetesVersion,
  NEWEST_KUBERNETES,
  type SubjectState,
} from '@leastwise/rbac';
import type { ObservedPermission, PolicyReport, SubjectReport } from '@leastwise/render';

import { findingsOf } from './findings-of.ts';
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

function reportOf({ policy }: InferredPolicy, findings: readonly RbacFinding[]): SubjectReport {
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
    findings: countsOf(findings),
  };
}

function countsOf(findings: readonly RbacFinding[]): NonNullable<SubjectReport['findings']> {
  return FINDING_SEVERITIES.map((severity) => ({
    severity,
    count: findings.filter((finding) => finding.severity === severity).length,
  })).filter(({ count }) => count > 0);
}

const DAY_MS = 86_400_000;

/** What the checks find of policies, in their order: as if nothing else were granted in the cluster. */
function judged(
  policies: readonly InferredPolicy[],
  { lastSeenUs }: ClusterState,
  { kubernetesVersion, auditor }: { kubernetesVersion: KubernetesVersion; auditor: Auditor },
): RbacFinding[][] {
  const owners = policies.map(({ policy }) => policy);
  const { findings } = auditor.audit({
    objects: owners.flatMap(({ objects }) => objects.map((object) => ({ object }))),
    bootstrap: bootstrapDefaults(kubernetesVersion),
    kubernetesVersion,
    judgeUnboundRoles: false,
    nowMs: dayOf(lastSeenUs) * DAY_MS,
  });
  return findingsOf(findings, owners);
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

/** What else is known of a cluster. */
export interface ReportKnowledge {
  /** What some permissions allow depends on it; the newest known, unless it is given. */
  readonly kubernetesVersion?: KubernetesVersion;
  /** Judges the policies; what it remembers of their roles serves whoever asks it next. One of its own, unless it is given. */
  readonly auditor?: Auditor;
  /** What the cluster's audit policy hides of a subject, as plain text. */
  readonly unloggedOf?: (subject: Subject) => string | undefined;
}

/** What the policies of one cluster rest on, and what the checks on RBAC find of them. */
export function policyReportOf(
  cluster: ClusterState,
  policies: readonly InferredPolicy[],
  leftOut: readonly LeftOutPolicy[],
  { kubernetesVersion = NEWEST_KUBERNETES, auditor = createAuditor(), unloggedOf }: ReportKnowledge = {},
): PolicyReport {
  const { firstSeenUs, lastSeenUs } = cluster;
  const findings = judged(policies, cluster, { kubernetesVersion, auditor });
  return {
    firstEventUs: firstSeenUs,
    lastEventUs: lastSeenUs,
    daysWithEvents: daysWithEvents([...policies, ...leftOut].map(({ state }) => state)),
    subjects: policies.map((each, at) => ({
      ...reportOf(each, findings[at] ?? []),
      unlogged: unloggedOf?.(each.policy.subject),
    })),
    leftOut: leftOut.map(({ policy, remark }) => ({ subject: policy.subject, remark })),
  };
}

/** What a report says of a policy that is refused. */
export function refusedRemark(reason: string): string {
  return `refused: ${reason}; what was published before stays as it is`;
}
