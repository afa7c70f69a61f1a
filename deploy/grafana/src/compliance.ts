import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { dashboard, p99, rateBy, row, stat, timeseries } from './panels.ts';

/** How well RBAC fits what is used, and what the publisher makes of it. */
export function compliance(): DashboardBuilder {
  const builder = dashboard({
    name: 'compliance',
    title: 'Compliance',
    description:
      'How well RBAC fits what is used, and what the publisher makes of it. Scores are those of clusters in which policy reports are kept.',
    clustersOf: 'leastwise_publisher_scored_subjects',
  });
  addScores(builder);
  addProposals(builder);
  addCycles(builder);
  return builder;
}

function addScores(builder: DashboardBuilder): void {
  builder
    .withRow(row('Scores'))
    .withPanel(
      timeseries({
        title: 'Compliance score',
        description: 'Mean over all subjects of how much of what they are granted was used. It should rise.',
        queries: {
          '{{cluster}}': 'max by (cluster) (leastwise_publisher_compliance_score_ratio{cluster=~"$cluster"})',
        },
        ...{ unit: 'percentunit', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Subjects by band',
        description: 'Green from 80 on, yellow from 50 on. Of unknown ones nothing can be said.',
        queries: {
          '{{band}}':
            'sum by (band) (max by (cluster, band) (leastwise_publisher_scored_subjects{cluster=~"$cluster"}))',
        },
        ...{ unit: 'short', span: 12, isStacked: true },
      }),
    );
}

function addProposals(builder: DashboardBuilder): void {
  builder
    .withRow(row('Proposals'))
    .withPanel(
      stat({
        title: 'Risky proposals',
        description: 'They grant something dangerous, and have the label leastwise/risk.',
        queries: { proposals: 'max(leastwise_publisher_risky_proposals)' },
        ...{ unit: 'short', span: 4, warnings: { red: 1 } },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Our branches by how they stand',
        description: 'A rise of waiting means that nobody merges.',
        queries: { '{{state}}': 'max by (state) (leastwise_publisher_pull_requests)' },
        ...{ unit: 'short', span: 10 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Planned actions',
        description: 'Many at once mean that much has changed, or a new knob.',
        queries: { '{{action}}': 'max by (action) (leastwise_publisher_plan_actions)' },
        ...{ unit: 'short', span: 10 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Subjects that nothing is proposed for',
        description: 'Any refused, unreadable or foreign-file ones want a person.',
        queries: { '{{reason}}': 'max by (reason) (leastwise_publisher_withheld_subjects)' },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Removals that wait',
        description: 'lost-events and not-logged do not end by themselves.',
        queries: { '{{reason}}': 'max by (reason) (leastwise_publisher_waiting_removals)' },
        ...{ unit: 'short', span: 12 },
      }),
    );
}

function addCycles(builder: DashboardBuilder): void {
  builder
    .withRow(row('Publisher'))
    .withPanel(
      stat({
        title: 'Since the last success',
        description: 'It should stay below a few intervals.',
        queries: { age: 'time() - max(leastwise_publisher_last_success_timestamp_seconds)' },
        ...{ unit: 's', span: 4, warnings: { yellow: 1800, red: 3600 } },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Cycles by how they ended',
        description: 'Anything but done and standby wants a look at the log.',
        queries: { '{{outcome}}': rateBy('outcome', 'leastwise_publisher_cycles_total') },
        ...{ unit: 'short', span: 10 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Failures',
        description: 'Of the forge, and of clusters that policy reports are kept in.',
        queries: {
          'forge {{failure}}': rateBy('failure', 'leastwise_publisher_forge_errors_total'),
          'cluster {{failure}}': rateBy('failure', 'leastwise_publisher_policy_report_errors_total'),
        },
        ...{ unit: 'short', span: 10 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Policy reports by what became of them',
        description: 'A rise of failed wants a look at the log.',
        queries: { '{{result}}': rateBy('result', 'leastwise_publisher_policy_reports_total') },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Time for rendering and proving (99 %)',
        description: 'A rise means that the state has grown.',
        queries: {
          render: p99('leastwise_publisher_render_seconds'),
          verify: p99('leastwise_publisher_verify_seconds'),
        },
        ...{ unit: 's', span: 12 },
      }),
    );
}
