import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import {
  addGauges,
  AggregatorHandler,
  createAggregatorMetrics,
  createAlertMetrics,
} from '@leastwise/aggregator';
import { AuditorMetrics } from '@leastwise/auditor';
import { catalogue } from '@leastwise/findings';
import { violationObjects } from '@leastwise/kube';
import { PublisherMetrics } from '@leastwise/publisher';
import { createMetrics, createNullLog, type Metrics } from '@leastwise/runtime';
import { openEmbeddedStore } from '@leastwise/state';
import { auditEvent, auditEventLine, requestTarget, requestTo, userInfo } from '@leastwise/testkit';

/** Whose requests the exporters count: no label may have it. */
export const PERSON = 'xx-somebody-xx';
/** The cluster of everything. */
export const CLUSTER = 'prod';

/** The metrics of a service as it makes them, and something that makes them move. */
export interface Exporter {
  readonly metrics: Metrics;
  readonly drive: () => Promise<void>;
}

const PARTITION = { topic: 'audit-events', partition: 0 };

/** The metrics of an aggregator that reads requests of kubectl, some of them refused. */
export async function aggregatorExporter(): Promise<Exporter> {
  const metrics = createMetrics();
  const own = createAggregatorMetrics(metrics);
  const alerts = createAlertMetrics(metrics);
  const store = await openEmbeddedStore({ identityKey: '00112233445566ff' });
  const handler = new AggregatorHandler({
    store: {
      // As Redis does, and the embedded store does not: then a cluster has a newest event.
      claim: async (source) => ({ ...(await store.claim(source)), dedupeHours: 2 }),
      applyBatch: (batch) => store.applyBatch(batch),
      release: () => undefined,
    },
    writer: { append: async () => undefined },
    metrics: own,
    log: createNullLog(),
    options: {
      cluster: { name: CLUSTER, header: undefined, topicPattern: undefined, field: undefined },
      ...{ skewMs: 300_000, keyedSuffix: '-keyed', deadLetterTopic: 'dead', deadLetterBytes: 1000 },
      dedupeHours: 2,
      now: Date.now,
      patience: { baseMs: 1, maxMs: 2, totalMs: 50 },
    },
  });
  await handler.claim(PARTITION);
  addGauges(
    metrics,
    { progress: () => [{ partition: PARTITION, position: offset, end: offset + 7 }] },
    handler,
  );
  let offset = 0;
  const drive = async (): Promise<void> => {
    const lines = [lineOf(offset, 'get'), lineOf(offset + 1, 'delete'), '{'];
    const records = lines.map((line, i) => ({
      offset: offset + i,
      timestampMs: Date.now(),
      key: Buffer.from(`id-${String(offset + i)}`),
      value: Buffer.from(line),
      headers: new Map<string, Uint8Array>(),
    }));
    const [from, to] = [offset, offset + lines.length];
    offset = to;
    await handler.take({ partition: PARTITION, from, records, to, end: to }, async () => undefined);
    for (const kind of ['spike', 'hours', 'refused']) alerts.alerts.inc({ kind });
    alerts.closedWindows.inc();
    alerts.deliveries.inc({ target: 'alertmanager', result: 'ok' });
    alerts.isLeading.set(1);
    alerts.lastLook.set(Date.now() / 1000);
  };
  return { metrics, drive };
}

/** Deletes are refused. */
function lineOf(n: number, verb: string): string {
  const target = requestTarget({ verb, resource: 'pods', namespace: 'shop', name: PERSON });
  return auditEventLine(
    auditEvent({
      ...requestTo(target),
      auditID: `id-${String(n)}`,
      receivedAtUs: Date.now() * 1000,
      user: userInfo({ username: PERSON }),
      ...(verb === 'delete' ? { decision: 'forbid', code: 403, reason: '' } : {}),
    }),
  );
}

/** The metrics of a publisher whose cycles succeed, and change nothing. */
export function publisherExporter(): Exporter {
  const metrics = createMetrics();
  const own = new PublisherMetrics(metrics, () => true);
  const drive = async (): Promise<void> => {
    own.count('done', Date.now());
    own.time(
      new Map([
        ['infer', 0.1],
        ['verify', 0.2],
      ]),
    );
    own.countReports([{ result: 'unchanged' }]);
    own.tellScores(CLUSTER, [{ score: 70, severity: 'Yellow' }]);
    own.tell(
      {
        ...{ plan: { actions: [] }, proposals: [], outcomes: [], failures: [] },
        ...{ problems: [], issues: [], comments: [], policies: new Map(), scores: new Map() },
        ...{ withheld: new Map(), waiting: new Map() },
      },
      'main',
    );
  };
  return { metrics, drive };
}

/** The metrics of an auditor of a cluster with one violation. */
export function auditorExporter(): Exporter {
  const metrics = createMetrics();
  const own = new AuditorMetrics(metrics, () => new Map([[CLUSTER, true]]));
  const object = { kind: 'ClusterRoleBinding', name: 'ci-admin' };
  const finding = {
    check: 'R009',
    severity: 'HIGH' as const,
    message: 'm',
    object,
    paths: [],
    key: 'ci-admin',
  };
  const checks = new Map(catalogue().map((info) => [info.id, info]));
  const violations = violationObjects([finding], { catalogue: checks, ownersOf: () => [] });
  const drive = async (): Promise<void> => {
    own.audited(CLUSTER, { scanned: { bindings: 3, roles: 2 } }, 0.1);
    own.confirmed(CLUSTER, Date.now());
    own.standing(CLUSTER, violations);
    for (const violation of violations) own.opened(violation);
    own.failed(CLUSTER, 'forbidden');
    own.policyProblems(CLUSTER, 0);
  };
  return { metrics, drive };
}

/** Serves metrics as a service does; they move with every scrape. */
export async function serveMetrics({
  metrics,
  drive,
}: Exporter): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((_, response) => {
    drive()
      .then(() => metrics.text())
      .then(
        (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
