import {
  type CycleOutcome,
  createMemoryRemote,
  type ObservedState,
  type ReviewAction,
  type ReviewOutcome,
} from '@leastwise/publish';
import { DEFAULT_OPTIONS } from '@leastwise/rbac';
import { createLog, createMetrics } from '@leastwise/runtime';

import type { Cycle, CycleParts } from '../cycle.ts';
import { PublisherMetrics } from '../metrics.ts';
import type { StateSource } from '../state-source.ts';

/** A branch of ours, by its group. */
export const BRANCH = 'leastwise/prod.shop.additions';

/** A step that leaves a branch alone. */
export function leave(
  reason: Extract<ReviewAction, { action: 'leave' }>['reason'],
  branch = BRANCH,
): ReviewAction {
  return { action: 'leave', branch, sentence: `Leave ${branch}.`, reason };
}

/** A step that pushes to a branch. */
export function push(branch = BRANCH, to = branch): ReviewAction {
  const commit = { branch: to, parent: 'a', changes: [], message: 'm', expected: undefined };
  return { action: 'push', branch, sentence: `Push to ${branch}.`, commit };
}

/** What a cycle gives that planned these actions and did them, but for those that are told. */
export function outcomeOf(
  actions: readonly ReviewAction[],
  told: readonly Partial<ReviewOutcome>[] = [],
  more: Partial<CycleOutcome> = {},
): CycleOutcome {
  return {
    plan: { actions },
    proposals: [],
    withheld: new Map(),
    waiting: new Map(),
    problems: [],
    issues: [],
    comments: [],
    policies: new Map(),
    scores: new Map(),
    outcomes: actions.map((action, i) => ({ action, result: 'done', ...told[i] })),
    failures: [],
    ...more,
  };
}

const NOTHING: ObservedState = { clusters: [], late: 0, lost: 0 };

/** A state that is there, and is ours for as long as `turn.isHeld`. */
export function fakeSource(
  more: Partial<StateSource> = {},
): StateSource & { turn: { isHeld: boolean; ends: number } } {
  const turn = { isHeld: true, ends: 0 };
  return {
    turn,
    take: async () => ({
      isHeld: () => turn.isHeld,
      end: async () => {
        turn.ends += 1;
      },
    }),
    read: async () => NOTHING,
    alerted: async () => new Map(),
    isReady: () => true,
    isLeader: () => turn.isHeld,
    lost: new Promise<never>(() => undefined),
    [Symbol.asyncDispose]: async () => undefined,
    ...more,
  };
}

/** A line of the log. */
export type Line = Readonly<Record<string, unknown>>;

/** The parts of a cycle, with what it logs and counts. */
export function fakeParts(run: Cycle, more: Partial<CycleParts> = {}) {
  const lines: Line[] = [];
  const registry = createMetrics();
  const stop = new AbortController();
  const moves = { count: 0 };
  const parts: CycleParts = {
    source: fakeSource(),
    settings: async () => ({
      base: 'main',
      directly: 'nothing',
      options: DEFAULT_OPTIONS,
      version: '0',
      codeownersDialect: 'github',
      publishesReports: true,
    }),
    repository: { remote: createMemoryRemote(), pulls: undefined },
    run,
    writeReports: async () => undefined,
    metrics: new PublisherMetrics(registry, () => true),
    log: createLog({ name: 'test', level: 'debug', write: (line) => lines.push(JSON.parse(line) as Line) }),
    stop: stop.signal,
    onMove: () => {
      moves.count += 1;
    },
    ...more,
  };
  /** The series of a metric that are not 0, by their labels. */
  const series = async (name: string): Promise<Record<string, number>> => {
    const text = await registry.text();
    const found = [...text.matchAll(new RegExp(`^leastwise_publisher_${name}(?:\\{(.*)\\})? (.+)$`, 'gm'))];
    const entries = found.map(([, labels = '', value]): [string, number] => [labels, Number(value)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== 0));
  };
  return { parts, lines, stop, moves, series };
}
