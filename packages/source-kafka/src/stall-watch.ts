import type { PartitionProgress } from '@leastwise/source';
import { partitionName } from '@leastwise/source';

/** Notices partitions that have records which do not come in. */
export interface StallWatch {
  /**
   * Looks at a partition again.
   * @param isWaiting - whether whoever reads it has nothing to do but to wait for records
   * @returns whether it has stood still for too long
   */
  isStuck(progress: PartitionProgress, isWaiting: boolean): boolean;
}

/** Everything that stands still for `afterMs` though there is more to read is stuck. */
export function createStallWatch(afterMs: number, now: () => number = Date.now): StallWatch {
  const since = new Map<string, { readonly position: number; readonly at: number }>();
  return {
    isStuck({ partition, position, end }, isWaiting) {
      const name = partitionName(partition);
      if (!isWaiting || end <= position) {
        since.delete(name);
        return false;
      }
      const begun = since.get(name);
      if (begun?.position === position) return now() - begun.at >= afterMs;
      since.set(name, { position, at: now() });
      return false;
    },
  };
}
