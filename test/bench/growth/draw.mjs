// Draws how cost grows: CPU and memory, over what grows, as SVG without a browser.
import { Error as LogErrors, parse, View } from 'vega';
import { compile } from 'vega-lite';

const HEIGHT = 160;
const WIDTH = 300;

function panel(points, { what, isNamed }, { field, title }) {
  return {
    title: { text: title, fontSize: 12, anchor: 'start' },
    width: WIDTH,
    height: HEIGHT,
    mark: isNamed ? { type: 'bar', color: '#3b6ea5' } : { type: 'line', point: true, color: '#3b6ea5' },
    encoding: {
      x: isNamed
        ? {
            field: 'at',
            type: 'nominal',
            title: what,
            sort: points.map(({ at }) => at),
            axis: { labelAngle: 0 },
          }
        : {
            field: 'at',
            type: 'quantitative',
            title: what,
            scale: { type: 'log' },
            axis: { format: '~s', tickCount: 4 },
          },
      y: { field, type: 'quantitative', title: null, scale: { zero: true } },
    },
  };
}

/**
 * One plot of two panels.
 * @param points - `at`, `usPerEvent`, `peakMiB`
 * @param axis - what grows, and whether it is named rather than counted
 */
export async function drawGrowth(points, axis) {
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    data: { values: points },
    hconcat: [
      panel(points, axis, { field: 'usPerEvent', title: 'CPU, µs an event' }),
      panel(points, axis, { field: 'peakMiB', title: 'peak memory, MiB' }),
    ],
    config: { font: 'sans-serif' },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none', logLevel: LogErrors });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
