/** Windows of five minutes in a day. */
export const WINDOWS_OF_DAY = 288;

/** Counts of windows of five minutes, in one block for each day that has any. */
export class DayCounts {
  readonly #days = new Map<number, Uint32Array>();

  /** Counts one more in a window. */
  add(window: number): void {
    const day = Math.floor(window / WINDOWS_OF_DAY);
    let counts = this.#days.get(day);
    if (counts === undefined) {
      counts = new Uint32Array(WINDOWS_OF_DAY);
      this.#days.set(day, counts);
    }
    const at = window - day * WINDOWS_OF_DAY;
    counts[at] = (counts[at] ?? 0) + 1;
  }

  /** Forgets the days before one. */
  forgetBefore(day: number): void {
    for (const each of this.#days.keys()) if (each < day) this.#days.delete(each);
  }

  /** Windows with a count, in time. */
  *windows(): Generator<readonly [window: number, count: number]> {
    for (const [day, counts] of [...this.#days].sort(([a], [b]) => a - b)) {
      for (const [at, count] of counts.entries()) {
        if (count > 0) yield [day * WINDOWS_OF_DAY + at, count];
      }
    }
  }

  /** The highest count of a window. */
  highest(): number {
    let highest = 0;
    for (const counts of this.#days.values()) for (const count of counts) highest = Math.max(highest, count);
    return highest;
  }
}
