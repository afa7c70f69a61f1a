import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { bars, dashboard, increaseBy, rateBy, stat, timeseries } from './panels.ts';

const REFUSED = 'leastwise_requests_total{cluster=~"$cluster",outcome="denied"}';
const DELETES =
  'leastwise_requests_total{cluster=~"$cluster",outcome="denied",verb=~"delete|delete-collection"}';

/** What the authorizer refused. */
export function refusedRequests(): DashboardBuilder {
  const builder = dashboard({
    name: 'refused-requests',
    title: 'Refused requests',
    description: 'What the authorizer refused, by class. Who it was is in the reports, and in alerts.',
    clustersOf: 'leastwise_requests_total',
  });
  addNumbers(builder);
  builder
    .withPanel(
      timeseries({
        title: 'Refused by verb',
        description: 'A step after a merge means that something needs what was taken away.',
        queries: { '{{verb}}': rateBy('verb', REFUSED) },
        ...{ unit: 'reqps', span: 12, isStacked: true },
      }),
    )
    .withPanel(
      bars({
        title: 'Most refused within the hour',
        description: 'Kinds of requests, ten at most of each process and cluster.',
        queries: {
          '{{verb}} {{resource}}':
            'topk(10, sum by (verb, resource) (leastwise_top_refused_requests{cluster=~"$cluster"}))',
        },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Refused deletes within 5 minutes',
        description: 'LeastwiseRefusedDeletes fires above 20.',
        queries: { '{{cluster}}': `sum by (cluster) (increase(${DELETES}[5m]))` },
        ...{ unit: 'short', span: 12, warnings: { red: 20 } },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Share of refused requests',
        description: 'By a recording rule of deploy/prometheus/stream.rules.yaml.',
        queries: { '{{cluster}}': 'cluster:leastwise_refused_requests:ratio_rate5m{cluster=~"$cluster"}' },
        ...{ unit: 'percentunit', span: 12 },
      }),
    );
  return builder;
}

function addNumbers(builder: DashboardBuilder): void {
  builder
    .withPanel(
      stat({
        title: 'Refused requests by cluster',
        description: 'In the time that is shown.',
        queries: { '{{cluster}}': increaseBy('cluster', REFUSED) },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      stat({
        title: 'Refused deletes',
        description: 'In the time that is shown.',
        queries: { '{{cluster}}': increaseBy('cluster', DELETES) },
        ...{ unit: 'short', span: 6, warnings: { yellow: 1, red: 20 } },
      }),
    )
    .withPanel(
      stat({
        title: 'Alerts of refusals',
        description: 'Somebody was refused far more than usual. In the time that is shown.',
        queries: { alerts: 'sum(increase(leastwise_alerts_total{kind="refused"}[$__range]))' },
        ...{ unit: 'short', span: 6, warnings: { red: 1 } },
      }),
    );
}
