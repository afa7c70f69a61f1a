import type { ClusterState, RuleSet } from '@leastwise/rbac';
import type { DescribedStore, StateDescription, StoreFacts } from '@leastwise/state';

import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import { formatBytes, formatCount } from '../progress.ts';
import { formatTime } from '../summary.ts';

/** What a state holds, for people and machines. */
interface Shown {
  readonly description: StateDescription;
  readonly facts: StoreFacts;
  readonly clusters: readonly ShownCluster[];
  /** By source, one above its newest record; `undefined` where nobody asked. */
  readonly ends: ReadonlyMap<string, number> | undefined;
}

interface ShownCluster {
  readonly name: string;
  readonly subjects: number;
  /** Of allowed requests: verb, group, resource and namespace. */
  readonly rules: number;
  /** Rules by the names in them. */
  readonly cells: number;
  /** The cells of refused requests. */
  readonly refusedCells: number;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
}

function cellsOf({ rules }: RuleSet): number {
  let cells = 0;
  for (const { names } of rules.values()) cells += names.size;
  return cells;
}

function shownCluster({ cluster, subjects, firstSeenUs, lastSeenUs }: ClusterState): ShownCluster {
  let [rules, cells, refusedCells] = [0, 0, 0];
  for (const { allowed, denied } of subjects.values()) {
    rules += allowed.rules.size;
    cells += cellsOf(allowed);
    refusedCells += cellsOf(denied);
  }
  const isSeen = lastSeenUs > 0;
  return {
    ...{ name: cluster, subjects: subjects.size, rules, cells, refusedCells },
    firstSeen: isSeen ? formatTime(firstSeenUs) : null,
    lastSeen: isSeen ? formatTime(lastSeenUs) : null,
  };
}

/** Columns, each as wide as it must be, the first one and texts to the left, numbers to the right. */
function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (/^[\d,]+$/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** How many records of a source are not in the state yet; `undefined` where that is not known. */
function lagOf(source: string, position: string, ends: Shown['ends']): number | undefined {
  const end = ends?.get(source);
  return end === undefined ? undefined : Math.max(0, end - Number(position));
}

function lagText(lag: number | undefined): string {
  return lag === undefined ? '-' : formatCount(lag);
}

function textOf({ description, facts, clusters, ends }: Shown): string {
  const { version, bytes, sources } = description;
  const size = bytes === undefined ? 'unknown' : formatBytes(bytes);
  return [
    ...(
      [
        ['schema version', String(version ?? 'none')],
        ['size', size],
        ['only received', formatCount(facts.onlyReceived)],
        ['late', formatCount(facts.late)],
        ['lost', formatCount(facts.lost)],
      ] as const
    ).map(([what, value]) => `${what.padEnd(15)} ${value}`),
    '',
    ...tableOf([
      ['CLUSTER', 'SUBJECTS', 'RULES', 'CELLS', 'REFUSED', 'FIRST SEEN', 'LAST SEEN'],
      ...clusters.map((each) => [
        printable(each.name),
        ...[each.subjects, each.rules, each.cells, each.refusedCells].map(formatCount),
        ...[each.firstSeen ?? '', each.lastSeen ?? ''],
      ]),
    ]),
    '',
    ...tableOf([
      ['SOURCE', 'POSITION', ...(ends ? ['LAG'] : []), 'WATERMARKS'],
      ...sources.map(({ source, position, watermarks }) => [
        ...[printable(source), printable(position)],
        ...(ends ? [lagText(lagOf(source, position, ends))] : []),
        [...watermarks].map(([cluster, us]) => `${printable(cluster)} ${formatTime(us)}`).join(', '),
      ]),
    ]),
    '',
  ].join('\n');
}

function jsonOf({ description, facts, clusters, ends }: Shown): string {
  const { version, bytes, sources } = description;
  const shown = {
    schemaVersion: version ?? null,
    bytes: bytes ?? null,
    facts,
    clusters,
    sources: sources.map(({ source, position, watermarks }) => ({
      source,
      position,
      ...(ends ? { lag: lagOf(source, position, ends) ?? null } : {}),
      watermarks: [...watermarks].map(([cluster, us]) => ({ cluster, time: formatTime(us) })),
    })),
  };
  return `${safeJson(JSON.stringify(shown, null, 2))}\n`;
}

/** Prints what a state holds. */
export async function showState(
  store: DescribedStore,
  { form, ends }: { readonly form: 'table' | 'json'; readonly ends: Shown['ends'] },
  io: Io,
): Promise<void> {
  const shown = {
    ends,
    description: await store.describe(),
    facts: await store.facts(),
    clusters: (await store.read()).map(shownCluster),
  };
  io.stdout.write(form === 'json' ? jsonOf(shown) : textOf(shown));
}
