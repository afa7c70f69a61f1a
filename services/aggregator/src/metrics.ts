import type { BadReason, SkipReason } from '@leastwise/audit-event';
import type { Counter, Histogram, Metrics } from '@leastwise/runtime';
import type { Gathered } from '@leastwise/state';

import { RequestMetrics } from './request-metrics.ts';

/** Why a record became a dead letter. */
export type DeadReason = BadReason | 'empty';

const OUTCOMES = [
  ...(['counted', 'denied', 'repeated', 'late'] satisfies Gathered[]),
  ...([
    'not-an-audit-event',
    'core-event',
    'admission-review',
    'gke-other-service',
    'other-log-stream',
    'blank',
    'filtered',
    'request-received',
    'unauthenticated',
    'impersonation-refused',
    'undecided',
    'throttled',
    'unattributable',
  ] satisfies SkipReason[]),
] as const;

const DEAD_REASONS = [
  'invalid-json',
  'truncated',
  'too-large',
  'wrong-encoding',
  'invalid-yaml',
  'invalid-field',
  'no-timestamp',
  'future',
  'unknown-version',
  'invalid-compression',
  'empty',
] as const satisfies DeadReason[];

const SETBACKS = ['fenced', 'stale', 'outage'] as const;

/** What an aggregator counts. */
export interface AggregatorMetrics {
  readonly records: Counter<object>;
  readonly bytes: Counter<object>;
  readonly events: Counter<{ outcome: string }>;
  readonly deadLetters: Counter<{ reason: string }>;
  readonly rekeyed: Counter<object>;
  readonly lost: Counter<object>;
  readonly setbacks: Counter<{ reason: string }>;
  readonly batchSeconds: Histogram<object>;
  readonly commitSeconds: Histogram<object>;
  readonly claimSeconds: Histogram<object>;
  readonly requests: RequestMetrics;
}

/**
 * Makes the metrics of an aggregator.
 * @param now - milliseconds since the epoch
 */
export function createAggregatorMetrics(metrics: Metrics, now: () => number = Date.now): AggregatorMetrics {
  return {
    requests: new RequestMetrics(metrics, now),
    records: metrics.counter({
      name: 'leastwise_records_total',
      help: 'Records read. No rise while lag grows means that nothing is read.',
    }),
    bytes: metrics.counter({ name: 'leastwise_record_bytes_total', help: 'Bytes of the records read.' }),
    events: metrics.counter({
      name: 'leastwise_events_total',
      help: 'Audit events by what became of them. A rise of late means that a shipper was away for long.',
      labels: { outcome: OUTCOMES },
    }),
    deadLetters: metrics.counter({
      name: 'leastwise_dead_letters_total',
      help: 'Records that could not be read. A rise means that something other than audit events is sent, or damage.',
      labels: { reason: DEAD_REASONS },
    }),
    rekeyed: metrics.counter({
      name: 'leastwise_rekeyed_events_total',
      help: 'Events produced again, one by one and with a key. A rise means that a shipper sends none.',
    }),
    lost: metrics.counter({
      name: 'leastwise_lost_records_total',
      help: 'Records that Kafka had removed before they were read. Any rise is a gap in the evidence.',
    }),
    setbacks: metrics.counter({
      name: 'leastwise_setbacks_total',
      help: 'Batches that the state did not take, read again from where it is. A steady rise means a struggle for partitions.',
      labels: { reason: SETBACKS },
    }),
    batchSeconds: metrics.histogram({
      name: 'leastwise_batch_seconds',
      help: 'Time from a batch to its commit. A rise means slow Redis, slow Kafka or a busy processor.',
    }),
    commitSeconds: metrics.histogram({
      name: 'leastwise_commit_seconds',
      help: 'Time of a commit. A rise means slow Redis.',
    }),
    claimSeconds: metrics.histogram({
      name: 'leastwise_claim_seconds',
      help: 'Time to take a partition over. A rise means that its state has grown.',
    }),
  };
}
