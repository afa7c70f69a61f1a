import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';

import { type ObservedState, observedState, type WantedState } from '@leastwise/publish';
import { followFile, type Log, retry } from '@leastwise/runtime';
import { openEmbeddedStore, StateError, type SubjectStore } from '@leastwise/state';
import {
  acquireLease,
  AlertMemory,
  closeRedis,
  type Connection,
  connectRedis,
  type Lease,
  leaseOwner,
  redisConnectionOptions,
  RedisStore,
} from '@leastwise/state-redis';

import {
  alertedSubjects,
  alertFindings,
  readAlerts,
  type RememberedAlerts,
  type SubjectsByCluster,
} from './alerted-subjects.ts';
import type { PublisherConfig } from './config.ts';
import { hasKubectlReports } from './settings.ts';

/** The right to publish, and what there is to be published. */
export interface Turn {
  /** Whether we are still the only one, as far as anybody can tell. */
  isHeld(): boolean;
  /** Gives up what is not kept until the next cycle. */
  end(): Promise<void>;
}

/** Where the state is. Disposing it gives everything up. */
export interface StateSource extends AsyncDisposable {
  /** Takes the turn; the name of who has it where somebody else does. */
  take(signal: AbortSignal): Promise<Turn | { readonly owner: string }>;
  /** Also for those whose turn it is not. @throws StateError, StoreConnectionError */
  read(): Promise<ObservedState>;
  /**
   * By cluster, keys of subjects of whom an alert was told lately; of nobody where nobody looks for alerts.
   * @throws StoreConnectionError
   */
  alerted(): Promise<SubjectsByCluster>;
  /** Whether the state can be reached right now. */
  isReady(): boolean;
  /** Whether this process is the one that publishes. */
  isLeader(): boolean;
  /** Rejects when the state is out of reach for good. */
  readonly lost: Promise<never>;
}

/** What is read forgets nothing. */
const DEDUPE_HOURS = 100_000;
const PATIENCE = { baseMs: 200, maxMs: 5000 } as const;

/**
 * Opens the state of a configuration.
 * @throws RedisSettingsError, StoreConnectionError
 */
export async function openState(config: PublisherConfig, log: Log): Promise<StateSource> {
  const { folder } = config.state;
  return folder === undefined ? await openRedis(config, log) : openFolder(folder, config, log);
}

async function openRedis(config: PublisherConfig, log: Log): Promise<StateSource> {
  const connection = await connectRedis({
    ...(await redisConnectionOptions(config.redis, followFile)),
    clientName: 'leastwise-publisher',
    outageMs: config.outage,
    onTrouble: (message) => log.warn('trouble with redis', { reason: message }),
  });
  return new RedisSource(connection, config);
}

class RedisSource implements StateSource {
  readonly lost: Promise<never>;
  readonly #connection: Connection;
  readonly #config: PublisherConfig;
  readonly #store: RedisStore;
  readonly #alerts: AlertMemory;
  /** Read for `alerted`, until `read` takes them. */
  #remembered: RememberedAlerts | undefined;
  #lease: Lease | undefined;

  constructor(connection: Connection, config: PublisherConfig) {
    const { redis, outage } = config;
    this.#connection = connection;
    this.#config = config;
    this.#store = new RedisStore(connection, {
      prefix: redis.prefix,
      dedupeHours: DEDUPE_HOURS,
      outageMs: outage,
    });
    this.#alerts = new AlertMemory(connection, { prefix: redis.prefix, outageMs: outage });
    this.lost = new Promise<never>((_, reject) => {
      connection.once('end', () => {
        reject(new Error('Redis was away for too long'));
      });
    });
    this.lost.catch(() => undefined);
  }

  async take(): Promise<Turn | { readonly owner: string }> {
    // Kept from cycle to cycle: else two publishers would take turns.
    if (!this.isLeader()) {
      await this.#lease?.release();
      const { redis, lease: ttlMs } = this.#config;
      const options = {
        key: `${redis.prefix}publisher`,
        ttlMs,
        owner: `${hostname()}, process ${process.pid}`,
      };
      this.#lease = await acquireLease(this.#connection, options);
      if (!this.#lease) return { owner: (await leaseOwner(this.#connection, options)) ?? 'unknown' };
    }
    const lease = this.#lease;
    return {
      isHeld: () => lease?.isHeld() === true,
      end: () => Promise.resolve(),
    };
  }

  read(): Promise<ObservedState> {
    const hasActivity = hasKubectlReports(this.#config);
    // Of one moment with who was held for them, where that was asked before.
    const alerts = this.#remembered;
    this.#remembered = undefined;
    return observedState(this.#store, {
      hasActivity,
      findings: async () => alertFindings(alerts ?? (await readAlerts(this.#alerts))),
    });
  }

  async alerted(): Promise<SubjectsByCluster> {
    this.#remembered = await readAlerts(this.#alerts);
    return alertedSubjects(this.#remembered, (Date.now() - this.#config.holdAfterAlert) * 1000);
  }

  isReady(): boolean {
    return this.#connection.status === 'ready';
  }

  isLeader(): boolean {
    return this.#lease?.isHeld() === true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease?.release();
    await this.#store[Symbol.asyncDispose]();
    await closeRedis(this.#connection);
  }
}

/** A folder is opened for each cycle, and locked only for that long: others fill it in between. */
function openFolder(folder: string, config: PublisherConfig, log: Log): StateSource {
  const { outage } = config;
  const wanted: WantedState = { hasActivity: hasKubectlReports(config) };
  let store: SubjectStore | undefined;
  const open = async (): Promise<SubjectStore> => {
    // Opening one that is not there would make a new one.
    const isFolder = await stat(folder).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (!isFolder) throw new StateError(`there is no state in ${folder}`);
    return openEmbeddedStore({ dir: folder });
  };
  const end = async (): Promise<void> => {
    await store?.[Symbol.asyncDispose]();
    store = undefined;
  };
  return {
    take: async (signal) => {
      const opened = await retry(open, {
        ...PATIENCE,
        totalMs: outage,
        signal,
        isRetriable: (error) => error instanceof StateError,
        onRetry: ({ error }) => log.warn('the state cannot be opened', { err: error }),
      });
      store = opened;
      return { isHeld: () => store === opened, end };
    },
    read: async () => {
      if (store !== undefined) return observedState(store, wanted);
      await using own = await open();
      return await observedState(own, wanted);
    },
    alerted: () => Promise.resolve(new Map()),
    isReady: () => true,
    isLeader: () => store !== undefined,
    lost: new Promise<never>(() => undefined),
    [Symbol.asyncDispose]: end,
  };
}
