/** How long the same thing is not told again. */
const QUIET_MS = 60_000;

/**
 * Tells people of what may happen many times a second: at once, and then at most once a minute, with how often it
 * happened in between.
 */
export class Notices {
  readonly #tell: (text: string) => void;
  readonly #told = new Map<string, { atMs: number; since: number }>();

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** @param kind - one of few: what is the same thing */
  say(kind: string, text: string): void {
    const nowMs = performance.now();
    const last = this.#told.get(kind);
    if (last !== undefined && nowMs - last.atMs < QUIET_MS) {
      last.since += 1;
      return;
    }
    const since = last?.since ?? 0;
    this.#told.set(kind, { atMs: nowMs, since: 0 });
    this.#tell(since === 0 ? text : `${text} (and ${String(since)} times more since the last warning)`);
  }
}
