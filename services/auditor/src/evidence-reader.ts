import type { ClusterState } from '@leastwise/rbac';
import { followFile, type Log } from '@leastwise/runtime';
import { StateError, type SubjectStore } from '@leastwise/state';
import {
  closeRedis,
  connectRedis,
  redisConnectionOptions,
  RedisSettingsError,
  RedisStore,
  StoreConnectionError,
} from '@leastwise/state-redis';

import type { AuditorConfig } from './config.ts';

/** What aggregators counted, at one moment. */
export interface Evidence {
  readonly clusters: ReadonlyMap<string, ClusterState>;
  /** Events that were lost before they were read. */
  readonly lost: number;
}

/** A store to read from, and the way to it. */
export type EvidenceStore = Pick<SubjectStore, 'read' | 'facts'> & AsyncDisposable;

/** Reads evidence, for all clusters at once. Where that fails nothing is known, and the log says so once. */
export class EvidenceReader implements AsyncDisposable {
  readonly #open: () => Promise<EvidenceStore>;
  readonly #log: Log;
  #store: EvidenceStore | undefined;
  #reading: Promise<Evidence | undefined> | undefined;
  /** The kind of what was said last of why nothing is known. */
  #trouble: string | undefined;

  /** @param open - finds the way to the store anew, after each failure */
  constructor(open: () => Promise<EvidenceStore>, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  /** What is known now; `undefined` where the store is out of reach, damaged or empty. Those who ask at once share an answer. */
  read(): Promise<Evidence | undefined> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<Evidence | undefined> {
    try {
      this.#store ??= await this.#open();
      const states = await this.#store.read();
      const { lost } = await this.#store.facts();
      if (states.length === 0) {
        this.#say('empty', 'the state is empty');
        return undefined;
      }
      this.#trouble = undefined;
      return { clusters: new Map(states.map((state) => [state.cluster, state])), lost };
    } catch (error) {
      if (!isTrouble(error)) throw error;
      await this.#close();
      this.#say(error.name, error.message);
      return undefined;
    }
  }

  /** @param kind - what is said once, whatever the words, which may tell of times */
  #say(kind: string, reason: string): void {
    if (this.#trouble !== kind)
      this.#log.warn('nothing is called unused: evidence cannot be read', { reason });
    this.#trouble = kind;
  }

  async #close(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await this.#reading?.catch(() => undefined);
  }
}

/** What may pass, or is for somebody to mend while the auditor goes on; all else is a bug. */
function isTrouble(error: unknown): error is Error {
  return [StateError, StoreConnectionError, RedisSettingsError].some((kind) => error instanceof kind);
}

/** What is read forgets nothing. */
const DEDUPE_HOURS = 100_000;

/** The way to the Redis of a configuration; `undefined` where it names none. */
export function redisEvidence(
  { redis, outage }: Pick<AuditorConfig, 'redis' | 'outage'>,
  log: Log,
): (() => Promise<EvidenceStore>) | undefined {
  if (redis.nodes.length === 0) return undefined;
  return async () => {
    const connection = await connectRedis({
      ...(await redisConnectionOptions(redis, followFile)),
      clientName: 'leastwise-auditor',
      outageMs: outage,
      onTrouble: (reason) => log.info('trouble with redis', { reason }),
    });
    const store = new RedisStore(connection, {
      prefix: redis.prefix,
      dedupeHours: DEDUPE_HOURS,
      outageMs: outage,
    });
    return {
      read: () => store.read(),
      facts: () => store.facts(),
      [Symbol.asyncDispose]: async () => {
        await store[Symbol.asyncDispose]();
        await closeRedis(connection);
      },
    };
  };
}
