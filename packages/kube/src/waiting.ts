import { setTimeout as sleep } from 'node:timers/promises';

/** Time and chance, given from outside so that tests need neither. */
export interface Waiting {
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1, without 1: what back-off is spread by. */
  readonly random: () => number;
}

/** The clock of the machine. */
export const REAL_WAITING: Waiting = {
  sleep: (ms) => sleep(ms),
  now: () => Date.now(),
  random: () => Math.random(),
};
