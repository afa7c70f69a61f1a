import { emptyActivity } from '@leastwise/activity';
import { createMetrics, createNullLog } from '@leastwise/runtime';
import { openEmbeddedStore } from '@leastwise/state';
import { auditEvent, auditEventLine, requestTarget, requestTo, START_US, userInfo } from '@leastwise/testkit';
import { describe, expect, it } from 'vitest';

import { AggregatorHandler, type AggregatorStore } from './handler.ts';
import { createAggregatorMetrics } from './metrics.ts';
import { RequestMetrics, TOP_REFUSED } from './request-metrics.ts';
import { alive, batchOf, OPTIONS, PARTITION, record } from './testing/parts.ts';

const HOUR_MS = 3_600_000;

interface Asked {
  readonly verb?: string;
  readonly resource?: string;
  readonly user?: string;
  readonly isDenied?: boolean;
  readonly userAgent?: string;
}

/** Lines of the log, each of a request of its own. */
function linesOf(asked: readonly Asked[], first = 0): string[] {
  return asked.map(({ verb = 'get', resource = 'pods', user = 'jane', isDenied = false, userAgent }, i) => {
    const target = requestTarget({ verb, resource, apiGroup: '', namespace: 'shop', name: 'x' });
    return auditEventLine(
      auditEvent({
        ...requestTo(target),
        auditID: `id-${String(first + i)}`,
        receivedAtUs: START_US + (first + i) * 1000,
        user: userInfo({ username: user }),
        ...(userAgent === undefined ? {} : { userAgent }),
        ...(isDenied ? { decision: 'forbid', code: 403, reason: '' } : {}),
      }),
    );
  });
}

/** An aggregator whose metrics can be read, and whose clock can be set. */
async function counting(faults: Partial<AggregatorStore> = {}) {
  const [metrics, clock] = [createMetrics(), { ms: 0 }];
  const store = await openEmbeddedStore({ identityKey: '00112233445566ff' });
  const handler = new AggregatorHandler({
    store: {
      claim: (source) => store.claim(source),
      applyBatch: (batch) => store.applyBatch(batch),
      release: () => undefined,
      ...faults,
    },
    writer: { append: async () => undefined },
    metrics: createAggregatorMetrics(metrics, () => clock.ms),
    log: createNullLog(),
    options: OPTIONS,
  });
  let offset = 0;
  const take = async (lines: readonly string[]): Promise<void> => {
    await handler.claim(PARTITION);
    await handler.take(batchOf(lines.map((line) => record(offset++, line))), alive);
  };
  /** Series that are not 0, by their labels. */
  const series = async (name: string): Promise<Record<string, number>> => {
    const found = [
      ...(await metrics.text()).matchAll(new RegExp(`^leastwise_${name}\\{(.*)\\} (.+)$`, 'gm')),
    ];
    const entries = found.map(([, labels = '', value]): [string, number] => [labels, Number(value)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== 0));
  };
  return { take, series, clock, text: () => metrics.text() };
}

