import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { parse } from 'yaml';

import type { PrometheusAlert, PrometheusAlerts } from '../../../deploy/grafana/src/alert-rules.ts';
import { dashboards } from '../../../deploy/grafana/src/dashboards.ts';

/** Where the rules for Prometheus are. */
export const RULES = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url));

interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

interface RuleGroup {
  readonly name: string;
  readonly rules: readonly (PrometheusAlert | RecordingRule)[];
}

/** The files of rules, by their names. */
export const RULE_FILES = readdirSync(RULES)
  .filter((file) => file.endsWith('.rules.yaml'))
  .sort();

/** All groups of rules of all files. */
export function ruleGroups(): readonly RuleGroup[] {
  return RULE_FILES.flatMap((file) => {
    const { groups } = parse(readFileSync(`${RULES}${file}`, 'utf8')) as { groups: RuleGroup[] };
    return groups;
  });
}

/** The groups of rules that have alerts, with these alone. */
export function alertGroups(): readonly PrometheusAlerts[] {
  return ruleGroups()
    .map(({ name, rules }) => ({ name, alerts: rules.flatMap((rule) => ('alert' in rule ? [rule] : [])) }))
    .filter(({ alerts }) => alerts.length > 0);
}

/** What is asked, and by whom. */
export type NamedQuery = readonly [where: string, query: string];

/** Every query of every panel. */
export function panelQueries(): readonly NamedQuery[] {
  return [...dashboards()].flatMap(([name, { panels = [] }]) =>
    panels.flatMap((panel) => {
      const targets = 'targets' in panel ? (panel.targets ?? []) : [];
      return targets.map((target): NamedQuery => {
        const { refId = '', expr = '' } = target as { refId?: string; expr?: string };
        return [`${name}: ${panel.title ?? ''}: ${refId}`, expr];
      });
    }),
  );
}

/** Every query that gives a dashboard its choices, as label and selector. */
export function variableQueries(): readonly (readonly [where: string, label: string, selector: string])[] {
  return [...dashboards()].flatMap(([name, { templating }]) =>
    (templating.list ?? []).flatMap((variable) => {
      const { query } = variable as { query?: { query?: string } | string };
      const asked = typeof query === 'object' ? query.query : undefined;
      const found = /^label_values\((.+), (\w+)\)$/.exec(asked ?? '');
      return found ? [[name, found[2] ?? '', found[1] ?? ''] as const] : [];
    }),
  );
}

/** Every query of every rule. */
export function ruleQueries(): readonly NamedQuery[] {
  return ruleGroups().flatMap(({ rules }) =>
    rules.map((rule): NamedQuery => ['alert' in rule ? rule.alert : rule.record, rule.expr]),
  );
}

/** A query as Grafana would ask it of a Prometheus that scrapes every second. */
export function asAsked(query: string): string {
  return query
    .replaceAll('$cluster', '.*')
    .replaceAll('$__rate_interval', '20s')
    .replaceAll('$__range', '20s');
}

const METRIC = /(?<![\w:])(?:\w+:)?(?:leastwise|rbac|process|nodejs)_[a-z0-9_]+(?::\w+)*(?:\{[^}]*\})?/g;

/** The series that a query is about: the names of metrics, with their matchers. */
export function selectorsOf(query: string): readonly string[] {
  return [...new Set(query.match(METRIC))];
}

/** The names of metrics in a query. */
export function namesIn(query: string): readonly string[] {
  return selectorsOf(query).map((selector) => selector.replace(/\{.*/s, ''));
}
