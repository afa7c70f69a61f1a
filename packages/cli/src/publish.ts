import type { ClusterState, Exception, Evidence, Cell } from '@leastwise/rbac';
import { clientsOf } from '@leastwise/rbac';
import { type Forge, planChanges } from '@leastwise/publish';
import {
  clusterFolder,
  isGenerated,
  type ObservedPermission,
  policyReportPath,
  renderPolicyReport,
  renderRepository,
  type SubjectReport,
} from '@leastwise/render';

import { policyNotes, WIDENING_TEXT } from './notes.ts';
import { findHeldFiles, type HeldFile } from './held-files.ts';
import type { InferredPolicies, InferredPolicy } from './policies.ts';

/** What became of a publication. */
export interface Published {
  readonly written: number;
  readonly deleted: number;
  /** Files where ours should stand that are not ours: left alone. */
  readonly foreign: readonly string[];
  readonly commit?: string;
}

function observed({
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
    granted: policy.granted.map(observed),
    withheld: of('withheld').map(observed),
    grantedElsewhere: of('granted-by-default', 'other-authorizer').length,
    unrenderable: of('unrenderable').map(({ cell, detail }) => ({ permission: cell, remark: detail })),
    outsideRetention: of('outside-retention', 'namespace-gone').map(observed),
    widened: policy.widenings.map(({ what, kind }) => ({ what, remark: WIDENING_TEXT[kind] })),
    isIncomplete: policy.isIncomplete,
    refused: { observed: policy.denied.map(observed), otherRequests: policy.deniedOverflow },
  };
}

function daysOf(policies: readonly InferredPolicy[]): number {
  const days = new Set<number>();
  for (const { state } of policies) {
    for (const set of [state.allowed, state.denied]) {
      for (const rule of set.rules.values()) {
        for (const { days: each } of rule.names.values()) for (const day of each) days.add(day);
      }
    }
  }
  return days.size;
}

function filesOf(
  { policies, refused }: InferredPolicies,
  clusters: readonly ClusterState[],
  held: readonly HeldFile[],
): Map<string, string> {
  const byCluster = clusters.map((cluster) => ({
    cluster,
    policies: policies.filter((each) => each.cluster === cluster),
    refused: refused.filter((each) => each.cluster === cluster),
    held: held.filter((each) => each.cluster === cluster.cluster),
  }));
  const files = renderRepository(
    byCluster.map(({ cluster, policies: own, held: kept }) => ({
      cluster: cluster.cluster,
      policies: [
        ...own.map(({ policy }) => ({
          subject: policy.subject,
          objects: policy.objects,
          notes: (namespace: string) => policyNotes(policy, namespace),
        })),
        ...kept.map(({ standIn }) => standIn),
      ],
    })),
  );
  for (const { path, content } of held) files.set(path, content);
  for (const { cluster, policies: own, refused: leftOut } of byCluster) {
    const report = {
      firstEventUs: cluster.firstSeenUs,
      lastEventUs: cluster.lastSeenUs,
      daysWithEvents: daysOf([...own, ...leftOut]),
      subjects: own.map(reportOf),
      leftOut: leftOut.map(({ policy, reason }) => ({
        subject: policy.subject,
        remark: `refused: ${reason}; what was published before stays as it is`,
      })),
    };
    files.set(policyReportPath(cluster.cluster), renderPolicyReport(cluster.cluster, report));
  }
  return files;
}

/** Brings a GitOps repository to what the policies say: nothing is written where nothing changed. */
export async function publishPolicies(
  forge: Forge,
  inferred: InferredPolicies,
  clusters: readonly ClusterState[],
): Promise<Published> {
  // Only what this state knows of is ours to change: another one may keep other clusters in this repository.
  const known = clusters.filter(({ lastSeenUs }) => lastSeenUs > 0);
  const folders = known.map(({ cluster }) => clusterFolder(cluster));
  const existing =
    folders.length === 0
      ? new Map<string, string>()
      : await forge.read(folders.flatMap((folder) => [`clusters/${folder}`, `reports/${folder}`]));
  const wanted = filesOf(inferred, known, findHeldFiles(existing, inferred.refused));
  const plan = planChanges(wanted, existing, isGenerated);
  const count = (action: 'write' | 'delete'): number =>
    plan.changes.filter((each) => each.action === action).length;
  const commit = await forge.apply(
    plan,
    'policies: follow what the audit log shows\n\nGenerated by leastwise.',
  );
  return {
    written: count('write'),
    deleted: count('delete'),
    foreign: plan.foreign,
    ...(commit === undefined ? {} : { commit }),
  };
}
