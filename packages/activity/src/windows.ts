/** The tumbling windows of event time: five minutes for spikes, an hour for reports. */
export const WINDOW_KINDS = ['5m', '1h'] as const;

/** One of {@link WINDOW_KINDS}. */
export type WindowKind = (typeof WINDOW_KINDS)[number];

const LENGTH_US: Readonly<Record<WindowKind, number>> = { '5m': 300_000_000, '1h': 3_600_000_000 };

/** The number of the window that holds a time in microseconds: windows are half-open and count from the epoch in UTC. */
export function windowOf(kind: WindowKind, us: number): number {
  return Math.floor(us / LENGTH_US[kind]);
}

/** The first microsecond of a window; it ends where the next one starts. */
export function windowStartUs(kind: WindowKind, number: number): number {
  return number * LENGTH_US[kind];
}

const MAX_REMEMBERED = 4096;
const remembered: Readonly<Record<WindowKind, Map<number, string>>> = { '5m': new Map(), '1h': new Map() };

/** The key of a window in a state, like `5m/5984084`. Remembered, since most requests are of the window of the last one. */
export function windowKey(kind: WindowKind, number: number): string {
  const known = remembered[kind].get(number);
  if (known !== undefined) return known;
  const key = `${kind}/${number}`;
  if (remembered[kind].size >= MAX_REMEMBERED) remembered[kind].clear();
  remembered[kind].set(number, key);
  return key;
}

/** For how long windows of each kind are kept, in microseconds. */
export type ActivityRetention = Readonly<Record<WindowKind, number>>;

/**
 * The first and the last window to keep, both included: as many as the retention is long, rounded up, the newest one
 * being the one that holds `newestUs`. By event time, so that a replay keeps the same ones.
 */
export function windowsToKeep(
  kind: WindowKind,
  newestUs: number,
  retention: ActivityRetention,
): { readonly first: number; readonly last: number } {
  const last = windowOf(kind, newestUs);
  return { first: last - Math.ceil(retention[kind] / LENGTH_US[kind]) + 1, last };
}

/** By cluster, the latest receivedAtUs of what one source has delivered so far, in the source's order. */
export type Watermarks = Map<string, number>;

/** Moves a cluster's watermark on to a time, unless it is beyond already. */
export function advanceWatermark(watermarks: Watermarks, cluster: string, us: number): void {
  const known = watermarks.get(cluster);
  if (known === undefined || us > known) watermarks.set(cluster, us);
}

/**
 * Whether a time is further behind the watermark than the grace allows. Ask before the event moves the watermark.
 * @param watermarkUs - `undefined` before the first event, when nothing is late
 */
export function isLate(watermarkUs: number | undefined, us: number, graceUs: number): boolean {
  return watermarkUs !== undefined && us < watermarkUs - graceUs;
}

/** Whether whatever might still come for a window would be late: it holds no time that is not. */
export function isWindowClosed(
  kind: WindowKind,
  number: number,
  watermarkUs: number | undefined,
  graceUs: number,
): boolean {
  return isLate(watermarkUs, windowStartUs(kind, number + 1) - 1, graceUs);
}
