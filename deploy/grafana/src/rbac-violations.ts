import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { bars, dashboard, increaseBy, p99, rateBy, row, stat, timeseries } from './panels.ts';

const OPEN = 'rbac_open_violations{cluster=~"$cluster"}';

/** What is forbidden in clusters and is there all the same. */
export function rbacViolations(): DashboardBuilder {
  const builder = dashboard({
    name: 'rbac-violations',
    title: 'RBAC violations',
    description:
      'What is forbidden in clusters and is there all the same. `kubectl get rbacviolations` has the names.',
    clustersOf: 'rbac_last_audit_timestamp',
  });
  addOpen(builder);
  addAuditor(builder);
  addWork(builder);
  return builder;
}

function addOpen(builder: DashboardBuilder): void {
  builder
    .withRow(row('Violations'))
    .withPanel(
      stat({
        title: 'Open by severity',
        description: 'Suppressed ones are not among them.',
        queries: { '{{severity}}': `sum by (severity) (max without (instance, pod) (${OPEN}))` },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      stat({
        title: 'New ones',
        description: 'In the time that is shown.',
        queries: { '{{kind}}': increaseBy('kind', 'rbac_violations_total') },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Open by cluster and severity',
        description: 'It should fall.',
        queries: {
          '{{cluster}} {{severity}}': `sum by (cluster, severity) (max without (instance, pod) (${OPEN}))`,
        },
        ...{ unit: 'short', span: 12 },
      }),
    )
    .withPanel(
      bars({
        title: 'Open by rule',
        description: 'docs/checks.md says what each rule is about.',
        queries: { '{{rule}}': `sum by (rule) (max without (instance, pod) (${OPEN}))` },
        ...{ unit: 'short', span: 12 },
      }),
    );
}

function addAuditor(builder: DashboardBuilder): void {
  builder
    .withRow(row('Auditor'))
    .withPanel(
      timeseries({
        title: 'Since the last audit',
        description: 'LeastwiseAuditorStale fires above ten minutes.',
        queries: {
          '{{cluster}}': 'time() - max by (cluster) (rbac_last_audit_timestamp{cluster=~"$cluster"})',
        },
        ...{ unit: 's', span: 8, warnings: { red: 600 } },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Failed requests',
        description: 'A rise of forbidden means a role that lacks rules.',
        queries: {
          '{{cluster}} {{failure}}': rateBy(
            'cluster, failure',
            'leastwise_auditor_errors_total{cluster=~"$cluster"}',
          ),
        },
        ...{ unit: 'reqps', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Problems of violation policies',
        description: 'The last good policy is in force until there are none.',
        queries: {
          '{{cluster}}': 'max by (cluster) (leastwise_auditor_policy_problems{cluster=~"$cluster"})',
        },
        ...{ unit: 'short', span: 8 },
      }),
    );
}

function addWork(builder: DashboardBuilder): void {
  builder
    .withPanel(
      timeseries({
        title: 'Bindings judged, and who writes',
        description: 'Each time anew. A lease is 1 in the process that writes to a cluster.',
        queries: {
          'judged in {{cluster}}': rateBy('cluster', 'rbac_bindings_scanned_total{cluster=~"$cluster"}'),
          'leases of {{cluster}}': 'sum by (cluster) (leastwise_auditor_held_leases{cluster=~"$cluster"})',
        },
        ...{ unit: 'short', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Remediations and issues',
        description: 'Bindings that asked to be deleted, and issues kept, by what became of them.',
        queries: {
          'binding {{result}}': rateBy('result', 'leastwise_auditor_remediations_total'),
          'issue {{result}}': rateBy('result', 'leastwise_auditor_issues_total'),
        },
        ...{ unit: 'short', span: 8 },
      }),
    )
    .withPanel(
      timeseries({
        title: 'Time of an audit (99 %)',
        description: 'A rise means more bindings, or a busy machine.',
        queries: { audit: p99('leastwise_auditor_audit_seconds') },
        ...{ unit: 's', span: 8 },
      }),
    );
}
