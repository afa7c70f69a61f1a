import { type ActivityState, type ActivityWindow, emptyActivity, mergeWindows } from '../state.ts';
import { windowKey, windowOf } from '../windows.ts';

/** What somebody who looks at a source's activity now and then sees. */
export interface SourceLook {
  readonly source: string;
  /** By cluster, the time of the newest request that the source has delivered, in microseconds. */
  readonly watermarks: ReadonlyMap<string, number>;
  /** Whether the source has delivered anything since the last look. */
  readonly hasMoved: boolean;
  /** Whether `activity` is all that is kept; otherwise it is what came since the last look. */
  readonly isWhole: boolean;
  /** By cluster. */
  readonly activity: ReadonlyMap<string, ActivityState>;
}

/** When windows are closed. Times in milliseconds. */
export interface ClosingOptions {
  /** How far behind the newest request of a source others of it may still come. */
  readonly graceMs: number;
  /** How long after its end a window is closed by the clock, where a source is silent. */
  readonly silentAfterMs: number;
  /** After how long without a delivery a source is silent. */
  readonly quietMs: number;
}

/** A window is told within half a minute of its end, and so that slow shippers are waited for. */
export const CLOSING: ClosingOptions = { graceMs: 10_000, silentAfterMs: 30_000, quietMs: 20_000 };

/** The times of a look: of the wall clock, and of one that does not go back. */
export interface LookTime {
  readonly wallMs: number;
  readonly steadyMs: number;
}

interface Source {
  /** When it was looked at first. */
  readonly seenMs: number;
  watermarks: ReadonlyMap<string, number>;
  /** When it last delivered anything. */
  movedMs: number;
  /** By cluster, when its watermark moved. */
  readonly clusterMovedMs: ReadonlyMap<string, number>;
  /** By cluster, the windows that are not closed. */
  open: Map<string, ActivityState>;
}

/** A window that is closed, `undefined` where there was no request in it. */
export type ClosedWindow = readonly [number: number, window: ActivityWindow | undefined];

/** Windows of five minutes that are not closed yet, of all sources. */
export class OpenWindows {
  readonly #options: ClosingOptions;
  readonly #sources = new Map<string, Source>();
  /** By cluster, the last window that is closed. */
  readonly #closed = new Map<string, number>();
  /** By cluster, what came for windows that are closed. */
  readonly #late = new Map<string, ActivityState>();

  constructor(options: ClosingOptions = CLOSING) {
    this.#options = options;
  }

