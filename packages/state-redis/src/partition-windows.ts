import {
  type ActivityRetention,
  type ActivityState,
  type ActivityWindow,
  addTally,
  emptyActivity,
  mergeWindows,
  talliesOf,
  WINDOW_KINDS,
  windowFor,
  windowKey,
  windowOf,
  type WindowKind,
  windowsToKeep,
  windowStartUs,
} from '@leastwise/activity';
import { encodeTold, Fields, hourOf, Malformed, readTold } from '@leastwise/state';

import { windowCellField, windowField, windowPart } from './field-names.ts';
import type { Changed } from './merge-changes.ts';

/** Where a window is. */
export interface WindowPlace {
  readonly cluster: string;
  readonly kind: WindowKind;
  readonly number: number;
}

/** How far back windows reach. */
export interface WindowHorizons {
  /** A window is closed when whatever might still come for it would be late. */
  readonly dedupeHours: number;
  readonly retention: ActivityRetention;
}

/** Who hears what becomes of fields. */
export interface WindowListener {
  /** A field has a new value. */
  readonly changed: Changed;
  /** A field means nothing any more. */
  readonly gone: (field: string) => void;
}

/** Reads the cluster, the kind and the number of a window. @throws Malformed */
export function readWindowPlace(name: Fields): WindowPlace {
  const cluster = name.string();
  const text = name.string();
  const kind = WINDOW_KINDS.find((each) => each === text);
  if (kind === undefined) throw new Malformed('a window of an unknown kind');
  return { cluster, kind, number: name.integer() };
}

/**
 * Windows that are counted in as long as they may change. An hour is the sum of its windows of five minutes, which close
 * when it does: it is made then, and until then by whoever reads.
 */
export const KEPT_KIND: WindowKind = '5m';
const SUM_KIND: WindowKind = '1h';

function hourOfWindow(number: number): number {
  return windowOf(SUM_KIND, windowStartUs(KEPT_KIND, number));
}

/** Adds a window of five minutes to the hour that it is in. */
function addToHour(hours: ActivityState, { number, subjects, other }: ActivityWindow): void {
  const hour = { kind: SUM_KIND, number: hourOfWindow(number), subjects, other };
  mergeWindows(hours, { windows: new Map([['', hour]]) });
}

/** The cells of a window; before them what is to be told of it, where there is any. */
function packed(window: ActivityWindow): string {
  const told = encodeTold(window);
  const cells = [...talliesOf(window)].flatMap(([key, { count, firstUs, lastUs }]) => [
    key,
    count,
    firstUs,
    lastUs,
  ]);
  return JSON.stringify(told === undefined ? cells : [told, ...cells]);
}

/** Adds what a window's field holds. @throws Malformed */
export function unpack(
  activity: ActivityState,
  { kind, number }: Pick<WindowPlace, 'kind' | 'number'>,
  cells: string,
): void {
  const window = windowFor(activity, kind, number);
  const fields = Fields.parse(cells);
  const told = fields.listIfNext();
  if (told !== undefined) readTold(window, told);
  while (fields.more()) {
    const key = fields.string();
    const tally = { count: fields.integer(0), firstUs: fields.integer(), lastUs: fields.integer() };
    if (!addTally(window, key, tally)) throw new Malformed('a cell of an unknown kind');
  }
}

/** A cluster's activity in a map of them, made if need be. */
export function stateIn(states: Map<string, ActivityState>, cluster: string): ActivityState {
  const known = states.get(cluster) ?? emptyActivity(cluster);
  states.set(cluster, known);
  return known;
}

/**
 * The windows of a partition, of which each is a field. Open are those of five minutes whose hour is not closed; of the
 * others the owner remembers the places only, until they are beyond the retention.
 */
export class PartitionWindows {
  readonly #horizons: WindowHorizons;
  readonly #open = new Map<string, ActivityState>();
  /** By field, what stands in Redis and is not open; empty texts where nobody but Redis knows the cells. */
  readonly #closed = new Map<string, WindowPlace & { readonly cells: string }>();
  /** Open windows whose field is out of date. */
  readonly #changed = new Set<ActivityWindow>();
  /** Cells as versions before 4 kept them, each with its window's field. */
  readonly #oldCells = new Map<string, string>();

  constructor(horizons: WindowHorizons) {
    this.#horizons = horizons;
  }

