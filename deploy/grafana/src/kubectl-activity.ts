import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { bars, dashboard, increaseBy, rateBy, stat, timeseries } from './panels.ts';

const KUBECTL = 'leastwise_kubectl_requests_total{cluster=~"$cluster"}';

function kubectl(matchers: string): string {
  return `leastwise_kubectl_requests_total{cluster=~"$cluster",${matchers}}`;
}

/** What is done by hand, as far as classes tell. */
export function kubectlActivity(): DashboardBuilder {
  const builder = dashboard({
    name: 'kubectl-activity',
    title: 'kubectl activity',
    description:
      'What clients do that call themselves kubectl, or one of its kind. Who did what is in the reports: `leastwise report kubectl`.',
    clustersOf: 'leastwise_kubectl_requests_total',
  });
  addNumbers(builder);
  builder
    .withPanel(
      timeseries({
        title: 'Requests by verb',
        description: 'Office hours should show.',
        queries: { '{{verb}}': rateBy('verb', KUBECTL) },
        ...{ unit: 'reqps', span: 16, isStacked: true },
      }),
    )
    .withPanel(
      bars({
        title: 'All requests by verb',
        description: 'In the time that is shown.',
        queries: { '{{verb}}': increaseBy('verb', KUBECTL) },
        ...{ unit: 'short', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Changes by hand',
        description: 'Where a GitOps tool is in charge there should be few.',
        queries: {
          '{{cluster}} {{verb}}': rateBy(
            'cluster, verb',
            kubectl('outcome="allowed",verb=~"create|update|delete|delete-collection"'),
          ),
        },
        ...{ unit: 'reqps', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Refused by verb',
        description: 'What people try and may not.',
        queries: { '{{cluster}} {{verb}}': rateBy('cluster, verb', kubectl('outcome="denied"')) },
        ...{ unit: 'reqps', span: 12 },
      }),
    );
  return builder;
}

function addNumbers(builder: DashboardBuilder): void {
  builder
    .withPanel(
      stat({
        title: 'Share of all requests',
        description: 'Controllers make most of the requests of a cluster.',
        queries: {
          share: `sum(${increaseOf(KUBECTL)}) / sum(${increaseOf('leastwise_requests_total{cluster=~"$cluster"}')})`,
        },
        ...{ unit: 'percentunit', span: 6 },
      }),
    )
    .withPanel(
      stat({
        title: 'exec, attach, port-forward',
        description: 'In the time that is shown.',
        queries: { '{{cluster}}': increaseBy('cluster', kubectl('verb="exec"')) },
        ...{ unit: 'short', span: 6 },
      }),
    )
    .withPanel(
      stat({
        title: 'As somebody else',
        description: 'kubectl --as, in the time that is shown.',
        queries: { '{{cluster}}': increaseBy('cluster', kubectl('verb="escalate"')) },
        ...{ unit: 'short', span: 6 },
      }),
    )
    .withPanel(
      stat({
        title: 'Alerts of unusual hours',
        description: 'People at work when they never are. In the time that is shown.',
        queries: { alerts: 'sum(increase(leastwise_alerts_total{kind="hours"}[$__range]))' },
        ...{ unit: 'short', span: 6, warnings: { red: 1 } },
      }),
    );
}

function increaseOf(selector: string): string {
  return `increase(${selector}[$__range])`;
}
