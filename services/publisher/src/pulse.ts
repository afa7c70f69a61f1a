/** Knows whether a loop still moves: each sign of life is good until a deadline. */
export class Pulse {
  readonly #now: () => number;
  readonly #limitMs: number;
  #deadlineMs = 0;

  /**
   * @param now - monotonic milliseconds
   * @param limitMs - for how long work may give no sign of life
   */
  constructor(now: () => number, limitMs: number) {
    this.#now = now;
    this.#limitMs = limitMs;
    this.move();
  }

  /** Something was done. @param waitMs - and now nothing will be, for so long */
  move(waitMs = 0): void {
    this.#deadlineMs = this.#now() + waitMs + this.#limitMs;
  }

  isBeating(): boolean {
    return this.#now() < this.#deadlineMs;
  }
}
