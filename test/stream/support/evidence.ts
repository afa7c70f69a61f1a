import { RecordReader } from '@leastwise/audit-event';
import type { ClusterState } from '@leastwise/rbac';
import { Gathering, openEmbeddedStore } from '@leastwise/state';

/** What one clean reading of the distinct lines gives. */
export async function embedded(lines: readonly string[]): Promise<readonly ClusterState[]> {
  await using store = await openEmbeddedStore();
  const claim = await store.claim('log');
  const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' } });
  const reader = new RecordReader({
    event: (event) => gathering.add(event, 'default'),
    skipped: () => undefined,
    bad: () => undefined,
  });
  reader.push(Buffer.from(`${lines.join('\n')}\n`));
  reader.end();
  await store.applyBatch({ claim, from: '', to: '1', deltas: gathering.take() });
  return await store.read();
}

/** The key that a shipper gives a line. */
export function auditIDOf(line: string): string {
  return /"auditID":"([^"]*)"/.exec(line)?.[1] ?? '';
}
