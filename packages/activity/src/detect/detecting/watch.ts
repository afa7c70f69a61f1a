import { windowOf } from '../../windows.ts';
import { DayCounts } from './day-counts.ts';

/** An API server is asked for something every few seconds. So long a silence in its log is none of its making. */
export const MAX_QUIET_WINDOWS = 12;

/** Windows in which nothing is known of a cluster: from the first one up to before the second one. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * When a source was alive: in windows in which it delivered anything of a cluster, and between two of these that are
 * no more than an hour apart. In all others no request does not mean that there was none.
 */
export class Watch {
  readonly #counts = new DayCounts();

  /** The source delivered an event of this time. */
  saw(us: number): void {
    this.#counts.add(windowOf('5m', us));
  }

  /** Forgets the days before one. */
  forgetBefore(day: number): void {
    this.#counts.forgetBefore(day);
  }

  /** The silences that are too long to be quiet, in time. */
  gaps(): Gap[] {
    const gaps: Gap[] = [];
    let last: number | undefined;
    for (const [window] of this.#counts.windows()) {
      if (last !== undefined && window - last > MAX_QUIET_WINDOWS) gaps.push({ from: last + 1, to: window });
      last = window;
    }
    return gaps;
  }
}
