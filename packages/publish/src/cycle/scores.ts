import { type ClusterState, scoreCluster, type SubjectScore } from '@leastwise/rbac';

import type { CycleSettings } from './types.ts';

/** How much of the RBAC that exists is used, by cluster: counted once for all who ask in a cycle. */
export class Scores {
  readonly #settings: CycleSettings;
  readonly #known = new Map<string, readonly SubjectScore[]>();

  constructor(settings: CycleSettings) {
    this.#settings = settings;
  }

  /** The scores of all subjects of a cluster; `undefined` where its RBAC is not known. */
  of(cluster: ClusterState): readonly SubjectScore[] | undefined {
    const { existing, auditPolicies, options } = this.#settings;
    const rbac = existing?.get(cluster.cluster);
    if (rbac === undefined) return undefined;
    const known = this.#known.get(cluster.cluster);
    if (known !== undefined) return known;
    const sightOf = auditPolicies?.get(cluster.cluster)?.sightOf;
    const scores = scoreCluster({ cluster, rbac, options, ...(sightOf && { sightOf }) });
    this.#known.set(cluster.cluster, scores);
    return scores;
  }
}
