import { type ClusterState, emptyCluster, mergeCluster } from '@leastwise/rbac';

import { segmentField } from './field-names.ts';

/** A fold costs a write for each cell that changed, so it is to be rare; and whoever loads a partition reads what is left. */
export interface FoldLimits {
  readonly segments: number;
  readonly bytes: number;
}

/** What is folded at the latest: a minute's commits of a busy partition, or what takes a moment to load. */
export const FOLD_LIMITS: FoldLimits = { segments: 64, bytes: 16_000_000 };

/** What segments add to the clusters that stand in fields. */
export class Unfolded {
  readonly clusters = new Map<string, ClusterState>();
  readonly #revisions: number[] = [];
  #bytes = 0;

  /** Adds a segment. What it holds stays as it is. */
  add(revision: number, clusters: ReadonlyMap<string, ClusterState>, bytes: number): void {
    this.#revisions.push(revision);
    this.#bytes += bytes;
    for (const [name, delta] of clusters) {
      const known = this.clusters.get(name) ?? emptyCluster(name);
      this.clusters.set(name, known);
      mergeCluster(known, delta);
    }
  }

  /** The fields that the segments stand in. */
  get fields(): readonly string[] {
    return this.#revisions.map(segmentField);
  }

  /** Whether another segment would be too many. */
  isFull({ segments, bytes }: FoldLimits): boolean {
    return this.#revisions.length >= segments || this.#bytes >= bytes;
  }
}
