import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { dashboard, p99, rateBy, row, stat, timeseries } from './panels.ts';

/** By which a process is one of ours, whatever the jobs of a Prometheus are called. */
const OURS =
  'on (instance) (leastwise_assigned_partitions or leastwise_publisher_held_leases or rbac_last_audit_timestamp)';

/** Whether events come in, are read, stored and judged. */
export function pipelineHealth(): DashboardBuilder {
  const builder = dashboard({
    name: 'pipeline-health',
    title: 'Pipeline health',
    description: 'Whether audit events come in, are read, stored and judged.',
  });
  addNow(builder);
  addReading(builder);
  addTrouble(builder);
  addAlerting(builder);
  addProcesses(builder);
  return builder;
}

function addNow(builder: DashboardBuilder): void {
  builder
    .withRow(row('Now'))
    .withPanel(
      stat({
        title: 'Waiting records',
        description: 'Records in Kafka that are not in the state yet.',
        queries: { waiting: 'sum(leastwise_lag_records)' },
        ...{ unit: 'short', span: 6, warnings: { yellow: 10_000, red: 100_000 } },
      }),
    )
    .withPanel(
      stat({
        title: 'Most silent cluster',
        description: 'How old the newest event of the cluster is from which nothing has come for longest.',
        queries: { '{{cluster}}': 'topk(1, min by (cluster) (leastwise_last_event_age_seconds))' },
        ...{ unit: 's', span: 6, warnings: { yellow: 300, red: 900 } },
      }),
    )
    .withPanel(
      stat({
        title: 'Partitions that are read',
        description: 'Fewer than the topics have means that some wait for an aggregator.',
        queries: { partitions: 'sum(leastwise_assigned_partitions)' },
        ...{ unit: 'short', span: 6 },
      }),
    )
    .withPanel(
      stat({
        title: 'Processes that close windows',
        description: 'One, where somebody is to be told of alerts.',
        queries: { leaders: 'sum(leastwise_alerting_leaders)' },
        ...{ unit: 'short', span: 6 },
      }),
    );
}

function addReading(builder: DashboardBuilder): void {
  builder
    .withRow(row('Reading'))
    .withPanel(
      timeseries({
        title: 'Lag by partition',
        description: 'One that only rises while others fall is not read: the log names it.',
        queries: { '{{topic}}/{{partition}}': 'max by (topic, partition) (leastwise_lag_records)' },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Age of the newest event',
        description: 'A rise means that a shipper is silent.',
        queries: { '{{cluster}}': 'min by (cluster) (leastwise_last_event_age_seconds)' },
        ...{ unit: 's', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Records',
        description: 'Records read, and their bytes.',
        queries: {
          records: 'sum(rate(leastwise_records_total[$__rate_interval]))',
          bytes: 'sum(rate(leastwise_record_bytes_total[$__rate_interval]))',
        },
        ...{ unit: 'short', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Events by what became of them',
        description: 'Much of late means that a shipper was away; much of repeated, that it sends copies.',
        queries: { '{{outcome}}': rateBy('outcome', 'leastwise_events_total') },
        ...{ unit: 'reqps', span: 8, isStacked: true },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Time of batches, commits and claims (99 %)',
        description: 'A rise means slow Redis, slow Kafka, a busy processor, or a state that has grown.',
        queries: {
          batch: p99('leastwise_batch_seconds'),
          commit: p99('leastwise_commit_seconds'),
          claim: p99('leastwise_claim_seconds'),
        },
        ...{ unit: 's', span: 8 },
      }),
    );
}

function addTrouble(builder: DashboardBuilder): void {
  builder
    .withRow(row('Trouble'))
    .withPanel(
      timeseries({
        title: 'Dead letters',
        description: 'Something other than audit events is sent, or damage.',
        queries: { '{{reason}}': rateBy('reason', 'leastwise_dead_letters_total') },
        ...{ unit: 'reqps', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Setbacks',
        description: 'Batches that the state did not take. Steady ones mean a struggle for partitions.',
        queries: { '{{reason}}': rateBy('reason', 'leastwise_setbacks_total') },
        ...{ unit: 'reqps', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Lost records, and events without a key',
        description: 'Any lost record is a gap in the evidence. Events without a key cost twice the traffic.',
        queries: {
          lost: 'sum(rate(leastwise_lost_records_total[$__rate_interval]))',
          'without a key': 'sum(rate(leastwise_rekeyed_events_total[$__rate_interval]))',
        },
        ...{ unit: 'reqps', span: 8 },
      }),
    );
}

function addAlerting(builder: DashboardBuilder): void {
  builder
    .withRow(row('Alerting'))
    .withPanel(
      timeseries({
        title: 'Since windows were looked at',
        description: 'A rise means that nobody is told of anything.',
        queries: { age: 'time() - max(leastwise_alerting_last_look_timestamp_seconds > 0)' },
        ...{ unit: 's', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Windows closed, and what was not judged',
        description: 'Kinds of requests are left aside where there are too many.',
        queries: {
          windows: 'sum(rate(leastwise_closed_windows_total[$__rate_interval]))',
          'not judged': 'sum(rate(leastwise_unjudged_series_total[$__rate_interval]))',
        },
        ...{ unit: 'short', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Deliveries of alerts',
        description: 'Failed ones mean that nobody is told.',
        queries: { '{{target}} {{result}}': rateBy('target, result', 'leastwise_alert_deliveries_total') },
        ...{ unit: 'reqps', span: 8 },
      }),
    );
}

function addProcesses(builder: DashboardBuilder): void {
  builder
    .withRow(row('Processes'))
    .withPanel(
      timeseries({
        title: 'Memory',
        description: 'Of every aggregator, publisher and auditor.',
        queries: { '{{instance}}': `process_resident_memory_bytes and ${OURS}` },
        ...{ unit: 'bytes', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Delay of the event loop (99 %)',
        description: 'A rise means that a process has more to do than it can.',
        queries: { '{{instance}}': `nodejs_eventloop_lag_p99_seconds and ${OURS}` },
        ...{ unit: 's', span: 12 },
      }),
    );
}
