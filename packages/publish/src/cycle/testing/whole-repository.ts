import { bootstrapDefaults, type ClusterState, DEFAULT_OPTIONS, NEWEST_KUBERNETES } from '@leastwise/rbac';
import { renderRepository } from '@leastwise/render';

import { policyNotes } from '../../policy-notes.ts';
import { inferPolicies } from '../../policies.ts';

const OPTIONS = { ...DEFAULT_OPTIONS, existing: bootstrapDefaults(NEWEST_KUBERNETES) };

/** The policies of a state as `leastwise run` writes them. */
export function wholeRepository(clusters: readonly ClusterState[]): Map<string, string> {
  const { policies } = inferPolicies(clusters, OPTIONS, () => true);
  return renderRepository(
    clusters.map((cluster) => ({
      cluster: cluster.cluster,
      policies: policies
        .filter((each) => each.cluster === cluster)
        .map(({ policy }) => ({
          subject: policy.subject,
          objects: policy.objects,
          notes: (namespace: string) => policyNotes(policy, namespace),
        })),
    })),
  );
}

/** What of some files stands below `clusters/`, in the order of the paths. */
export function policiesOf(files: ReadonlyMap<string, string>): Record<string, string> {
  const own = [...files].filter(([path]) => path.startsWith('clusters/'));
  return Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1)));
}
