import type { ActivityState } from '@leastwise/activity';
import { subjectKey } from '@leastwise/audit-event';
import type { ClusterState, Evidence } from '@leastwise/rbac';
import { ACTIVITY_RETENTION } from '@leastwise/state';

import { type PartitionContent, readPartition, wholeClusters } from '../partition-content.ts';
import type { Connection } from '../scripts.ts';
import { granterOf, type LogEvent } from './events.ts';

const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;

const MINUTE_US = 60_000_000;
/** How long the windows are and how many of them are kept. */
const WINDOWS = [
  { kind: '5m', us: 5 * MINUTE_US, kept: 72 },
  { kind: '1h', us: HOUR_US, kept: 72 },
] as const;

/** What a state says, as plain values: cells, windows, namespaces and clusters by their names, and the numbers. */
export interface Plain {
  /** By window and user: how many requests, the first, the last. */
  readonly windows: Readonly<Record<string, readonly number[]>>;
  readonly cells: Readonly<Record<string, unknown>>;
  readonly namespaces: Readonly<Record<string, unknown>>;
  readonly clusters: Readonly<Record<string, unknown>>;
  readonly watermarks: Readonly<Record<string, number>>;
  readonly numbers: { readonly late: number; readonly lost: number; readonly onlyReceived: number };
}

interface Cell {
  count: number;
  first: [us: number, auditID: string];
  last: [us: number, auditID: string];
  readonly days: Set<number>;
  /** The last day of each. */
  readonly granters: Map<string, number>;
}

function record<V>(entries: Iterable<readonly [string, V]>): Record<string, V> {
  return Object.fromEntries([...entries].map(([key, value]) => [`=${key}`, value]));
}

function nameOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** What is to stand in a state after a log, by the rules and in the simplest way: one record after the other. */
export function expectedOf(log: readonly LogEvent[], dedupeHours: number): Plain {
  const cells = new Map<string, Cell>();
  const windows = new Map<string, Spans>();
  const namespaces = new Map<string, number>();
  const clusters = new Map<string, [number, number]>();
  const watermarks = new Map<string, number>();
  const [counted, settled, received] = [new Set<number>(), new Set<number>(), new Set<number>()];
  let late = 0;
  for (const event of log) {
    const { n, us, cluster, kind } = event;
    const watermark = watermarks.get(cluster);
    const isNewest = watermark === undefined || us > watermark;
    if (isNewest) watermarks.set(cluster, us);
    const isLate = !isNewest && Math.floor(watermark / HOUR_US) - Math.floor(us / HOUR_US) > dedupeHours;
    if (kind === 'received' || kind === 'nobody') {
      if (!isLate) (kind === 'received' ? received : settled).add(n);
      continue;
    }
    if (isLate) late += 1;
    const isCounted = !isLate && !counted.has(n);
    if (!isLate) counted.add(n);
    note(cells, event, isCounted ? 1 : 0);
    if (isCounted) noteWindows(windows, event);
    const space = nameOf(cluster, event.namespace);
    if (kind === 'allowed') namespaces.set(space, Math.max(us, namespaces.get(space) ?? 0));
    const [first, last] = clusters.get(cluster) ?? [us, us];
    clusters.set(cluster, [Math.min(first, us), Math.max(last, us)]);
  }
  const open = [...received].filter((n) => !counted.has(n) && !settled.has(n));
  return {
    cells: record([...cells].map(([key, cell]) => [key, plainCell(cell)] as const)),
    windows: keptWindows(windows, watermarks),
    namespaces: record(namespaces),
    clusters: record(clusters),
    watermarks: record(watermarks),
    numbers: { late, lost: 0, onlyReceived: open.length },
  };
}

function note(cells: Map<string, Cell>, event: LogEvent, count: number): void {
  const { n, us, cluster, kind, user, verb, namespace, name } = event;
  const key = nameOf(cluster, kind, user, verb, namespace, name);
  const id = `audit-${n}`;
  const fresh = { days: new Set<number>(), granters: new Map<string, number>() };
  const cell: Cell = cells.get(key) ?? { count: 0, first: [us, id], last: [us, id], ...fresh };
  cells.set(key, cell);
  cell.count += count;
  if (us < cell.first[0] || (us === cell.first[0] && id < cell.first[1])) cell.first = [us, id];
  if (us > cell.last[0] || (us === cell.last[0] && id < cell.last[1])) cell.last = [us, id];
  const day = Math.floor(us / DAY_US);
  cell.days.add(day);
  const granter = granterOf(event);
  if (!granter) return;
  const granterKey = `${granter.namespace}/${granter.name}/Role/r`;
  cell.granters.set(granterKey, Math.max(day, cell.granters.get(granterKey) ?? day));
}

/** By window, and then by user, how many requests, the first, the last. */
interface Spans {
  readonly cluster: string;
  readonly window: (typeof WINDOWS)[number];
  readonly number: number;
  readonly users: Map<string, [count: number, first: number, last: number]>;
}

