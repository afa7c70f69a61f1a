import { setTimeout as sleep } from 'node:timers/promises';

import { backOffMs, DEFAULT_PATIENCE } from './connect-options.ts';
import { isUnwell, StoreConnectionError, toStoreError } from './failures.ts';
import type { Connection } from './scripts.ts';

/** How long a store waits. Times in milliseconds. */
export interface Patience {
  /** For an answer; 30 s. A whole partition may take ten times as long. */
  readonly commandTimeoutMs?: number | undefined;
  /** For a Redis that answers that it cannot write at present; 10 minutes. */
  readonly outageMs?: number | undefined;
}

/** Longest pause before a Redis is asked again that was unwell. */
const MAX_PAUSE_MS = 5000;

type GiveUp = (error: Error) => void;

/** Who waits for an answer on a connection. */
const waitingOn = new WeakMap<Connection, Set<GiveUp>>();

/** A connection has any number of stores, and one listener. */
function waitingFor(connection: Connection): Set<GiveUp> {
  const known = waitingOn.get(connection);
  if (known) return known;
  const waiting = new Set<GiveUp>();
  waitingOn.set(connection, waiting);
  connection.on('end', () => {
    for (const giveUp of waiting) giveUp(new Error('the connection to Redis has ended'));
  });
  return waiting;
}

/**
 * Asks Redis, and always comes to an end: with an answer, or with an error in time. What the client keeps in its
 * queues may still be sent after that.
 */
export class Asking {
  readonly #commandTimeoutMs: number;
  readonly #outageMs: number;
  readonly #waiting: Set<GiveUp>;

  constructor(connection: Connection, { commandTimeoutMs, outageMs }: Patience) {
    this.#commandTimeoutMs = commandTimeoutMs ?? DEFAULT_PATIENCE.commandTimeoutMs;
    this.#outageMs = outageMs ?? DEFAULT_PATIENCE.outageMs;
    this.#waiting = waitingFor(connection);
  }

  /**
   * The answer to a command. A refusal for now (full, loading, a replica) has changed nothing, so the same is asked
   * again, more and more rarely.
   * @param what - the command is for, for errors
   * @throws StoreConnectionError
   */
  async ask<T>(what: string, command: () => Promise<T>): Promise<T> {
    return this.#persist(what, () => this.#within(this.#commandTimeoutMs, command()));
  }

  /** As {@link Asking.ask}, of an answer that may be long. */
  async askForMuch<T>(what: string, command: () => Promise<T>): Promise<T> {
    return this.#persist(what, () => this.#within(10 * this.#commandTimeoutMs, command()));
  }

  async #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const end = performance.now() + this.#outageMs;
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt();
      } catch (error) {
        const pauseMs = backOffMs(attempts, MAX_PAUSE_MS);
        if (!isUnwell(error) || performance.now() + pauseMs > end) throw toStoreError(what, error);
        await sleep(pauseMs);
      }
    }
  }

  async #within<T>(ms: number, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let giveUp: GiveUp | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      giveUp = reject;
      this.#waiting.add(reject);
      timer = setTimeout(() => {
        reject(new StoreConnectionError('unreachable', `no answer from Redis for ${ms} ms`));
      }, ms);
    });
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      clearTimeout(timer);
      if (giveUp) this.#waiting.delete(giveUp);
    }
  }
}
