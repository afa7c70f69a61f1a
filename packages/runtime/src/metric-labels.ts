/** The value of a label for everything that has no value of its own. */
export const OTHER = 'other';

const MAX_LABEL_LENGTH = 128;
const MAX_COMBINATIONS = 1000;

/** By label, all values that it can have. */
export type ClosedLabels = Readonly<Record<string, readonly string[]>>;

/** By label, how many values it may have before the rest become `other`: the first ones win. */
export type OpenLabels = Readonly<Record<string, { readonly max: number }>>;

/** The labels of a metric and their values, as a caller gives them. */
export type LabelsOf<
  C extends ClosedLabels | undefined,
  O extends OpenLabels | undefined,
> = (C extends ClosedLabels ? { readonly [K in keyof C]: C[K][number] } : unknown) &
  (O extends OpenLabels ? { readonly [K in keyof O]: string } : unknown);

/** Bounds the values of one metric's labels. */
export interface LabelGuard {
  readonly names: readonly string[];
  /** The labels with `other` for each value that is not known, missing, too long or one too many. */
  admit(labels: Readonly<Record<string, string | undefined>>): Record<string, string>;
  /** Every combination of the closed labels; none if there are open ones, whose values nobody knows yet. */
  combinations(): Record<string, string>[];
  /** Forgets the values of open labels. */
  reset(): void;
}

/**
 * Guards the labels of one metric.
 * @throws Error if a name is no label's name or is used twice, if a label has no values, or if the closed
 *   ones combine to more than 1000 series.
 */
export function guardLabels(closed: ClosedLabels, open: OpenLabels): LabelGuard {
  const names = [...Object.keys(closed), ...Object.keys(open)];
  for (const name of names) {
    // `le` and `quantile` are the registry's own.
    if (!/^[a-z][a-z_]*$/.test(name) || name === 'le' || name === 'quantile') {
      throw new Error(`no name for a label: ${name}`);
    }
  }
  if (new Set(names).size !== names.length) {
    throw new Error(`a label is both closed and open: ${names.join()}`);
  }
  const known = new Map(Object.entries(closed).map(([name, values]) => [name, new Set(values)]));
  const size = [...known.values()].reduce((product, values) => product * values.size, 1);
  if (size < 1 || size > MAX_COMBINATIONS) {
    throw new Error(`labels combine to ${size} series: ${names.join()}`);
  }
  const seen = new Map(Object.keys(open).map((name) => [name, new Set<string>()]));
  const admitOne = (name: string, value: string | undefined): string => {
    if (value === undefined) return OTHER;
    const closedValues = known.get(name);
    if (closedValues !== undefined) return closedValues.has(value) ? value : OTHER;
    const openValues = seen.get(name) ?? new Set();
    if (openValues.has(value)) return value;
    if (openValues.size >= (open[name]?.max ?? 0) || value.length > MAX_LABEL_LENGTH) return OTHER;
    openValues.add(value);
    return value;
  };
  return {
    names,
    admit: (labels) => Object.fromEntries(names.map((name) => [name, admitOne(name, labels[name])])),
    combinations: () => (seen.size > 0 ? [] : combine([...known])),
    reset: () => {
      for (const values of seen.values()) values.clear();
    },
  };
}

function combine(known: readonly (readonly [string, ReadonlySet<string>])[]): Record<string, string>[] {
  let rows: Record<string, string>[] = [{}];
  for (const [name, values] of known) {
    rows = rows.flatMap((row) => [...values].map((value) => ({ ...row, [name]: value })));
  }
  return rows;
}