function noteWindows(windows: Map<string, Spans>, { cluster, us, user }: LogEvent): void {
  for (const window of WINDOWS) {
    const number = Math.floor(us / window.us);
    const key = nameOf(cluster, window.kind, String(number));
    const spans: Spans = windows.get(key) ?? { cluster, window, number, users: new Map() };
    windows.set(key, spans);
    const subject = subjectKey({ kind: 'User', namespace: '', name: user });
    const [count, first, last] = spans.users.get(subject) ?? [0, us, us];
    spans.users.set(subject, [count + 1, Math.min(first, us), Math.max(last, us)]);
  }
}

function keptWindows(
  windows: ReadonlyMap<string, Spans>,
  watermarks: ReadonlyMap<string, number>,
): Plain['windows'] {
  const kept: [string, readonly number[]][] = [];
  for (const [key, { cluster, window, number, users }] of windows) {
    const newest = Math.floor((watermarks.get(cluster) ?? 0) / window.us);
    if (number <= newest - window.kept) continue;
    for (const [subject, spans] of users) kept.push([`${key} ${subject}`, spans]);
  }
  return record(kept);
}

/** The same of windows as they are. */
function plainWindows(
  activities: ReadonlyMap<string, ActivityState>,
  watermarks: ReadonlyMap<string, number>,
): Plain['windows'] {
  const found = new Map<string, Spans>();
  for (const [cluster, activity] of activities) {
    for (const { kind, number, subjects } of activity.windows.values()) {
      const window = WINDOWS.find((each) => each.kind === kind) ?? WINDOWS[0];
      const users: Spans['users'] = new Map();
      found.set(nameOf(cluster, kind, String(number)), { cluster, window, number, users });
      for (const [subject, tallies] of subjects) {
        const all = [...tallies.values()];
        const count = all.reduce((sum, each) => sum + each.count, 0);
        const [first, last] = [all.map((each) => each.firstUs), all.map((each) => each.lastUs)];
        users.set(subject, [count, Math.min(...first), Math.max(...last)]);
      }
    }
  }
  return keptWindows(found, watermarks);
}

function plainCell({ count, first, last, days, granters }: Cell): unknown {
  const named = [...granters].sort(([a], [b]) => (a < b ? -1 : 1));
  return { count, first, last, days: [...days].sort((a, b) => a - b), granters: named };
}

function plainEvidence({ count, days, ...rest }: Evidence): unknown {
  return {
    count,
    first: [rest.firstSeenUs, rest.firstAuditID],
    last: [rest.lastSeenUs, rest.lastAuditID],
    days: [...days],
    granters: rest.grantingBindings.map(({ key, lastDay }) => [key, lastDay]),
  };
}

/** The same of clusters as they are. */
function plainClusters(clusters: Iterable<ClusterState>): Pick<Plain, 'cells' | 'namespaces' | 'clusters'> {
  const cells = new Map<string, unknown>();
  const namespaces = new Map<string, number>();
  const spans = new Map<string, unknown>();
  for (const state of clusters) {
    const { cluster } = state;
    if (state.lastSeenUs > 0) spans.set(cluster, [state.firstSeenUs, state.lastSeenUs]);
    for (const [namespace, { lastSeenUs }] of state.namespaces) {
      namespaces.set(nameOf(cluster, namespace), lastSeenUs);
    }
    for (const { subject, allowed, denied } of state.subjects.values()) {
      for (const [kind, { rules }] of [['allowed', allowed] as const, ['denied', denied] as const]) {
        for (const { verb, namespace, names } of rules.values()) {
          for (const [name, evidence] of names) {
            cells.set(nameOf(cluster, kind, subject.name, verb, namespace, name), plainEvidence(evidence));
          }
        }
      }
    }
  }
  return { cells: record(cells), namespaces: record(namespaces), clusters: record(spans) };
}

/** A partition as it stands in Redis. */
export async function contentOf(
  connection: Connection,
  key: string,
  dedupeHours: number,
  keepDays = 400,
): Promise<PartitionContent> {
  const reply = (await connection.callBuffer('HGETALL', key)) as Buffer[];
  return readPartition(key, reply, { dedupeHours, keepDays, activityRetention: ACTIVITY_RETENTION });
}

/** A partition as it stands in Redis, as plain values. */
export async function plainOf(
  connection: Connection,
  key: string,
  dedupeHours: number,
  keepDays = 400,
): Promise<Plain> {
  const content = await contentOf(connection, key, dedupeHours, keepDays);
  const { late, lost } = content.tally;
  const activities = new Map<string, ActivityState>();
  content.windows.mergeInto(activities);
  return {
    ...plainClusters(wholeClusters(content).values()),
    windows: plainWindows(activities, content.watermarks),
    watermarks: record(content.watermarks),
    numbers: { late, lost, onlyReceived: content.remembered.onlyReceived + content.forgottenReceived },
  };
}
