import {
  type ActivityRetention,
  type ActivityState,
  type ActivityWindow,
  addTally,
  cellKeyOf,
  emptyActivity,
  MAX_SUBJECTS,
  mergeActivity,
  talliesOf,
  type Tally,
  WINDOW_KINDS,
  windowFor,
  windowKey,
  windowOf,
  type WindowKind,
  windowsToKeep,
  windowStartUs,
} from '@leastwise/activity';
import { Fields, hourOf, Malformed } from '@leastwise/state';

import { closedWindowField, windowCellField, windowPart } from './field-names.ts';
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

const GONE = '';

/** Reads the cluster, the kind and the number of a window. @throws Malformed */
export function readWindowPlace(name: Fields): WindowPlace {
  const cluster = name.string();
  const text = name.string();
  const kind = WINDOW_KINDS.find((each) => each === text);
  if (kind === undefined) throw new Malformed('a window of an unknown kind');
  return { cluster, kind, number: name.integer() };
}

function valueOf({ count, firstUs, lastUs }: Tally): string {
  return `[${count},${firstUs},${lastUs}]`;
}

/**
 * Windows of which the cells are kept while they may change. An hour is the sum of its windows of five minutes, which
 * close when it does: its own cells would be written for nothing.
 */
const KEPT_KIND: WindowKind = '5m';
const SUM_KIND: WindowKind = '1h';

function packed(window: ActivityWindow): string {
  const cells = [...talliesOf(window)].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(cells.flatMap(([key, { count, firstUs, lastUs }]) => [key, count, firstUs, lastUs]));
}

/** Tells which fields of a window a merge changed: as few as it touched, and what the cap pushed out. */
function tellChanges(
  cluster: string,
  window: ActivityWindow,
  subjects: {
    readonly touched: ActivityWindow['subjects'];
    readonly before: ActivityWindow['subjects'] | undefined;
  },
  changed: Changed,
): void {
  const part = windowPart({ cluster, kind: window.kind, number: window.number });
  for (const [subject, cells] of subjects.touched) {
    const tallies = window.subjects.get(subject);
    for (const code of cells.keys()) {
      const tally = tallies?.get(code);
      if (tally) changed(windowCellField(part, cellKeyOf(code, subject)), valueOf(tally));
    }
  }
  for (const [subject, cells] of subjects.before ?? []) {
    if (window.subjects.has(subject)) continue;
    for (const code of cells.keys()) changed(windowCellField(part, cellKeyOf(code, subject)), GONE);
  }
  for (const [code, tally] of window.other) {
    changed(windowCellField(part, cellKeyOf(code, undefined)), valueOf(tally));
  }
}

/**
 * The windows of a partition. One that may still change has a field for each cell; one that is closed is a single
 * field, and only its place is remembered, until it is beyond the retention.
 */
export class PartitionWindows {
  readonly #horizons: WindowHorizons;
  readonly #open = new Map<string, ActivityState>();
  /** What closed windows hold; empty texts where nobody but Redis knows. */
  readonly #closed = new Map<string, WindowPlace & { readonly cells: string }>();

  constructor(horizons: WindowHorizons) {
    this.#horizons = horizons;
  }

