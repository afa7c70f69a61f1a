import type { CycleResult } from './outcome.ts';

/** How long to wait between cycles. Times in milliseconds. */
export interface Pacing {
  readonly everyMs: number;
  readonly jitterMs: number;
  readonly leaseMs: number;
}

/** What the last cycles were like. */
export interface Recent {
  readonly result: CycleResult;
  /** How many outages in a row, this one included. */
  readonly outages: number;
  /** What the forge asked for. */
  readonly retryAfterMs?: number | undefined;
}

const FIRST_BACK_OFF_MS = 10_000;
/** No forge has us wait for longer. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * How long after a cycle the next one begins: the interval, and a part of the jitter. After an outage sooner, at first,
 * and doubling; never before the forge allows it. Who stands by looks as often as a lease lives.
 * @param random - in [0, 1)
 */
export function nextWaitMs({ everyMs, jitterMs, leaseMs }: Pacing, recent: Recent, random: number): number {
  const { result, outages, retryAfterMs = 0 } = recent;
  const usualMs = everyMs + random * jitterMs;
  switch (result) {
    case 'standby':
    case 'lease-lost':
      return Math.min(usualMs, leaseMs * (0.5 + random / 2));
    case 'outage': {
      const ceilingMs = FIRST_BACK_OFF_MS * 2 ** Math.min(outages - 1, 20);
      const backOffMs = Math.min(usualMs, ceilingMs * (0.5 + random / 2));
      return Math.max(backOffMs, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
    }
    default:
      return usualMs;
  }
}