  /** Takes in what was seen. A source that was not looked at before counts as one that has just delivered. */
  take({ source, watermarks, hasMoved, isWhole, activity }: SourceLook, { steadyMs }: LookTime): void {
    const known = this.#sources.get(source);
    const open = isWhole || known === undefined ? new Map<string, ActivityState>() : known.open;
    for (const [cluster, { windows }] of activity) {
      for (const window of windows.values()) {
        if (window.kind !== '5m') continue;
        if (window.number > (this.#closed.get(cluster) ?? -Infinity)) add(open, cluster, window);
        else if (!isWhole) add(this.#late, cluster, window);
      }
    }
    const movedMs = known === undefined || hasMoved ? steadyMs : known.movedMs;
    const seenMs = known?.seenMs ?? steadyMs;
    const clusterMovedMs = new Map(
      Array.from(watermarks, ([cluster, us]) => {
        const isSame = known?.watermarks.get(cluster) === us;
        return [cluster, (isSame ? known.clusterMovedMs.get(cluster) : undefined) ?? steadyMs];
      }),
    );
    this.#sources.set(source, { seenMs, watermarks, movedMs, clusterMovedMs, open });
  }

  /** Sources that are there no more are waited for no longer. What they delivered is kept until it is closed. */
  keepOnly(sources: ReadonlySet<string>): void {
    for (const [name, source] of this.#sources) {
      if (!sources.has(name))
        this.#sources.set(name, { ...source, seenMs: -Infinity, watermarks: new Map() });
    }
  }

  /** The clusters of which anything was delivered, in the order of their names. */
  clusters(): readonly string[] {
    return [
      ...new Set([...this.#sources.values()].flatMap(({ watermarks }) => [...watermarks.keys()])),
    ].sort();
  }

  /** Up to a window everything is closed, by somebody before. */
  closedBefore(cluster: string, last: number | undefined): void {
    if (last === undefined) return;
    this.#closed.set(cluster, Math.max(last, this.#closed.get(cluster) ?? last));
    for (const { open } of this.#sources.values()) dropUpTo(open.get(cluster), last);
  }

  /**
   * Closes what can be closed of a cluster.
   * @returns windows with requests, in time, and at the end the last one that is closed, if it had none
   */
  close(cluster: string, time: LookTime): readonly ClosedWindow[] {
    const last = windowOf('5m', this.#completeUs(cluster, time)) - 1;
    const before = this.#closed.get(cluster);
    if (!Number.isFinite(last) || (before !== undefined && last <= before)) return [];
    const sum = emptyActivity(cluster);
    for (const { open } of this.#sources.values()) {
      const state = open.get(cluster);
      if (state) mergeWindows(sum, { windows: upTo(state, last) });
      dropUpTo(state, last);
    }
    this.#closed.set(cluster, last);
    const windows = [...sum.windows.values()].sort((a, b) => a.number - b.number);
    const closed = windows.map((window): ClosedWindow => [window.number, window]);
    return windows.at(-1)?.number === last ? closed : [...closed, [last, undefined]];
  }

  /** What came for windows after they had been closed, which is told once. */
  takeLate(cluster: string): readonly ActivityWindow[] {
    const late = [...(this.#late.get(cluster)?.windows.values() ?? [])];
    this.#late.delete(cluster);
    return late.sort((a, b) => a.number - b.number);
  }

  /**
   * Before which time all is there, as far as one can know: a source has gone past it, or is silent, and then it is the clock
   * that goes. It never is in the future, whatever a source says.
   */
  #completeUs(cluster: string, { wallMs, steadyMs }: LookTime): number {
    const { graceMs, silentAfterMs, quietMs } = this.#options;
    let completeUs = (wallMs - graceMs) * 1000;
    const nowUs = (wallMs - silentAfterMs) * 1000;
    for (const { watermarks, movedMs, clusterMovedMs, seenMs } of this.#sources.values()) {
      const watermark = watermarks.get(cluster);
      if (watermark === undefined) {
        // It may be about to deliver the first of them.
        if (steadyMs - seenMs < quietMs) return -Infinity;
        continue;
      }
      const byEvents = watermark - graceMs * 1000;
      // A source that goes on with other clusters says nothing of this one, unless it is behind with all of them.
      const isCurrent = Math.max(...watermarks.values()) >= nowUs;
      const lastMovedMs = isCurrent ? (clusterMovedMs.get(cluster) ?? movedMs) : movedMs;
      const isQuiet = steadyMs - lastMovedMs >= quietMs;
      completeUs = Math.min(completeUs, isQuiet ? Math.max(byEvents, nowUs) : byEvents);
    }
    return completeUs;
  }
}

function add(into: Map<string, ActivityState>, cluster: string, window: ActivityWindow): void {
  const state = into.get(cluster) ?? emptyActivity(cluster);
  into.set(cluster, state);
  mergeWindows(state, { windows: new Map([[windowKey(window.kind, window.number), window]]) });
}

function upTo({ windows }: ActivityState, last: number): Map<string, ActivityWindow> {
  return new Map([...windows].filter(([, { number }]) => number <= last));
}

function dropUpTo(state: ActivityState | undefined, last: number): void {
  for (const [key, { number }] of state?.windows ?? []) if (number <= last) state?.windows.delete(key);
}