describe('requests in the metrics of an aggregator', () => {
  it('are counted by what they do and what came of them, whoever sent them', async () => {
    const { take, series } = await counting();
    const asked = [
      { user: 'jane' },
      { user: 'john', resource: 'secrets' },
      { verb: 'delete', isDenied: true },
      { verb: 'delete', isDenied: true, user: 'john' },
      { verb: 'patch' },
    ];
    await take(linesOf(asked));
    expect(await series('requests_total')).toEqual({
      'verb="read",outcome="allowed",cluster="default"': 2,
      'verb="update",outcome="allowed",cluster="default"': 1,
      'verb="delete",outcome="denied",cluster="default"': 2,
    });
  });

  it('are counted once, though they come again', async () => {
    const { take, series } = await counting();
    await take(linesOf([{}, {}]));
    await take(linesOf([{}, {}, {}]));
    expect(await series('requests_total')).toEqual({ 'verb="read",outcome="allowed",cluster="default"': 3 });
  });

  it('are counted when they are stored, not before', async () => {
    const { take, series } = await counting({ applyBatch: async () => 'stale' });
    await take(linesOf([{}]));
    expect(await series('requests_total')).toEqual({});
  });

  it('of kubectl are counted apart, too', async () => {
    const { take, series } = await counting();
    await take(linesOf([{ userAgent: 'kubectl/v1.34.0' }, { userAgent: 'curl/8.0' }]));
    expect(await series('kubectl_requests_total')).toEqual({
      'verb="read",outcome="allowed",cluster="default"': 1,
    });
    expect(await series('requests_total')).toEqual({ 'verb="read",outcome="allowed",cluster="default"': 2 });
  });

  it('begin at 0 for each class when their cluster is met, so that a first refusal is a rise', async () => {
    const { take, text } = await counting();
    await take(linesOf([{}]));
    expect(await text()).toContain(
      'leastwise_requests_total{verb="delete",outcome="denied",cluster="default"} 0\n',
    );
  });

  it('of more clusters than have series of their own are those of others', async () => {
    const metrics = createMetrics();
    const requests = new RequestMetrics(metrics, () => 0);
    const names = Array.from({ length: 150 }, (_, i) => `cluster-${String(i)}`);
    requests.add(new Map(names.map((name) => [name, emptyActivity(name)])));
    const found = [...(await metrics.text()).matchAll(/^leastwise_requests_total.*cluster="([^"]+)"/gm)];
    const clusters = new Set(found.map(([, name]) => name));
    expect([...clusters]).toEqual([...names.slice(0, 100), 'other']);
  });

  it('bring no name of an event into any label', async () => {
    const { take, text } = await counting();
    const user = 'xx-attacker-xx';
    await take(linesOf([{ user, resource: user, verb: user, userAgent: user, isDenied: true }, { user }]));
    expect(await text()).not.toContain(user);
    expect(await text()).toContain('verb="other"');
  });
});

describe('the kinds of requests that are refused most', () => {
  const denied = (count: number, more: Asked): Asked[] =>
    Array.from({ length: count }, () => ({ ...more, isDenied: true }));

  it('are shown with their numbers, those of the last hour alone', async () => {
    const { take, series, clock } = await counting();
    await take(linesOf([...denied(3, { verb: 'delete' }), ...denied(1, { resource: 'secrets' }), {}]));
    expect(await series('top_refused_requests')).toEqual({
      'verb="delete",resource="pods",cluster="default"': 3,
      'verb="read",resource="secrets",cluster="default"': 1,
    });
    clock.ms = HOUR_MS / 2;
    await take(linesOf(denied(2, { verb: 'delete' }), 100));
    expect(await series('top_refused_requests')).toMatchObject({
      'verb="delete",resource="pods",cluster="default"': 5,
    });
    clock.ms = HOUR_MS;
    expect(await series('top_refused_requests')).toEqual({
      'verb="delete",resource="pods",cluster="default"': 2,
    });
    clock.ms = 2 * HOUR_MS;
    expect(await series('top_refused_requests')).toEqual({});
  });

  it('are few: the rest of many is not shown', async () => {
    const { take, series } = await counting();
    const resources = ['pods', 'secrets', 'configmaps', 'nodes', 'namespaces', 'serviceaccounts'];
    const kinds = resources.flatMap((resource) => [
      { resource, verb: 'get' },
      { resource, verb: 'delete' },
    ]);
    await take(linesOf([...kinds.flatMap((kind) => denied(1, kind)), ...denied(1, kinds.at(-1) ?? {})]));
    const shown = await series('top_refused_requests');
    expect(Object.keys(shown)).toHaveLength(TOP_REFUSED);
    expect(shown).toMatchObject({ 'verb="delete",resource="serviceaccounts",cluster="default"': 2 });
  });
});
