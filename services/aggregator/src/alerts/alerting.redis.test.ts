import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  cellKey,
  createCalendar,
  emptyActivity,
  addTally,
  windowFor,
  windowOf,
  windowStartUs,
} from '@leastwise/activity';
import type { AuditEvent } from '@leastwise/audit-event';
import { createMetrics, createNullLog } from '@leastwise/runtime';
import { LogError, type OutgoingRecord } from '@leastwise/source';
import { type Deltas, Gathering } from '@leastwise/state';
import { NOTHING } from '@leastwise/state/conformance';
import { AlertMemory, connectRedis, closeRedis, type Connection, RedisStore } from '@leastwise/state-redis';
import {
  type AlertmanagerServer,
  freePort,
  lacksAlertmanager,
  lacksRedis,
  resolveRedis,
  startAlertmanager,
} from '@leastwise/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { createAlertMetrics } from './alert-metrics.ts';
import { type AlertingOptions, runAlerting } from './alerting.ts';
import { AlertmanagerError, sendAlerts } from './alertmanager.ts';

const isLacking = (await lacksRedis()) || (await lacksAlertmanager());
const calendar = createCalendar('UTC');
if (calendar === undefined) throw new Error('UTC is not known');

let redis: Awaited<ReturnType<typeof resolveRedis>>;
let connection: Connection;
let alertmanager: AlertmanagerServer;
let dir = '';
let prefix = '';
let run = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'leastwise-alerts-'));
  if (isLacking) return;
  redis = await resolveRedis();
  const { hostname, port } = new URL(redis?.url ?? '');
  connection = await connectRedis({ target: { host: hostname, port: Number(port) }, outageMs: 5000 });
  alertmanager = await startAlertmanager({ dir: join(dir, 'alertmanager') });
});
afterAll(async () => {
  if (!isLacking) {
    await closeRedis(connection);
    await redis?.[Symbol.asyncDispose]();
    await alertmanager.stop();
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
});
beforeEach(() => {
  run += 1;
  prefix = `lw-alerting-${process.pid}-${Date.now()}-${run}:`;
});

/** The cell of a subject's deletes of pods that were refused. */
function refusedDeletesOf(name: string): string {
  const subject = { kind: 'User', namespace: '', name } as const;
  const sender = { subject, client: 'kubectl' } as const;
  return cellKey({ verb: 'delete', resource: 'pods', outcome: 'denied', sender });
}

/** Somebody lists the secrets of all namespaces. */
const EVENT: AuditEvent = {
  ...{ auditID: 'a1', stage: 'ResponseComplete', requestURI: '/api/v1/secrets', verb: 'list', code: 200 },
  user: { username: 'mallory', uid: '', groups: ['system:authenticated'], extra: [] },
  ...{ impersonatedUser: undefined, userAgent: 'kubectl/v1.34.1', objectRef: undefined, statusMessage: '' },
  ...{ receivedAtUs: 0, decision: 'allow', reason: '', impersonationConstraint: '' },
};

interface Worker {
  /** Commits so many refused deletes of a user, so many minutes ago. */
  commit(subject: string, count: number, minutesAgo: number): Promise<void>;
  /** Commits what a worker makes of events of so many minutes ago, each of which somebody else's log could have. */
  commitEvents(events: readonly Partial<AuditEvent>[], minutesAgo: number): Promise<void>;
}

async function openWorker(cluster: string): Promise<Worker> {
  const store = new RedisStore(connection, { prefix, dedupeHours: 2 });
  const claim = await store.claim('audit/0');
  let at = 0;
  async function apply(deltas: Deltas): Promise<void> {
    const from = at === 0 ? '' : String(at);
    at += 1;
    expect(await store.applyBatch({ claim, from, to: String(at), deltas })).toBe('applied');
  }
  return {
    commitEvents: async (events, minutesAgo) => {
      const receivedAtUs = (Date.now() - minutesAgo * 60_000) * 1000;
      const options = { hasWindows: true, windowKinds: ['5m'], observe: { deniedAs: 'denied' } } as const;
      const gathering = new Gathering(claim, options);
      for (const event of events) gathering.add({ ...EVENT, receivedAtUs, ...event }, cluster);
      // The source has just gone past the window.
      const endUs = windowStartUs('5m', windowOf('5m', receivedAtUs) + 1);
      await apply({ ...gathering.take(), watermarks: new Map([[cluster, endUs + 15_000_000]]) });
    },
    commit: async (subject, count, minutesAgo) => {
      const us = (Date.now() - minutesAgo * 60_000) * 1000;
      const activity = emptyActivity(cluster);
      const window = windowFor(activity, '5m', windowOf('5m', us));
      const tally = { count, firstUs: us, lastUs: us };
      expect(addTally(window, refusedDeletesOf(subject), tally)).toBe(true);
      const deltas = {
        ...NOTHING,
        activity: new Map([[cluster, activity]]),
        // The source has just gone past the window.
        watermarks: new Map([[cluster, windowStartUs('5m', window.number + 1) + 15_000_000]]),
      };
      await apply(deltas);
    },
  };
}

interface Running {
  readonly topic: OutgoingRecord[];
  readonly metrics: () => Promise<string>;
  stop(): Promise<void>;
}

function start(
  more: Partial<AlertingOptions> = {},
  append?: (records: readonly OutgoingRecord[]) => void,
): Running {
  const topic: OutgoingRecord[] = [];
  const metrics = createMetrics();
  const stop = new AbortController();
  const parts = {
    connection,
    writer: {
      append: async (_topic: string, records: readonly OutgoingRecord[]) => {
        append?.(records);
        topic.push(...records);
      },
    },
    metrics: createAlertMetrics(metrics),
    log: createNullLog(),
    options: {
      prefix,
      owner: 'test',
      alertmanagers: [{ url: alertmanager.url, tokenFile: undefined, timeoutMs: 5000 }],
      topic: 'alerts',
      links: { generatorUrl: 'https://grafana.example/d/activity?var-cluster={cluster}' },
      calendar: calendar as NonNullable<typeof calendar>,
      everyMs: 50,
      leaseMs: 1000,
      outageMs: 5000,
      ...more,
    },
  };
  const ended = runAlerting(parts, stop.signal);
  return {
    topic,
    metrics: () => metrics.text(),
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error('not so within 15 s');
    await sleep(50);
  }
}

interface Shown {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

async function shown(cluster: string): Promise<readonly Shown[]> {
  const answer = await fetch(`${alertmanager.url}/api/v2/alerts`);
  return ((await answer.json()) as Shown[]).filter(({ labels }) => labels['cluster'] === cluster);
}

describe.skipIf(isLacking)('alerting', { timeout: 60_000 }, () => {
  test('tells Alertmanager and the topic of a burst, and ends by itself', async () => {
    const cluster = `a-${run}`;
    const worker = await openWorker(cluster);
    await worker.commit('mallory', 40, 12);
    await worker.commit('alice', 5, 0);
    const running = start();
    await until(async () => (await shown(cluster)).length > 0 && running.topic.length > 0);
    const [alert] = await shown(cluster);
    expect(alert?.labels).toEqual({
      alertname: 'LeastwiseRefusedBurst',
      cluster,
      detection: 'refused-burst',
      severity: 'warning',
      subject: 'mallory',
      about: 'delete',
    });
    expect(alert?.annotations['summary']).toBe('mallory, delete: 40 refused in 5 min; more than 10 are told');
    expect(alert?.generatorURL).toBe(`https://grafana.example/d/activity?var-cluster=${cluster}`);
    const minutes = (Date.parse(alert?.endsAt ?? '') - Date.parse(alert?.startsAt ?? '')) / 60_000;
    expect(minutes).toBe(65);
    expect(JSON.parse(String(running.topic[0]?.value))).toMatchObject({
      cluster,
      kind: 'refused',
      subject: { kind: 'User', name: 'mallory' },
      says: 'mallory, delete: 40 refused in 5 min; more than 10 are told',
    });
    const metrics = await running.metrics();
    expect(metrics).toContain('leastwise_alerts_total{kind="refused"} 1');
    expect(metrics).toContain('leastwise_alerting_leaders 1');
    expect(metrics).toMatch(/leastwise_alert_deliveries_total\{target="alertmanager",result="ok"\} [1-9]/);
    await running.stop();
  });

  test('tells at once of a grave detection in a single request, once an hour, and of no other', async () => {
    const cluster = `f-${run}`;
    const worker = await openWorker(cluster);
    const inPod = { auditID: 'a3', requestURI: '/api/v1/namespaces/shop/pods/a/portforward', verb: 'create' };
    const hostile = { auditID: 'a4', user: { ...EVENT.user, username: 'a\u001b[2J"\n' } };
    await worker.commitEvents([{}, {}, { auditID: 'a2' }, inPod, hostile], 6);
    const running = start();
    await until(async () => (await shown(cluster)).length > 1 && running.topic.length > 1);
    const alerts = await shown(cluster);
    const [alert] = alerts.filter(({ labels }) => labels['subject'] === 'mallory');
    expect(alert?.labels).toEqual({
      alertname: 'LeastwiseDetection',
      cluster,
      detection: 'D07',
      severity: 'critical',
      subject: 'mallory',
    });
    expect(alert?.annotations['summary']).toBe(
      'mallory: list secrets, all namespaces; 2 such in 5 min, the first has auditID a1',
    );
    expect(JSON.stringify(alerts)).not.toContain('\\u001b');
    expect(await running.metrics()).toContain('leastwise_alerts_total{kind="event"} 2');
    await running.stop();
    expect(running.topic).toHaveLength(2);
  });

  test('judges a window once, in one worker of all, and whoever takes over goes on', async () => {
    const cluster = `b-${run}`;
    const worker = await openWorker(cluster);
    await worker.commit('mallory', 40, 12);
    const [first, second] = [start(), start()];
    await until(() => first.topic.length + second.topic.length > 0);
    const leads = await Promise.all(
      [first, second].map(async ({ metrics }) => /leaders 1/.test(await metrics())),
    );
    expect(leads.filter(Boolean)).toHaveLength(1);
    const [leader, other] = leads[0] === true ? [first, second] : [second, first];
    await leader.stop();
    await worker.commit('oscar', 30, 6);
    await until(() => other.topic.length > 0);
    await other.stop();
    const said = [...first.topic, ...second.topic].map(
      ({ value }) => (JSON.parse(String(value)) as { says: string }).says,
    );
    expect(said).toEqual([
      'mallory, delete: 40 refused in 5 min; more than 10 are told',
      'oscar, delete: 30 refused in 5 min; more than 10 are told',
    ]);
  });

  test('writes nothing any more where another one has taken over, and claims again', async () => {
    const cluster = `c-${run}`;
    const worker = await openWorker(cluster);
    await worker.commit('mallory', 40, 12);
    const running = start();
    await until(() => running.topic.length === 1);
    // Somebody who believes to have the lease too.
    await new AlertMemory(connection, { prefix }).claim(cluster);
    await worker.commit('oscar', 30, 6);
    await until(() => running.topic.length === 2);
    await running.stop();
    const fields = [...(await new AlertMemory(connection, { prefix }).read(cluster)).keys()];
    expect(fields.filter((field) => field.startsWith('arefused'))).toHaveLength(2);
  });

  test('pages nobody for what was long ago, and remembers it', async () => {
    const cluster = `d-${run}`;
    const worker = await openWorker(cluster);
    await worker.commit('mallory', 40, 200);
    const running = start();
    const memory = new AlertMemory(connection, { prefix });
    const isFound = async (): Promise<boolean> =>
      [...(await memory.read(cluster)).keys()].some((each) => each.startsWith('a'));
    await until(isFound);
    await sleep(300);
    await running.stop();
    expect([await shown(cluster), running.topic]).toEqual([[], []]);
  });

  test('tells again what could not be told', async () => {
    const cluster = `e-${run}`;
    const worker = await openWorker(cluster);
    await worker.commit('mallory', 40, 12);
    const port = await freePort();
    let refusals = 0;
    const running = start(
      { alertmanagers: [{ url: `http://127.0.0.1:${port}`, tokenFile: undefined, timeoutMs: 1000 }] },
      () => {
        refusals += 1;
        if (refusals < 3) throw new LogError('unreachable', 'no broker');
      },
    );
    await until(() => running.topic.length === 1);
    expect(refusals).toBe(3);
    expect(await running.metrics()).toMatch(
      /deliveries_total\{target="alertmanager",result="failed"\} [1-9]/,
    );
    const late = await startAlertmanager({ dir: join(dir, 'late'), port });
    await until(
      async () => ((await (await fetch(`${late.url}/api/v2/alerts`)).json()) as unknown[]).length === 1,
    );
    await running.stop();
    await late.stop();
  });
});

describe('an Alertmanager', () => {
  test('gets the token of a file, and what it says is told', async () => {
    let answer = 200;
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(answer).end('bad alerts\n');
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, 'secret\n');
    const target = { url: `http://127.0.0.1:${port}/prefix`, tokenFile, timeoutMs: 1000 };
    await sendAlerts(target, []);
    expect(seen).toEqual(['Bearer secret']);
    answer = 400;
    await expect(sendAlerts(target, [])).rejects.toThrow(new AlertmanagerError('400 bad alerts\n'));
    server.close();
    server.closeAllConnections();
    await expect(sendAlerts(target, [])).rejects.toThrow(/ECONNREFUSED/);
    await expect(sendAlerts({ ...target, tokenFile: join(dir, 'none') }, [])).rejects.toThrow(/ENOENT/);
  });
});
