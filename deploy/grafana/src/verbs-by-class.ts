import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { bars, dashboard, increaseBy, rateBy, stat, timeseries } from './panels.ts';

const REQUESTS = 'leastwise_requests_total{cluster=~"$cluster"}';

/** What requests do, by class. */
export function verbsByClass(): DashboardBuilder {
  const builder = dashboard({
    name: 'verbs-by-class',
    title: 'Verbs by class',
    description: 'What requests do, each counted once. Classes of verbs alone: names are in the reports.',
    clustersOf: 'leastwise_requests_total',
  });
  builder
    .withPanel(
      stat({
        title: 'Requests by cluster',
        description: 'Per second.',
        queries: { '{{cluster}}': rateBy('cluster', REQUESTS) },
        ...{ unit: 'reqps', span: 12 },
      }),
    )
    .withPanel(
      stat({
        title: 'Alerts by kind',
        description: 'In the time that is shown.',
        queries: { '{{kind}}': increaseBy('kind', 'leastwise_alerts_total') },
        ...{ unit: 'short', span: 12, warnings: { red: 1 } },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Requests by verb',
        description: 'A step that nothing explains wants a look at the report of the day.',
        queries: { '{{verb}}': rateBy('verb', REQUESTS) },
        ...{ unit: 'reqps', span: 16, isStacked: true },
      }),
    )
    .withPanel(
      bars({
        title: 'All requests by verb',
        description: 'In the time that is shown.',
        queries: { '{{verb}}': increaseBy('verb', REQUESTS) },
        ...{ unit: 'short', span: 8 },
      }),
    );
  addChanges(builder);
  return builder;
}

function addChanges(builder: DashboardBuilder): void {
  const of = (verbs: string): string => `leastwise_requests_total{cluster=~"$cluster",verb=~"${verbs}"}`;
  builder
    .withPanel(
      timeseries({
        title: 'Changes',
        description: 'Create, update and delete, by cluster.',
        queries: {
          '{{cluster}} {{verb}}': rateBy('cluster, verb', of('create|update|delete|delete-collection')),
        },
        ...{ unit: 'reqps', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Reaching into pods, and acting as somebody else',
        description: 'exec, attach, port-forward and proxy; impersonation.',
        queries: { '{{cluster}} {{verb}}': rateBy('cluster, verb', of('exec|escalate')) },
        ...{ unit: 'reqps', span: 12 },
      }),
    );
}
