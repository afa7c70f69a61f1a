import type { ActivityReport } from '@leastwise/activity';

import { escapeInvisible } from '../escape-invisible.ts';
import { shorten } from '../pull-request/markdown.ts';
import { CHART_NAMES, CHART_TITLES, type ChartName } from './text.ts';

/** A value of JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A Vega-Lite specification: data and marks, and nothing that loads or runs anything. */
export type ChartSpec = Readonly<Record<string, Json>>;

/** Colours of charts: of text, of lines, of five steps of a heat map, of kinds of verbs, of refusals. */
export interface ChartColors {
  readonly text: string;
  readonly line: string;
  readonly heat: readonly [string, string, string, string, string];
  readonly series: readonly [string, string, string, string, string];
  readonly refused: string;
}

/** Of a page with the style sheet of ours, which has a light and a dark value for each. */
export const PAGE_COLORS: ChartColors = {
  text: 'var(--muted)',
  line: 'var(--line)',
  heat: ['var(--heat0)', 'var(--heat1)', 'var(--heat2)', 'var(--heat3)', 'var(--heat4)'],
  series: ['var(--read)', 'var(--write)', 'var(--delete)', 'var(--exec)', 'var(--other)'],
  refused: 'var(--refused)',
};

/** Of a file of its own, which is read on white and on black: all of them stand out from both. */
export const FILE_COLORS: ChartColors = {
  text: '#7d8590',
  line: '#7d859055',
  heat: ['#7d859022', '#9ecae1', '#4f9fd0', '#2171b5', '#0b4a8f'],
  series: ['#4f9fd0', '#2da05a', '#d9534f', '#9467bd', '#7d8590'],
  refused: '#d9534f',
};

// Bars have square corners: Vega clips round ones, and counts the ids of clips up from one drawing to the next.

/** Kinds of verbs as charts show them: of few colours each reader tells all apart. */
const SERIES = ['read', 'write', 'delete', 'exec', 'other'] as const;

const SERIES_OF: Readonly<Record<string, (typeof SERIES)[number]>> = {
  read: 'read',
  'list-watch': 'read',
  create: 'write',
  update: 'write',
  delete: 'delete',
  'delete-collection': 'delete',
  exec: 'exec',
};

const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json';
const MAX_ACTORS = 15;
const NAME_CHARACTERS = 40;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

function config({ text, line }: ChartColors): Json {
  return {
    background: null,
    font: FONT,
    view: { stroke: null },
    axis: {
      labelColor: text,
      titleColor: text,
      gridColor: line,
      domainColor: line,
      tickColor: line,
      labelFontSize: 11,
      titleFontSize: 11,
      titleFontWeight: 'normal',
      labelLimit: 200,
    },
    legend: { labelColor: text, titleColor: text, labelFontSize: 11, symbolType: 'square' },
  };
}

/** Steps that a heat map parts at: 0, then quarters of the maximum, on a scale that shows few beside many. */
export function heatSteps(report: ActivityReport): readonly [number, number, number, number] {
  const most = report.heat.reduce((max, { requests }) => Math.max(max, ...requests), 0);
  const at = (share: number): number => Math.max(1, Math.round(most ** share));
  const second = Math.max(2, at(0.5));
  const third = Math.max(second + 1, at(0.75));
  return [1, second, third, Math.max(third + 1, at(0.9))];
}

function hoursSpec(report: ActivityReport, colors: ChartColors): ChartSpec {
  const values = report.heat.flatMap(({ day, requests, refused }) =>
    requests.map((count, hour) => ({ day, hour, requests: count, refused: refused[hour] ?? 0 })),
  );
  return {
    data: { values },
    width: { step: 26 },
    height: { step: 22 },
    mark: { type: 'rect', cornerRadius: 3 },
    encoding: {
      x: {
        field: 'hour',
        type: 'ordinal',
        scale: { paddingInner: 0.12 },
        axis: {
          title: `Hour (${escapeInvisible(report.timeZone)})`,
          labelAngle: 0,
          domain: false,
          ticks: false,
        },
      },
      y: {
        field: 'day',
        type: 'ordinal',
        scale: { paddingInner: 0.12 },
        axis: { title: null, domain: false, ticks: false },
      },
      color: {
        field: 'requests',
        type: 'quantitative',
        scale: { type: 'threshold', domain: heatSteps(report), range: colors.heat },
        legend: null,
      },
    },
  };
}

