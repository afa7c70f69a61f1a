import * as prom from 'prom-client';

import { guardLabels } from './metric-labels.ts';
import type { ClosedLabels, LabelGuard, LabelsOf, OpenLabels } from './metric-labels.ts';

type Closed = ClosedLabels | undefined;
type Open = OpenLabels | undefined;
type Arguments<L, Rest extends unknown[]> = keyof L extends never ? Rest : [labels: L, ...rest: Rest];

/** A number that only grows. Labels come first where a metric has some: `inc({ reason: 'late' }, 5)`. */
export interface Counter<L> {
  /** Adds 1, or a value that is not negative. */
  inc(...args: Arguments<L, [value?: number]>): void;
}

/** A number that goes up and down. */
export interface Gauge<L> {
  set(...args: Arguments<L, [value: number]>): void;
  /** Forgets all series, so that what is gone (a partition of another worker's) is not shown any more. */
  reset(): void;
}

/** How values are spread. */
export interface Histogram<L> {
  observe(...args: Arguments<L, [value: number]>): void;
}

/** What every metric has. */
export interface MetricOptions<C extends Closed, O extends Open> {
  /** In full, as dashboards spell it. */
  readonly name: string;
  /** Says what a rise means. */
  readonly help: string;
  /** Whether others look for it under this name already: then it need not keep the rules for names. */
  readonly hasGivenName?: boolean;
  /** Labels and all their values. What else comes is counted as `other`. */
  readonly labels?: C;
  /** Labels whose values are not known before; all beyond `max` are counted as `other`. */
  readonly openLabels?: O;
}

/** A gauge may be asked when it is read. */
export interface GaugeOptions<C extends Closed, O extends Open> extends MetricOptions<C, O> {
  /** Called at each scrape, to set the gauge. If it fails, so does the scrape. */
  readonly collect?: (gauge: Gauge<LabelsOf<C, O>>) => void | Promise<void>;
}

/** A histogram has buckets. */
export interface HistogramOptions<C extends Closed, O extends Open> extends MetricOptions<C, O> {
  /** Upper bounds, ascending; from 1 ms to 60 s unless given. */
  readonly buckets?: readonly number[];
}

/**
 * The metrics of one process. Making one throws an Error if its name breaks the rules or is taken: counters
 * end in `_total`, histograms and gauges in a unit (`_seconds`, `_bytes`, `_ratio`) or a plural, gauges
 * also in `_info`.
 * @see https://prometheus.io/docs/practices/naming/
 */
export interface Metrics {
  /** All series of closed labels are there at 0 from the start, so that the first rise shows as one. */
  counter<const C extends Closed = undefined, const O extends Open = undefined>(
    options: MetricOptions<C, O>,
  ): Counter<LabelsOf<C, O>>;
  gauge<const C extends Closed = undefined, const O extends Open = undefined>(
    options: GaugeOptions<C, O>,
  ): Gauge<LabelsOf<C, O>>;
  histogram<const C extends Closed = undefined, const O extends Open = undefined>(
    options: HistogramOptions<C, O>,
  ): Histogram<LabelsOf<C, O>>;
  /** All series in the text format; rejects if a `collect` fails. */
  text(): Promise<string>;
  /** The media type of {@link Metrics.text}. */
  readonly contentType: string;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const ENDINGS = {
  counter: /_total$/,
  gauge: /_(?:seconds|bytes|ratio|info)$|[a-z]s$/,
  histogram: /_(?:seconds|bytes|ratio)$|[a-z]s$/,
};

/**
 * Metrics in a registry of their own, with those of the process (CPU, memory, event loop) among them.
 * @param options - `prefix`, `leastwise_` unless given, is what every name must begin with.
 */
export function createMetrics({ prefix = 'leastwise_' }: { readonly prefix?: string } = {}): Metrics {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  const prepare = (kind: keyof typeof ENDINGS, options: MetricOptions<Closed, Open>): Prepared => {
    const { name, help, hasGivenName = false, labels = {}, openLabels = {} } = options;
    if (!hasGivenName) checkName(kind, name, prefix);
    const guard = guardLabels(labels, openLabels);
    return { guard, config: { name, help, labelNames: guard.names, registers: [registry] } };
  };
  return {
    counter: (options) => makeCounter(prepare('counter', options)),
    gauge: (options) => makeGauge(prepare('gauge', options), options.collect),
    histogram: (options) => makeHistogram(prepare('histogram', options), options.buckets ?? SECONDS),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

interface Prepared {
  readonly guard: LabelGuard;
  readonly config: { name: string; help: string; labelNames: readonly string[]; registers: prom.Registry[] };
}

function makeCounter<L>({ guard, config }: Prepared): Counter<L> {
  const counter = new prom.Counter(config);
  for (const labels of guard.combinations()) counter.inc(labels, 0);
  return {
    inc: (...args) => {
      const [labels, value] = split(guard, args);
      counter.inc(labels, value ?? 1);
    },
  };
}

function makeGauge<L>(
  { guard, config }: Prepared,
  collect: ((gauge: Gauge<L>) => void | Promise<void>) | undefined,
): Gauge<L> {
  const asked = collect === undefined ? {} : { collect: () => collect(gauge) };
  const inner = new prom.Gauge({ ...config, ...asked });
  const gauge: Gauge<L> = {
    set: (...args) => {
      const [labels, value] = split(guard, args);
      inner.set(labels, value ?? Number.NaN);
    },
    reset: () => {
      inner.reset();
      guard.reset();
    },
  };
  return gauge;
}

function makeHistogram<L>({ guard, config }: Prepared, buckets: readonly number[]): Histogram<L> {
  const histogram = new prom.Histogram({ ...config, buckets: [...buckets] });
  return {
    observe: (...args) => {
      const [labels, value] = split(guard, args);
      histogram.observe(labels, value ?? Number.NaN);
    },
  };
}

/** Labels and value out of `(labels, value)`, or of `(value)` where there are no labels. */
function split(
  guard: LabelGuard,
  args: readonly unknown[],
): [labels: Record<string, string>, value: number | undefined] {
  const [labels = {}, value] = guard.names.length === 0 ? [{}, args[0]] : args;
  return [guard.admit(labels as Record<string, string>), value as number | undefined];
}

function checkName(kind: keyof typeof ENDINGS, name: string, prefix: string): void {
  const isWell = /^leastwise_[a-z_]+$/.test(name) && name.startsWith(prefix) && ENDINGS[kind].test(name);
  if (!isWell) throw new Error(`no name for a ${kind}: ${name}`);
}
