import { expect, test } from 'vitest';

import { recordEvent } from './cluster-event.ts';
import { FakeCluster, fakeWaiting } from './testing/fake-cluster.ts';

test('an event of a cluster-scoped object is kept in the namespace default, and what it says is bounded', async () => {
  const cluster = new FakeCluster();
  const writing = { cluster, waiting: fakeWaiting(), fieldManager: 'auditor' };
  const regarding = { apiVersion: 'v1', kind: 'ClusterRoleBinding', name: 'System:Odd_Name' };
  const event = { regarding, type: 'Warning', reason: 'R', action: 'A', note: 'x'.repeat(5000) } as const;
  await recordEvent(writing, 'leastwise.dev/auditor', event);
  await recordEvent(writing, 'leastwise.dev/auditor', {
    ...event,
    regarding: { ...regarding, namespace: 'shop' },
  });
  const [first, second] = cluster.writes;
  expect(first).toMatch(
    /^PATCH \/apis\/events\.k8s\.io\/v1\/namespaces\/default\/events\/system-odd-name\.[0-9a-f]{16}$/,
  );
  expect(second).toContain('/namespaces/shop/events/');
  const sent: unknown = JSON.parse(cluster.sent[0]?.body?.text ?? '');
  expect(sent).toMatchObject({ reportingController: 'leastwise.dev/auditor', regarding, type: 'Warning' });
  expect(sent).toHaveProperty('note', `${'x'.repeat(1023)}…`);
});
