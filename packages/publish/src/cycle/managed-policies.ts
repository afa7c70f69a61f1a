import type { ClusterState } from '@leastwise/rbac';

import type { SubjectPlan } from './subjects.ts';
import type { ManagedPolicy, WithheldReason } from './types.ts';

/**
 * What a reason to propose nothing says of the policy itself. Where it lies in files of the repository, the policy is
 * good. Two policies of one name would replace each other, and what a subject with open detections did may not have
 * been its own doing.
 */
const STANDING: Readonly<Record<WithheldReason, 'good' | 'withheld' | 'left-out'>> = {
  unreadable: 'good',
  'foreign-file': 'good',
  refused: 'withheld',
  held: 'withheld',
  ignored: 'left-out',
  system: 'left-out',
  node: 'left-out',
  'system-masters': 'left-out',
  'bootstrap-defaults': 'left-out',
};

function managedPolicy({ state, cluster, policy, withheld }: SubjectPlan): ManagedPolicy[] {
  const managed = { state, cluster, policy };
  const standing = withheld === undefined ? 'good' : STANDING[withheld.reason];
  if (standing === 'good' || withheld === undefined) return [managed];
  return standing === 'withheld' ? [{ ...managed, withheld: withheld.remark }] : [];
}

/**
 * The policies of some clusters, without the subjects that the team leaves out. A cluster of which nothing was observed
 * is absent: that is no word that its subjects are gone.
 * @param names - of the clusters; none without it
 */
export function managedPolicies(
  clusters: readonly ClusterState[],
  plans: readonly SubjectPlan[],
  names: ReadonlySet<string> = new Set(),
): Map<string, readonly ManagedPolicy[]> {
  const chosen = clusters.filter(({ cluster }) => names.has(cluster));
  return new Map(
    chosen.map((cluster) => [
      cluster.cluster,
      plans.filter((plan) => plan.cluster === cluster).flatMap(managedPolicy),
    ]),
  );
}