  #activity(cluster: string): ActivityState {
    let activity = this.#open.get(cluster);
    if (!activity) {
      activity = emptyActivity(cluster);
      this.#open.set(cluster, activity);
    }
    return activity;
  }

  /** Reads a cell of an open window. @returns whether it means anything. @throws Malformed */
  loadCell({ cluster, kind, number }: WindowPlace, key: string, value: Fields): boolean {
    const tally = { count: value.integer(0), firstUs: value.integer(), lastUs: value.integer() };
    // Versions before 3 kept the cells of hours too.
    if (kind !== KEPT_KIND) return false;
    const hour = windowOf(SUM_KIND, windowStartUs(kind, number));
    const activity = this.#activity(cluster);
    const isKnown = addTally(windowFor(activity, kind, number), key, tally);
    if (!isKnown) throw new Malformed('a cell of an unknown kind');
    return addTally(windowFor(activity, SUM_KIND, hour), key, tally);
  }

  /** Reads a closed window. */
  loadClosed(place: WindowPlace, cells: string): void {
    this.#closed.set(closedWindowField(windowPart(place)), { ...place, cells });
  }

  /** Merges all windows into a sum, closed ones too. @throws Malformed */
  mergeInto(sum: Map<string, ActivityState>): void {
    const sumOf = (cluster: string): ActivityState => {
      const known = sum.get(cluster) ?? emptyActivity(cluster);
      sum.set(cluster, known);
      return known;
    };
    for (const [cluster, activity] of this.#open) mergeActivity(sumOf(cluster), activity);
    for (const { cluster, kind, number, cells } of this.#closed.values()) {
      const one = emptyActivity(cluster);
      const fields = Fields.parse(cells);
      while (fields.more()) {
        const key = fields.string();
        const tally = { count: fields.integer(0), firstUs: fields.integer(), lastUs: fields.integer() };
        if (!addTally(windowFor(one, kind, number), key, tally))
          throw new Malformed('a cell of an unknown kind');
      }
      mergeActivity(sumOf(cluster), one);
    }
  }

  /** The owner of a partition needs no closed window again. */
  forgetClosedCells(): void {
    for (const [field, place] of this.#closed) this.#closed.set(field, { ...place, cells: '' });
  }

  /** Adds what a batch counted, and tells which fields that changes. */
  add(deltas: ReadonlyMap<string, ActivityState>, changed: Changed): void {
    for (const [cluster, delta] of deltas) {
      const activity = this.#activity(cluster);
      const crowded = new Map<string, ActivityWindow['subjects']>();
      for (const [key, { subjects }] of delta.windows) {
        const known = activity.windows.get(key)?.subjects;
        if (known && known.size + subjects.size > MAX_SUBJECTS) crowded.set(key, new Map(known));
      }
      mergeActivity(activity, delta);
      for (const [key, { subjects }] of delta.windows) {
        const window = activity.windows.get(key);
        if (window?.kind === KEPT_KIND)
          tellChanges(cluster, window, { touched: subjects, before: crowded.get(key) }, changed);
      }
    }
  }

  /** All fields were read. @param gone - takes those of cells whose window is closed: they were not swept away yet */
  loaded(gone: (field: string) => void): void {
    for (const place of this.#closed.values()) {
      const windows = this.#open.get(place.cluster)?.windows;
      const key = windowKey(place.kind, place.number);
      const window = windows?.get(key);
      if (!window) continue;
      windows?.delete(key);
      this.#dropCells(place, window, gone);
    }
  }

  // They mean nothing any more, so they need not be written over: they are swept away in time.
  #dropCells(place: WindowPlace, window: ActivityWindow, gone: (field: string) => void): void {
    if (place.kind !== KEPT_KIND) return;
    const part = windowPart(place);
    for (const [cell] of talliesOf(window)) gone(windowCellField(part, cell));
  }

  /**
   * Closes what the watermarks have passed, and gives up what is beyond the retention.
   * @param newest - by cluster, the newest request that was counted: what the retention is measured from
   */
  advance(
    watermarks: ReadonlyMap<string, number>,
    newest: (cluster: string) => number | undefined,
    tell: { readonly changed: Changed; readonly gone: (field: string) => void },
  ): void {
    for (const [cluster, { windows }] of this.#open) {
      const watermark = watermarks.get(cluster);
      if (watermark === undefined) continue;
      for (const [key, window] of windows) {
        if (!this.#isClosed(window, watermark)) continue;
        windows.delete(key);
        this.#close({ cluster, kind: window.kind, number: window.number }, window, tell);
      }
    }
    for (const [field, place] of this.#closed) {
      const newestUs = newest(place.cluster);
      if (newestUs === undefined || this.#isKept(place, newestUs)) continue;
      this.#closed.delete(field);
      tell.gone(field);
    }
  }

  #close(
    place: WindowPlace,
    window: ActivityWindow,
    { changed, gone }: { readonly changed: Changed; readonly gone: (field: string) => void },
  ): void {
    this.#dropCells(place, window, gone);
    const field = closedWindowField(windowPart(place));
    changed(field, packed(window));
    this.#closed.set(field, { ...place, cells: '' });
  }

  #isClosed({ kind, number }: ActivityWindow, watermarkUs: number): boolean {
    const lastHour = hourOf(windowStartUs(kind, number + 1) - 1);
    return hourOf(watermarkUs) - lastHour > this.#horizons.dedupeHours;
  }

  #isKept({ kind, number }: WindowPlace, newestUs: number): boolean {
    return number >= windowsToKeep(kind, newestUs, this.#horizons.retention).first;
  }
}
