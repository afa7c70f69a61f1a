import { WINDOW_FINDING_KINDS } from '@leastwise/activity';
import type { Counter, Gauge, Metrics } from '@leastwise/runtime';

const TARGETS = ['alertmanager', 'topic'] as const;
const RESULTS = ['ok', 'failed'] as const;

/** What the one worker that closes windows counts. */
export interface AlertMetrics {
  readonly closedWindows: Counter<object>;
  readonly alerts: Counter<{ kind: string }>;
  readonly deliveries: Counter<{ target: string; result: string }>;
  readonly beyond: Counter<object>;
  readonly isLeading: Gauge<object>;
  readonly lastLook: Gauge<object>;
}

/** Makes the metrics of alerting. */
export function createAlertMetrics(metrics: Metrics): AlertMetrics {
  return {
    closedWindows: metrics.counter({
      name: 'leastwise_closed_windows_total',
      help: 'Windows of five minutes that were closed and judged, those without a request left aside.',
    }),
    alerts: metrics.counter({
      name: 'leastwise_alerts_total',
      help: 'Findings in closed windows by what they are about.',
      labels: { kind: WINDOW_FINDING_KINDS },
    }),
    deliveries: metrics.counter({
      name: 'leastwise_alert_deliveries_total',
      help: 'Attempts to tell somebody of alerts. A rise of failed means that nobody is told.',
      labels: { target: TARGETS, result: RESULTS },
    }),
    beyond: metrics.counter({
      name: 'leastwise_unjudged_series_total',
      help: 'Kinds of requests that were not judged, and findings that were not told, for want of room. A rise means more subjects than alerts are meant for.',
    }),
    isLeading: metrics.gauge({
      name: 'leastwise_alerting_leaders',
      help: 'Whether this process is the one that closes windows: 1 in one process of all.',
    }),
    lastLook: metrics.gauge({
      name: 'leastwise_alerting_last_look_timestamp_seconds',
      help: 'When this process last looked at all windows as the one that closes them. An old one means that nobody is told.',
    }),
  };
}
