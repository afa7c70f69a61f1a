import {
  type CycleOutcome,
  type CyclePorts,
  type CycleSettings,
  ForgeError,
  type ObservedState,
} from '@leastwise/publish';
import type { Log } from '@leastwise/runtime';

import { AuditPolicyError } from './audit-policies.ts';
import { ExistingRbacError } from './existing.ts';
import type { PublisherMetrics } from './metrics.ts';
import {
  CycleEndedError,
  type CycleResult,
  forgeErrorsOf,
  isUnfinished,
  resultOf,
  resultOfError,
} from './outcome.ts';
import { CycleProgress } from './progress.ts';
import type { StateSource, Turn } from './state-source.ts';

/** `planCycle` or `runCycle`. */
export type Cycle = (
  state: ObservedState,
  settings: CycleSettings,
  ports: CyclePorts,
) => Promise<CycleOutcome>;

/** What a cycle is made of. */
export interface CycleParts {
  readonly source: StateSource;
  /** Reads what may change from cycle to cycle. @throws ExistingRbacError, AuditPolicyError */
  readonly settings: () => Promise<CycleSettings>;
  readonly repository: Pick<CyclePorts, 'remote' | 'pulls'>;
  readonly run: Cycle;
  readonly metrics: PublisherMetrics;
  /** Brings the policy reports in the clusters to what a cycle inferred. What it throws ends the cycle. */
  readonly writeReports: (outcome: CycleOutcome, goOn: () => void) => Promise<void>;
  readonly log: Log;
  /** Aborted when the process is told to stop. */
  readonly stop: AbortSignal;
  /** Told at every sign of life. */
  readonly onMove: () => void;
}

/** How one cycle ended. */
export interface Ended {
  readonly result: CycleResult;
  readonly retryAfterMs?: number | undefined;
  /** Whether the next cycle can go on at once. */
  readonly isUnfinished?: boolean;
}

const MAX_LOGGED = 100;

/**
 * One cycle: takes its turn, reads the state, has it published, and tells of it. It ends between two steps when the
 * process is told to stop, or the lease is lost.
 * @throws StateError, StoreConnectionError, and bugs; all else is the answer
 */
export async function runOneCycle(parts: CycleParts): Promise<Ended> {
  const { source, metrics, log, stop } = parts;
  let ended: Ended;
  try {
    const turn = await source.take(stop);
    if ('owner' in turn) {
      log.info('another publisher has the lease', { owner: turn.owner });
      ended = { result: 'standby' };
    } else {
      ended = await publish(turn, parts).finally(() => turn.end());
    }
  } catch (error) {
    ended = endedBy(error, parts);
  }
  metrics.count(ended.result, Date.now());
  return ended;
}

async function publish(turn: Turn, parts: CycleParts): Promise<Ended> {
  const { run, repository, metrics, log } = parts;
  const goOn = (): void => {
    parts.onMove();
    if (parts.stop.aborted) throw new CycleEndedError('stopped');
    if (!turn.isHeld()) throw new CycleEndedError('lease-lost');
  };
  const progress = new CycleProgress({ log, now: () => performance.now(), onMove: goOn });
  const settings = await parts.settings();
  const state = await parts.source.read();
  goOn();
  try {
    const outcome = await run(state, settings, {
      ...repository,
      nowUs: Date.now() * 1000,
      onStep: goOn,
      onProgress: (what, done, total) => {
        progress.note(what, done, total);
      },
    });
    metrics.tell(outcome, settings.base);
    logOutcome(outcome, log);
    await parts.writeReports(outcome, goOn);
    const retryAfterMs = Math.max(0, ...forgeErrorsOf(outcome).map((error) => error.retryAfterMs ?? 0));
    return { result: resultOf(outcome), retryAfterMs, isUnfinished: isUnfinished(outcome) };
  } finally {
    metrics.time(progress.seconds);
  }
}

function endedBy(error: unknown, { metrics, log, stop }: CycleParts): Ended {
  // Waiting for the state ends with the reason of the signal itself.
  const result = stop.aborted && error === stop.reason ? 'stopped' : resultOfError(error);
  if (result === undefined) throw error;
  if (error instanceof ForgeError) metrics.countForgeError(error.failure);
  switch (result) {
    case 'stopped':
      log.info('the cycle was ended: told to stop');
      break;
    case 'lease-lost':
      log.warn('the cycle was ended: the lease is lost');
      break;
    case 'outage':
      log.warn('the repository cannot be reached', { err: error });
      break;
    case 'promise-broken':
      log.error('a policy would break a promise: nothing was published; this is a bug, report it', {
        err: error,
      });
      break;
    default:
      log.error('nothing was published', { reason: result, err: error });
      if (error instanceof ExistingRbacError || error instanceof AuditPolicyError)
        logEach(error.problems, log);
  }
  return { result, ...(error instanceof ForgeError ? { retryAfterMs: error.retryAfterMs } : {}) };
}

function logOutcome(outcome: CycleOutcome, log: Log): void {
  const { plan, outcomes, problems, proposals } = outcome;
  for (const { action, result, error, pull } of outcomes) {
    const fields = { branch: action.branch, sentence: action.sentence, ...(pull && { url: pull.url }) };
    if (result === 'done') log[action.action === 'leave' ? 'debug' : 'info']('done', fields);
    else log.warn('not done', { ...fields, result, ...(error && { err: error }) });
  }
  for (const error of outcome.failures) log.warn('the forge did not take it', { err: error });
  logEach(problems, log);
  log.info('cycle ended', {
    proposals: proposals.length,
    actions: plan.actions.length,
    problems: problems.length,
  });
}

function logEach(problems: readonly string[], log: Log): void {
  for (const problem of problems.slice(0, MAX_LOGGED)) log.warn('wants a person', { problem });
  const rest = problems.length - MAX_LOGGED;
  if (rest > 0) log.warn('more problems than are told', { rest });
}