  /** Reads a cell that a version before 4 wrote. @throws Malformed */
  loadCell(place: WindowPlace, key: string, value: Fields): void {
    const tally = { count: value.integer(0), firstUs: value.integer(), lastUs: value.integer() };
    const part = windowPart(place);
    this.#oldCells.set(windowCellField(part, key), windowField(part));
    // Versions before 3 kept the cells of hours too.
    if (place.kind !== KEPT_KIND) return;
    const window = windowFor(stateIn(this.#open, place.cluster), place.kind, place.number);
    this.#changed.add(window);
    if (!addTally(window, key, tally)) throw new Malformed('a cell of an unknown kind');
  }

  /** Reads a window. */
  loadWindow(place: WindowPlace, cells: string): void {
    this.#closed.set(windowField(windowPart(place)), { ...place, cells });
  }

  /**
   * All fields were read: what is not closed is opened.
   * @param tell - `gone` takes the fields of old cells that stand in their window's own field already, `reading` the field
   *   that is read now
   * @throws Malformed
   */
  loaded(tell: { readonly gone: (field: string) => void; readonly reading: (field: string) => void }): void {
    for (const [field, own] of this.#oldCells) {
      if (!this.#closed.has(own)) continue;
      this.#oldCells.delete(field);
      tell.gone(field);
    }
    for (const [field, place] of this.#closed) {
      if (place.kind !== KEPT_KIND) continue;
      const activity = stateIn(this.#open, place.cluster);
      // Cells of it that are older than the field were read before.
      const key = windowKey(place.kind, place.number);
      const before = activity.windows.get(key);
      if (before) this.#changed.delete(before);
      activity.windows.delete(key);
      const hour = { ...place, kind: SUM_KIND, number: hourOfWindow(place.number) };
      if (this.#closed.has(windowField(windowPart(hour)))) continue;
      this.#closed.delete(field);
      tell.reading(field);
      unpack(activity, place, place.cells);
    }
  }

  /** Merges all windows into a sum. @throws Malformed */
  mergeInto(sum: Map<string, ActivityState>): void {
    for (const [cluster, activity] of this.#open) {
      const total = stateIn(sum, cluster);
      mergeWindows(total, activity);
      for (const window of activity.windows.values()) addToHour(total, window);
    }
    for (const place of this.#closed.values()) {
      const one = emptyActivity(place.cluster);
      unpack(one, place, place.cells);
      mergeWindows(stateIn(sum, place.cluster), one);
    }
  }

  /** The owner of a partition needs no closed window again. */
  forgetClosedCells(): void {
    for (const [field, place] of this.#closed) this.#closed.set(field, { ...place, cells: '' });
  }

  /** Adds what a batch counted. Hours are left out: they follow from the rest. */
  add(deltas: ReadonlyMap<string, ActivityState>): void {
    for (const [cluster, delta] of deltas) {
      const activity = stateIn(this.#open, cluster);
      const windows = new Map([...delta.windows].filter(([, { kind }]) => kind === KEPT_KIND));
      mergeWindows(activity, { windows });
      for (const { kind, number } of windows.values()) this.#changed.add(windowFor(activity, kind, number));
    }
  }

  /**
   * Brings the fields up to date: writes what has changed, closes what the watermarks have passed, and gives up what is
   * beyond the retention.
   * @param newest - by cluster, the newest request that was counted: what the retention is measured from
   */
  fold(
    watermarks: ReadonlyMap<string, number>,
    newest: (cluster: string) => number | undefined,
    listener: WindowListener,
  ): void {
    for (const [cluster, activity] of this.#open) {
      for (const window of activity.windows.values()) {
        if (!this.#changed.has(window)) continue;
        listener.changed(windowField(windowPart({ cluster, ...window })), packed(window));
      }
      const watermark = watermarks.get(cluster);
      if (watermark !== undefined) this.#close(activity, watermark, listener);
    }
    this.#changed.clear();
    for (const field of this.#oldCells.keys()) listener.gone(field);
    this.#oldCells.clear();
    for (const [field, place] of this.#closed) {
      const newestUs = newest(place.cluster);
      if (newestUs === undefined || this.#isKept(place, newestUs)) continue;
      this.#closed.delete(field);
      listener.gone(field);
    }
  }

  #close(activity: ActivityState, watermarkUs: number, { changed }: WindowListener): void {
    const { cluster } = activity;
    const hours = emptyActivity(cluster);
    for (const [key, window] of activity.windows) {
      if (!this.#isClosed(window, watermarkUs)) continue;
      activity.windows.delete(key);
      addToHour(hours, window);
      const place = { cluster, kind: window.kind, number: window.number };
      this.#closed.set(windowField(windowPart(place)), { ...place, cells: '' });
    }
    for (const window of hours.windows.values()) {
      const place = { cluster, kind: window.kind, number: window.number };
      const field = windowField(windowPart(place));
      changed(field, packed(window));
      this.#closed.set(field, { ...place, cells: '' });
    }
  }

  #isClosed({ kind, number }: ActivityWindow, watermarkUs: number): boolean {
    const lastHour = hourOf(windowStartUs(kind, number + 1) - 1);
    return hourOf(watermarkUs) - lastHour > this.#horizons.dedupeHours;
  }

  #isKept({ kind, number }: WindowPlace, newestUs: number): boolean {
    return number >= windowsToKeep(kind, newestUs, this.#horizons.retention).first;
  }
}
