import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** How long something has been failing. */
export interface Outage {
  /** It works. */
  over(): void;
  /**
   * It failed: waits for a while, longer each time.
   * @returns `too-long`, at once, where it has been failing for too long
   */
  wait(signal: AbortSignal): Promise<'waited' | 'aborted' | 'too-long'>;
}

/** Waits for at most `lastsMs` from the first failure on. */
export function createOutage(lastsMs: number, now: () => number = Date.now): Outage {
  let begun: number | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  return {
    over() {
      begun = undefined;
      pauseMs = FIRST_PAUSE_MS;
    },
    async wait(signal) {
      begun ??= now();
      const leftMs = begun + lastsMs - now();
      if (isAborted(signal)) return 'aborted';
      if (leftMs <= 0) return 'too-long';
      const ms = Math.min(pauseMs, leftMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await sleep(ms, undefined, { signal }).catch(() => undefined);
      return isAborted(signal) ? 'aborted' : 'waited';
    },
  };
}

/** By way of a function, since the answer changes while one waits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
