import { RecordReader } from '@leastwise/audit-event';
import { type ActivityState, talliesOf } from '@leastwise/activity';
import type { ClusterState } from '@leastwise/rbac';
import { Gathering, openEmbeddedStore, type SubjectStore } from '@leastwise/state';

/** What a store holds, in a form that can be compared. */
export interface Evidence {
  readonly clusters: readonly ClusterState[];
  readonly windows: readonly unknown[];
}

function plain(activity: readonly ActivityState[]): unknown[] {
  return activity.map(({ cluster, windows }) => [
    cluster,
    [...windows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, window]) => [key, [...talliesOf(window)].sort()]),
  ]);
}

/** Everything that a store knows. */
export async function evidenceIn(store: Pick<SubjectStore, 'read' | 'activity'>): Promise<Evidence> {
  return { clusters: await store.read(), windows: plain(await store.activity()) };
}

/** What one clean reading of the distinct lines gives. */
export async function embedded(lines: readonly string[]): Promise<Evidence> {
  await using store = await openEmbeddedStore();
  const claim = await store.claim('log');
  const gathering = new Gathering(claim, { hasWindows: true, observe: { deniedAs: 'denied' } });
  const reader = new RecordReader({
    event: (event) => gathering.add(event, 'default'),
    skipped: () => undefined,
    bad: () => undefined,
  });
  reader.push(Buffer.from(`${lines.join('\n')}\n`));
  reader.end();
  await store.applyBatch({ claim, from: '', to: '1', deltas: gathering.take() });
  return await evidenceIn(store);
}

/** The key that a shipper gives a line. */
export function auditIDOf(line: string): string {
  return /"auditID":"([^"]*)"/.exec(line)?.[1] ?? '';
}
