import type { OnProgress } from '@leastwise/publish';
import type { Log } from '@leastwise/runtime';

/** What a cycle spends its time with. */
export type Phase = Parameters<OnProgress>[0];

/** What progress needs of its surroundings. */
export interface ProgressPorts {
  readonly log: Pick<Log, 'info'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Told at every sign of life. */
  readonly onMove: () => void;
}

const SAY_EVERY_MS = 10_000;

/** Follows one cycle: says how far it has come, at most every ten seconds, and sums up how long each phase took. */
export class CycleProgress {
  readonly #ports: ProgressPorts;
  readonly #seconds = new Map<Phase, number>();
  #saidMs: number;
  #phase: { readonly what: Phase; readonly sinceMs: number } | undefined;

  constructor(ports: ProgressPorts) {
    this.#ports = ports;
    this.#saidMs = ports.now();
  }

  /** Seconds by phase, of those that there were. */
  get seconds(): ReadonlyMap<Phase, number> {
    return this.#seconds;
  }

  /** Takes note of what a cycle tells. */
  note(what: Phase, done: number, total: number): void {
    this.#ports.onMove();
    const nowMs = this.#ports.now();
    this.#add(what, nowMs, done);
    // What is through needs no word.
    if (nowMs - this.#saidMs < SAY_EVERY_MS || done === total) return;
    this.#saidMs = nowMs;
    this.#ports.log.info('working', { what, done, total });
  }

  #add(what: Phase, nowMs: number, done: number): void {
    // A phase begins with none done; what was before belongs to nobody.
    const last = this.#phase;
    if (done > 0 && last?.what === what) {
      const tookSeconds = (nowMs - last.sinceMs) / 1000;
      this.#seconds.set(what, (this.#seconds.get(what) ?? 0) + tookSeconds);
    }
    this.#phase = { what, sinceMs: nowMs };
  }
}
