import { QueryBuilder, RuleBuilder } from '@grafana/grafana-foundation-sdk/alerting';
import { TypeThresholdBuilder } from '@grafana/grafana-foundation-sdk/expr';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';

import { DATASOURCE_UID, FOLDER } from './names.ts';

/** An alerting rule as Prometheus has it. */
export interface PrometheusAlert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Alerting rules that belong together. */
export interface PrometheusAlerts {
  readonly name: string;
  readonly alerts: readonly PrometheusAlert[];
}

/** How far back a query may look besides what it says itself, in seconds: it asks for one moment. */
const RANGE_SECONDS = 600;

/**
 * The same alerts for Grafana, as it reads them from a file: for those who have no Alertmanager beside their Prometheus.
 * They ask what the rules of Prometheus ask, so that there is one place to change them.
 * @see https://grafana.com/docs/grafana/v11.6/alerting/set-up/provision-alerting-resources/file-provisioning/
 */
export function provisionedAlerts(groups: readonly PrometheusAlerts[]): object {
  return {
    apiVersion: 1,
    groups: groups.map(({ name, alerts }) => ({
      orgId: 1,
      name,
      folder: FOLDER,
      interval: '1m',
      rules: alerts.map(ruleOf),
    })),
  };
}

function ruleOf(rule: PrometheusAlert): object {
  const { alert } = rule;
  const built = new RuleBuilder(alert)
    .uid(alert)
    .condition('C')
    .queries([question(rule.expr), isThere()])
    .forDuration(rule.for ?? '0s')
    .noDataState('OK')
    .execErrState('Error')
    .labels({ ...rule.labels })
    .annotations(
      Object.fromEntries(Object.entries(rule.annotations).map(([name, text]) => [name, inGrafana(text)])),
    )
    .build();
  const { uid, title, condition, data, noDataState, execErrState, labels, annotations } = built;
  return { uid, title, condition, data, noDataState, execErrState, for: built.for, labels, annotations };
}

function question(expr: string): QueryBuilder {
  return new QueryBuilder('A')
    .datasourceUid(DATASOURCE_UID)
    .relativeTimeRange({ from: RANGE_SECONDS, to: 0 })
    .model(new DataqueryBuilder().refId('A').expr(expr).instant());
}

/**
 * The query leaves only what is to be told, whatever its number is: none of them is negative. A formula would do as well,
 * but Grafana takes `$` in a file for a variable of its environment.
 */
function isThere(): QueryBuilder {
  const conditions = [{ evaluator: { type: 'gt' as const, params: [-1] } }];
  return new QueryBuilder('C')
    .datasourceUid('__expr__')
    .relativeTimeRange({ from: RANGE_SECONDS, to: 0 })
    .model(
      new TypeThresholdBuilder()
        .refId('C')
        .datasource({ type: '__expr__', uid: '__expr__' })
        .expression('A')
        .conditions(conditions),
    );
}

/** In Grafana `$value` is a text about all queries. */
function inGrafana(template: string): string {
  return template.replaceAll('$value', '$values.A.Value');
}
