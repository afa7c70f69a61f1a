import type { ClusterState } from '@leastwise/rbac';

import type { ObservedActivity } from './activity-reports.ts';
import type { ObservedState } from './types.ts';

/** What of a store is read to publish: `SubjectStore` of the port `state` is one. */
export interface ObservableStore {
  facts(): Promise<{ readonly late: number; readonly lost: number }>;
  read(): Promise<readonly ClusterState[]>;
  whole(): Promise<{
    readonly clusters: readonly ClusterState[];
    readonly activity: ObservedActivity['states'];
  }>;
}

/** What of a state is asked for besides evidence. */
export interface WantedState {
  readonly hasActivity: boolean;
  /** Absent where nobody looks for what is unusual. */
  readonly findings?: () => Promise<ObservedActivity['findings']>;
}

/** All that a store knows, at one moment. @throws what the store does */
export async function observedState(
  store: ObservableStore,
  { hasActivity, findings }: WantedState,
): Promise<ObservedState> {
  const { late, lost } = await store.facts();
  if (!hasActivity) return { clusters: await store.read(), late, lost };
  const { clusters, activity } = await store.whole();
  return { clusters, late, lost, activity: { states: activity, findings: await findings?.() } };
}
