import { setTimeout as sleep } from 'node:timers/promises';

import { type OpenedRepository, openRepository } from '@leastwise/forge';
import { PublishError, runCycle } from '@leastwise/publish';
import {
  createMetrics,
  type HealthServer,
  type Log,
  type Metrics,
  type RunningService,
  startHealthServer,
} from '@leastwise/runtime';

import type { PublisherConfig } from './config.ts';
import { type Cycle, type CycleParts, runOneCycle } from './cycle.ts';
import { PublisherMetrics } from './metrics.ts';
import type { CycleResult } from './outcome.ts';
import { nextWaitMs } from './pacing.ts';
import { reportTargets, waitingUntil, writePolicyReports } from './policy-reports.ts';
import { Pulse } from './pulse.ts';
import { activitySettings, clusterFiles, cycleSettings, repositorySettings } from './settings.ts';
import { openState, type StateSource } from './state-source.ts';
import { UnusableConfigError } from './unusable.ts';

/** A publisher at work. */
export interface Publisher extends RunningService {
  readonly ended: Promise<void>;
  /** Where health and metrics are served. */
  readonly address: HealthServer['address'];
}

/** What is not configured. */
export interface PublisherOptions {
  /** Of this program. */
  readonly version: string;
  /** The cycle itself; for tests. */
  readonly run?: Cycle;
}

/** A loop that gives no sign of life for so many intervals is dead. */
const DEAD_INTERVALS = 4;
const LEAST_DEAD_MS = 600_000;
/** How cycles end that leave nothing for anybody to look after. */
const FINE: ReadonlySet<CycleResult> = new Set(['done', 'standby']);

/** What the loop leaves for others to see. */
interface LoopState {
  readonly pulse: Pulse;
  last: CycleResult | undefined;
}

/**
 * Starts a publisher: opens the state and the repository, serves health and metrics, and publishes at the interval.
 * @throws UnusableConfigError where the configuration makes a start useless; StoreConnectionError without Redis
 */
export async function startPublisher(
  config: PublisherConfig,
  log: Log,
  options: PublisherOptions,
): Promise<Publisher> {
  const opened: AsyncDisposable[] = [];
  const closeAll = async (): Promise<void> => {
    for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
  };
  try {
    const repository = await openConfigured(config);
    opened.push(repository);
    const source = await openState(config, log);
    opened.push(source);
    const limitMs = Math.max(LEAST_DEAD_MS, DEAD_INTERVALS * config.every);
    const state: LoopState = { pulse: new Pulse(() => performance.now(), limitMs), last: undefined };
    const metrics = createMetrics();
    const health = await serve({ config, metrics, log }, source, state);
    opened.push(health);
    const stop = new AbortController();
    const parts = makeParts(
      { config, options, log, metrics },
      { repository, source, state, stop: stop.signal },
    );
    const running = loop(config, parts, state);
    const ended = Promise.race([running, source.lost]);
    ended.catch(() => undefined);
    return {
      ended,
      address: health.address,
      [Symbol.asyncDispose]: async () => {
        stop.abort(new DOMException('told to stop', 'AbortError'));
        // What failed is told by `ended`.
        await running.catch(() => undefined);
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function openConfigured(config: PublisherConfig): Promise<OpenedRepository> {
  try {
    return await openRepository(repositorySettings(config));
  } catch (cause) {
    if (!(cause instanceof PublishError)) throw cause;
    throw new UnusableConfigError(`the repository cannot be used: ${cause.message}`, { cause });
  }
}

interface Telling {
  readonly config: PublisherConfig;
  readonly metrics: Metrics;
  readonly log: Log;
}

async function serve(
  { config, metrics, log }: Telling,
  source: StateSource,
  state: LoopState,
): Promise<HealthServer> {
  const health = await startHealthServer({
    ...config.http,
    checks: {
      live: { moving: () => state.pulse.isBeating() },
      ready: {
        state: () => source.isReady(),
        cycle: () => state.last !== undefined && FINE.has(state.last),
      },
    },
    metrics,
    log,
  });
  log.info('serving health and metrics', health.address);
  return health;
}

function makeParts(
  { config, options, metrics, log }: Telling & { readonly options: PublisherOptions },
  surroundings: Pick<CycleParts, 'source' | 'stop'> & {
    readonly repository: OpenedRepository;
    readonly state: LoopState;
  },
): CycleParts {
  const { source, repository, state, stop } = surroundings;
  const { remote, pulls, filesUrl } = repository;
  const publisherMetrics = new PublisherMetrics(metrics, () => source.isLeader());
  const { namespace } = config.policyReports;
  const targets = reportTargets(config.policyReports);
  const reported = new Set(targets.map(({ cluster }) => cluster));
  const warn = (problem: string): void => {
    log.warn('wants a person', { problem });
  };
  return {
    source,
    stop,
    repository: { remote, pulls },
    settings: async () => {
      const settings = cycleSettings(config, options.version, filesUrl);
      const held = await source.alerted();
      const read = { ...(await clusterFiles(config)), ...(await activitySettings(config, warn)) };
      return { ...settings, ...read, held, tellsPoliciesOf: reported };
    },
    run: options.run ?? runCycle,
    metrics: publisherMetrics,
    writeReports: (outcome, goOn) =>
      writePolicyReports(outcome, {
        ...{ targets, namespace, goOn, log, metrics: publisherMetrics },
        waiting: waitingUntil(stop, goOn),
      }),
    log,
    onMove: () => {
      state.pulse.move();
    },
  };
}

async function loop(config: PublisherConfig, parts: CycleParts, state: LoopState): Promise<void> {
  const pacing = { everyMs: config.every, jitterMs: config.jitter, leaseMs: config.lease };
  let outages = 0;
  while (!parts.stop.aborted) {
    state.pulse.move();
    const { result, retryAfterMs, isUnfinished = false } = await runOneCycle(parts);
    state.last = result;
    outages = result === 'outage' ? outages + 1 : 0;
    if (result === 'done' && isUnfinished) continue;
    const waitMs = nextWaitMs(pacing, { result, outages, retryAfterMs }, Math.random());
    state.pulse.move(waitMs);
    parts.log.debug('waiting', { waitMs: Math.round(waitMs) });
    await sleep(waitMs, undefined, { signal: parts.stop }).catch(() => undefined);
  }
}
