import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  type DataSourceRef,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Which Prometheus is asked: chosen on the dashboard. */
const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** By legend, with `{{label}}` for values of labels: what Prometheus is asked. */
export type Queries = Readonly<Record<string, string>>;

/** What a panel shows. */
export interface PanelOptions {
  readonly title: string;
  /** Says what a person should make of it. */
  readonly description: string;
  readonly queries: Queries;
  /** As Grafana spells it: `reqps`, `s`, `short`, `percentunit`. */
  readonly unit: string;
  /** Of the 24 columns of a row. */
  readonly span: number;
  /** From where on it is yellow, and from where on red; below it is green. */
  readonly warnings?: { readonly yellow?: number; readonly red: number };
}

/** What all kinds of panels can be told. */
interface AnyPanelBuilder<T> extends Builder<Panel> {
  title(title: string): T;
  description(description: string): T;
  datasource(datasource: DataSourceRef): T;
  targets(targets: Builder<Dataquery>[]): T;
  unit(unit: string): T;
  span(columns: number): T;
  height(rows: number): T;
  min(min: number): T;
  thresholds(thresholds: ThresholdsConfigBuilder): T;
}

/** A line for each series, over time. */
export function timeseries(options: PanelOptions & { readonly isStacked?: boolean }): Builder<Panel> {
  const { isStacked = false } = options;
  const legend = new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.Table)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs(['lastNotNull', 'max']);
  const tooltip = new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);
  const panel = filled(new TimeseriesBuilder(), options, 'range').height(8);
  return panel
    .legend(legend)
    .tooltip(tooltip)
    .drawStyle(GraphDrawStyle.Line)
    .fillOpacity(isStacked ? 40 : 10)
    .stacking(new StackingConfigBuilder().mode(isStacked ? StackingMode.Normal : StackingMode.None));
}

/** One large number, or a few, as they are now. */
export function stat(options: PanelOptions): Builder<Panel> {
  return filled(new StatBuilder(), options, 'instant')
    .height(4)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(lastValue());
}

/** A bar for each series, the largest first, as they are now. */
export function bars(options: PanelOptions): Builder<Panel> {
  const sorted = Object.fromEntries(
    Object.entries(options.queries).map(([legend, expr]) => [legend, `sort_desc(${expr})`]),
  );
  return filled(new BarGaugeBuilder(), { ...options, queries: sorted }, 'instant')
    .height(8)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .reduceOptions(lastValue());
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false);
}

function filled<T extends AnyPanelBuilder<T>>(
  panel: T,
  { title, description, queries, unit, span, warnings }: PanelOptions,
  kind: 'range' | 'instant',
): T {
  const targets = Object.entries(queries).map(([legend, expr], i) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + i))
      .datasource(DATASOURCE)
      .legendFormat(legend)
      .expr(expr);
    return kind === 'range' ? query.range() : query.instant();
  });
  return panel
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .targets(targets)
    .unit(unit)
    .span(span)
    .min(0)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(warnings)));
}

function stepsOf(warnings: PanelOptions['warnings']): Threshold[] {
  const steps: Threshold[] = [{ value: null, color: 'green' }];
  if (warnings?.yellow !== undefined) steps.push({ value: warnings.yellow, color: 'yellow' });
  if (warnings !== undefined) steps.push({ value: warnings.red, color: 'red' });
  return steps;
}

/** What a dashboard is called, and how it is found. */
export interface DashboardOptions {
  /** Its name in URLs and files, without `leastwise-`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** A metric whose label `cluster` has the clusters to choose from; none to choose from without it. */
  readonly clustersOf?: string;
}

/** An empty dashboard with a choice of the Prometheus, and of clusters. */
export function dashboard({ name, title, description, clustersOf }: DashboardOptions): DashboardBuilder {
  const builder = new DashboardBuilder(`Leastwise / ${title}`)
    .uid(`leastwise-${name}`)
    .description(description)
    .tags(['leastwise'])
    .timezone('browser')
    .refresh('1m')
    .time({ from: 'now-6h', to: 'now' })
    .readonly()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  if (clustersOf === undefined) return builder;
  return builder.withVariable(
    new QueryVariableBuilder('cluster')
      .label('Cluster')
      .datasource(DATASOURCE)
      .query({ query: `label_values(${clustersOf}, cluster)`, refId: 'clusters' })
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      .allValue('.*'),
  );
}

/** A heading over the panels that follow. */
export function row(title: string): RowBuilder {
  return new RowBuilder(title);
}

/** Per second, summed up by labels. */
export function rateBy(labels: string, selector: string): string {
  return `sum by (${labels}) (rate(${selector}[$__rate_interval]))`;
}

/** How many there were in the time that is shown, summed up by labels. */
export function increaseBy(labels: string, selector: string): string {
  return `sum by (${labels}) (increase(${selector}[$__range]))`;
}

/** What 99 of 100 stay below. */
export function p99(histogram: string): string {
  return `histogram_quantile(0.99, sum by (le) (rate(${histogram}_bucket[$__rate_interval])))`;
}
