import { randomUUID } from 'node:crypto';

import { Asking } from './asking.ts';
import { StoreConnectionError } from './failures.ts';
import { LeaseScripts } from './lease-scripts.ts';
import type { Connection } from './scripts.ts';

/** What a lease is for, and whose. */
export interface LeaseOptions {
  /** The one key in Redis that the lease is. */
  readonly key: string;
  /** For how long it outlives a holder that is gone, in milliseconds; 100 or more. It is renewed three times as often. */
  readonly ttlMs: number;
  /** Who takes it, for people; cut at 200 characters. */
  readonly owner: string;
}

/** The right to be the only one, for as long as Redis and our clock agree. It stops others early; it fences nobody. */
export interface Lease extends AsyncDisposable {
  /** Aborts, with a {@link LostLeaseError}, when the lease is lost; not when it is released. */
  readonly signal: AbortSignal;
  /**
   * Whether it is ours at this moment. Asks the clock, so it is right at once after the process stood still, before any
   * timer has run.
   */
  isHeld(): boolean;
  /** Gives it up, for the next one to take at once. What cannot be told to Redis ends by itself. Never rejects. */
  release(): Promise<void>;
}

/** A lease that is not ours any more, without our having released it. */
export class LostLeaseError extends Error {
  override readonly name = 'LostLeaseError';
  readonly code = 'LW_LEASE_LOST';
}

const OWNER_CHARACTERS = 200;
const LEAST_TTL_MS = 100;

/**
 * Takes a lease, if nobody has it, and renews it until it is released or lost. It is lost where Redis does not have it
 * as ours any more (it restarted empty, or went back in time), and where it could not be renewed for `ttlMs` (Redis is
 * away, or this process stood still); by our clock it ends before Redis lets somebody else have it.
 * @returns `undefined` where somebody else has it
 * @throws StoreConnectionError where Redis does not answer; then a lease that was taken all the same ends by itself
 * @throws RangeError for a time that is too short
 */
export async function acquireLease(
  connection: Connection,
  options: LeaseOptions,
): Promise<Lease | undefined> {
  const { key, ttlMs, owner } = options;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < LEAST_TTL_MS) {
    throw new RangeError(`a lease lives for at least ${LEAST_TTL_MS} ms`);
  }
  const value = `${randomUUID()} ${owner.slice(0, OWNER_CHARACTERS)}`;
  const scripts = new LeaseScripts(connection);
  const asking = new Asking(connection, { commandTimeoutMs: ttlMs, outageMs: ttlMs });
  const sentMs = performance.now();
  if (!(await asking.ask('lease', () => scripts.take(key, value, ttlMs)))) return undefined;
  return new HeldLease({ key, value, ttlMs, scripts, asking }, sentMs);
}

/** Who has a lease, as it named itself; `undefined` where nobody has it. @throws StoreConnectionError */
export async function leaseOwner(
  connection: Connection,
  { key, ttlMs }: Pick<LeaseOptions, 'key' | 'ttlMs'>,
): Promise<string | undefined> {
  const asking = new Asking(connection, { commandTimeoutMs: ttlMs, outageMs: ttlMs });
  const value = await asking.ask('lease', () => connection.get(key));
  return value === null ? undefined : value.slice(value.indexOf(' ') + 1);
}

interface Holding {
  readonly key: string;
  readonly value: string;
  readonly ttlMs: number;
  readonly scripts: LeaseScripts;
  readonly asking: Asking;
}

class HeldLease implements Lease {
  readonly #holding: Holding;
  readonly #lost = new AbortController();
  readonly #renewing: NodeJS.Timeout;
  #ending: NodeJS.Timeout | undefined;
  #endMs = 0;
  #isReleased = false;
  #isAsking = false;

  constructor(holding: Holding, sentMs: number) {
    this.#holding = holding;
    this.#liveFrom(sentMs);
    // A process that has nothing else to do may end.
    this.#renewing = setInterval(() => void this.#renew(), holding.ttlMs / 3).unref();
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  isHeld(): boolean {
    return !this.#isReleased && !this.#lost.signal.aborted && performance.now() < this.#endMs;
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#stop();
    const { key, value, scripts, asking } = this.#holding;
    // Also one that is lost by our clock: in Redis it may still keep others waiting.
    await asking.ask('lease', () => scripts.release(key, value)).catch(() => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** @param sentMs - when the command was sent: Redis counts from later, so we end before it does. */
  #liveFrom(sentMs: number): void {
    this.#endMs = sentMs + this.#holding.ttlMs;
    clearTimeout(this.#ending);
    const leftMs = Math.max(0, this.#endMs - performance.now());
    this.#ending = setTimeout(() => {
      this.#lose(`it could not be renewed for ${this.#holding.ttlMs} ms`);
    }, leftMs).unref();
  }

  async #renew(): Promise<void> {
    if (this.#isAsking) return;
    if (!this.isHeld()) {
      this.#lose(`it could not be renewed for ${this.#holding.ttlMs} ms`);
      return;
    }
    this.#isAsking = true;
    const { key, value, ttlMs, scripts, asking } = this.#holding;
    const sentMs = performance.now();
    try {
      const isOurs = await asking.ask('lease', () => scripts.renew(key, value, ttlMs));
      if (!isOurs) this.#lose('Redis does not have it as ours any more');
      else if (this.isHeld()) this.#liveFrom(sentMs);
    } catch (error) {
      // An outage may pass before the lease ends; whatever else Redis says will be the same the next time.
      if (!(error instanceof StoreConnectionError)) this.#lose('Redis refuses to renew it');
    } finally {
      this.#isAsking = false;
    }
  }

  #lose(why: string): void {
    this.#stop();
    if (this.#isReleased) return;
    this.#lost.abort(new LostLeaseError(`the lease ${this.#holding.key} is lost: ${why}`));
  }

  #stop(): void {
    clearInterval(this.#renewing);
    clearTimeout(this.#ending);
  }
}
