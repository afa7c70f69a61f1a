import type { ChartName, ChartSpec } from '@leastwise/render';
import { Error as LogErrors, parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/**
 * Draws charts as SVG, with no browser: shapes and texts with attributes of their own, so that a strict
 * Content-Security-Policy lets them be. The same specification gives the same bytes.
 * @see https://vega.github.io/vega/docs/api/view/#view_toSVG
 */
export async function drawCharts(
  specs: ReadonlyMap<ChartName, ChartSpec>,
): Promise<ReadonlyMap<ChartName, string>> {
  const drawn = new Map<ChartName, string>();
  for (const [name, spec] of specs) drawn.set(name, await drawChart(spec));
  return drawn;
}

async function drawChart(spec: ChartSpec): Promise<string> {
  // Specifications are made by `activityCharts`; their type there knows nothing of Vega-Lite.
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), {
    renderer: 'none',
    logLevel: LogErrors,
  });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