function verbsSpec(report: ActivityReport, colors: ChartColors): ChartSpec {
  const shown = report.people.slice(0, MAX_ACTORS);
  // Names that are cut alike stay two rows.
  const names = shown.map(
    ({ name }, index) => `${index + 1}. ${shorten(escapeInvisible(name), NAME_CHARACTERS)}`,
  );
  const values = shown.flatMap(({ verbs }, index) =>
    SERIES.map((series) => ({
      who: names[index] ?? '',
      kind: series,
      order: SERIES.indexOf(series),
      requests: verbs
        .filter(({ verb }) => (SERIES_OF[verb] ?? 'other') === series)
        .reduce((sum, { requests }) => sum + requests, 0),
    })),
  );
  return {
    data: { values },
    width: 340,
    height: { step: 26 },
    mark: 'bar',
    encoding: {
      y: { field: 'who', type: 'nominal', sort: names, axis: { title: null, domain: false, ticks: false } },
      x: {
        field: 'requests',
        type: 'quantitative',
        axis: { title: 'Requests', tickCount: 5, domain: false },
      },
      color: {
        field: 'kind',
        type: 'nominal',
        sort: SERIES,
        scale: { domain: SERIES, range: colors.series },
        legend: { title: null, orient: 'top' },
      },
      order: { field: 'order' },
    },
  };
}

function refusedSpec(report: ActivityReport, colors: ChartColors): ChartSpec {
  const isOneDay = report.heat.length === 1;
  const values = report.heat.flatMap(({ day, refused }) =>
    isOneDay
      ? refused.map((count, hour) => ({ at: String(hour).padStart(2, '0'), refused: count }))
      : [{ at: day, refused: refused.reduce((sum, count) => sum + count, 0) }],
  );
  return {
    data: { values },
    width: { step: isOneDay ? 24 : 26 },
    height: 160,
    mark: { type: 'bar', color: colors.refused },
    encoding: {
      x: {
        field: 'at',
        type: 'ordinal',
        axis: {
          title: isOneDay ? `Hour (${escapeInvisible(report.timeZone)})` : null,
          labelAngle: isOneDay ? 0 : -45,
        },
      },
      y: {
        field: 'refused',
        type: 'quantitative',
        axis: { title: 'Refused requests', tickCount: 4, domain: false },
      },
    },
  };
}

/**
 * The charts of a report as Vega-Lite specifications: requests by day and hour, what people did, refusals over time.
 * A chart of nothing is left out. Names stand in them as data, cut, and with nothing invisible.
 * @remarks Pure: whoever has Vega draws them.
 * @see https://vega.github.io/vega-lite/docs/spec.html
 */
export function activityCharts(
  report: ActivityReport,
  colors: ChartColors,
): ReadonlyMap<ChartName, ChartSpec> {
  const specs: Readonly<Record<ChartName, ChartSpec | undefined>> = {
    hours: report.heat.length === 0 ? undefined : hoursSpec(report, colors),
    verbs: report.people.length === 0 ? undefined : verbsSpec(report, colors),
    refused:
      report.totals.refused === 0 || report.heat.length === 0 ? undefined : refusedSpec(report, colors),
  };
  const charts = new Map<ChartName, ChartSpec>();
  for (const name of CHART_NAMES) {
    const spec = specs[name];
    if (spec === undefined) continue;
    charts.set(name, { $schema: SCHEMA, description: CHART_TITLES[name], ...spec, config: config(colors) });
  }
  return charts;
}
