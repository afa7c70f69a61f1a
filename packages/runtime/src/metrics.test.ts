import { expect, test } from 'vitest';

import { createMetrics } from './index.ts';
import type { Metrics } from './index.ts';

async function series(metrics: Metrics, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line.startsWith(name)).sort();
}

test('a counter begins at 0 for every combination of its closed labels', async () => {
  const metrics = createMetrics();
  const labels = { reason: ['late', 'torn'], kind: ['a', 'b'] } as const;
  const counter = metrics.counter({ name: 'leastwise_bad_records_total', help: 'Bad records.', labels });
  counter.inc({ reason: 'torn', kind: 'b' }, 5);
  counter.inc({ reason: 'torn', kind: 'b' });
  expect(await series(metrics, 'leastwise_bad_records_total')).toEqual([
    'leastwise_bad_records_total{reason="late",kind="a"} 0',
    'leastwise_bad_records_total{reason="late",kind="b"} 0',
    'leastwise_bad_records_total{reason="torn",kind="a"} 0',
    'leastwise_bad_records_total{reason="torn",kind="b"} 6',
  ]);
});

test('a value that is not in the list is refused by the compiler, and counted as other', async () => {
  const metrics = createMetrics();
  const name = 'leastwise_bad_records_total';
  const counter = metrics.counter({ name, help: 'Bad.', labels: { reason: ['late'] } });
  // @ts-expect-error -- not in the list
  counter.inc({ reason: 'evil"} 1\nx' });
  // @ts-expect-error -- missing
  counter.inc({});
  // @ts-expect-error -- a counter with labels needs them
  counter.inc();
  // @ts-expect-error -- no such label
  counter.inc({ reason: 'late', user: 'eve' });
  expect(await series(metrics, name)).toEqual([`${name}{reason="late"} 1`, `${name}{reason="other"} 3`]);
});

test('open labels have a cap, and the rest is other', async () => {
  const metrics = createMetrics();
  const name = 'leastwise_events_total';
  const openLabels = { cluster: { max: 2 } };
  const counter = metrics.counter({ name, help: 'Events.', labels: { decision: ['allow'] }, openLabels });
  for (const cluster of ['a', 'x'.repeat(1000), 'b', 'c', 'd', 'a'])
    counter.inc({ decision: 'allow', cluster });
  expect(await series(metrics, name)).toEqual([
    `${name}{decision="allow",cluster="a"} 2`,
    `${name}{decision="allow",cluster="b"} 1`,
    `${name}{decision="allow",cluster="other"} 3`,
  ]);
});

test('gauges are set or asked, and forget what is gone', async () => {
  const metrics = createMetrics();
  const openLabels = { partition: { max: 1 } };
  let partition = '1';
  metrics.gauge({
    name: 'leastwise_lag_events',
    help: 'Lag.',
    openLabels,
    collect: async (gauge) => {
      gauge.reset();
      gauge.set({ partition }, 7);
    },
  });
  const plain = metrics.gauge({ name: 'leastwise_state_bytes', help: 'State.' });
  plain.set(3);
  expect(await series(metrics, 'leastwise_lag_events')).toEqual(['leastwise_lag_events{partition="1"} 7']);
  partition = '2';
  expect(await series(metrics, 'leastwise_lag_events')).toEqual(['leastwise_lag_events{partition="2"} 7']);
  expect(await series(metrics, 'leastwise_state_bytes')).toEqual(['leastwise_state_bytes 3']);
});

test('histograms observe', async () => {
  const metrics = createMetrics();
  const options = { name: 'leastwise_batch_seconds', help: 'Batches.', buckets: [1, 2] };
  metrics.histogram(options).observe(1.5);
  const labelled = metrics.histogram({
    name: 'leastwise_redis_seconds',
    help: 'Redis.',
    labels: { command: ['commit'] },
    buckets: [1],
  });
  labelled.observe({ command: 'commit' }, 0.5);
  expect(await series(metrics, 'leastwise_batch_seconds')).toEqual([
    'leastwise_batch_seconds_bucket{le="+Inf"} 1',
    'leastwise_batch_seconds_bucket{le="1"} 0',
    'leastwise_batch_seconds_bucket{le="2"} 1',
    'leastwise_batch_seconds_count 1',
    'leastwise_batch_seconds_sum 1.5',
  ]);
  expect(await series(metrics, 'leastwise_redis_seconds_count')).toEqual([
    'leastwise_redis_seconds_count{command="commit"} 1',
  ]);
});

test('each registry stands alone, and has the process in it', async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  for (const metrics of [one, two])
    metrics.counter({ name: 'leastwise_events_total', help: 'Events.' }).inc(2);
  expect(await series(one, 'leastwise_events_total')).toEqual(['leastwise_events_total 2']);
  expect(await series(two, 'process_cpu_seconds_total')).toHaveLength(1);
});

test('names tell kind and unit', () => {
  const metrics = createMetrics({ prefix: 'leastwise_aggregator_' });
  const counter = (name: string) => () => metrics.counter({ name, help: 'x' });
  const gauge = (name: string) => () => metrics.gauge({ name, help: 'x' });
  const histogram = (name: string) => () => metrics.histogram({ name, help: 'x' });
  const wrong = [
    counter('leastwise_events_total'),
    counter('leastwise_aggregator_events'),
    counter('leastwise_aggregator_events2_total'),
    counter('leastwise_aggregator_eventsTotal'),
    gauge('leastwise_aggregator_events_total'),
    gauge('leastwise_aggregator_lag'),
    gauge('leastwise_aggregator_lag_ms'),
    histogram('leastwise_aggregator_batch_info'),
  ];
  for (const make of wrong.slice(0, 6)) expect(make).toThrow('no name for a');
  expect(wrong[7]).toThrow('no name for a histogram');
  const right = [
    counter('leastwise_aggregator_events_total'),
    gauge('leastwise_aggregator_partitions'),
    gauge('leastwise_aggregator_lag_seconds'),
    gauge('leastwise_aggregator_build_info'),
    histogram('leastwise_aggregator_batch_bytes'),
  ];
  for (const make of right) expect(make).not.toThrow();
  expect(right[0]).toThrow('already been registered');
});

test('labels that cannot be are bugs', () => {
  const metrics = createMetrics();
  const many = Array.from({ length: 40 }, (_, index) => String(index));
  const labels: Record<string, string[]>[] = [
    { le: ['a'] },
    { 'a-b': ['a'] },
    { a: [] },
    { a: many, b: many },
  ];
  for (const each of labels) {
    expect(() => metrics.counter({ name: 'leastwise_x_total', help: 'x', labels: each })).toThrow('label');
  }
  const both = { labels: { a: ['b'] }, openLabels: { a: { max: 1 } } };
  expect(() => metrics.counter({ name: 'leastwise_x_total', help: 'x', ...both })).toThrow('both');
});
