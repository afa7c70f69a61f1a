import { leaverFor, MAX_SUBJECTS } from './cap.ts';
import { type CellCode, otherCodeOf, readCellKey, cellKeyOf } from './cell.ts';
import { mergeWindowMatches, noWindowMatches, type WindowMatches } from './matches/window-matches.ts';
import { type ActivityDay, dayFor, mergeDay } from './traces/index.ts';
import { windowKey, type WindowKind } from './windows.ts';

/** How many requests a cell counts, and when the API server received the first and the last one. */
export interface Tally {
  count: number;
  firstUs: number;
  lastUs: number;
}

type Tallies = Map<CellCode, Tally>;

/** The requests that an API server received within one window. */
export interface ActivityWindow {
  readonly kind: WindowKind;
  readonly number: number;
  /** By subject key. Capped: only the functions of this package may put keys in or take them out. */
  readonly subjects: Map<string, Tallies>;
  /** What the cap summed up. */
  readonly other: Tallies;
  /** In windows of five minutes, what detections found that is to be told at once. */
  found?: WindowMatches | undefined;
}

/** The activity in one cluster. */
export interface ActivityState {
  readonly cluster: string;
  /** By {@link windowKey}: how much everybody did. */
  readonly windows: Map<string, ActivityWindow>;
  /** By UTC day, counted from the epoch: what people, and service accounts with kubectl, did. */
  readonly days: Map<number, ActivityDay>;
}

/** A cluster in which nothing was seen: the neutral element of {@link mergeActivity}. */
export function emptyActivity(cluster: string): ActivityState {
  return { cluster, windows: new Map(), days: new Map() };
}

/** A window of a state, made if need be. */
export function windowFor(
  state: Pick<ActivityState, 'windows'>,
  kind: WindowKind,
  number: number,
): ActivityWindow {
  const key = windowKey(kind, number);
  const known = state.windows.get(key);
  if (known !== undefined) return known;
  const fresh: ActivityWindow = { kind, number, subjects: new Map(), other: new Map() };
  state.windows.set(key, fresh);
  return fresh;
}

/** The tally of one cell, made if need be: of `other` where there are no tallies of its subject's own. */
function tallyIn(window: ActivityWindow, own: Tallies | undefined, code: CellCode): Tally {
  const tallies = own ?? window.other;
  const cell = own === undefined ? otherCodeOf(code) : code;
  let tally = tallies.get(cell);
  if (tally === undefined) {
    tally = { count: 0, firstUs: Infinity, lastUs: -Infinity };
    tallies.set(cell, tally);
  }
  return tally;
}

/** Adds the requests of one tally to another. */
export function addTo(known: Tally, { count, firstUs, lastUs }: Readonly<Tally>): void {
  known.count += count;
  if (firstUs < known.firstUs) known.firstUs = firstUs;
  if (lastUs > known.lastUs) known.lastUs = lastUs;
}

function add(window: ActivityWindow, own: Tallies | undefined, code: CellCode, tally: Readonly<Tally>): void {
  addTo(tallyIn(window, own, code), tally);
}

/** A subject's tallies, made if need be; `undefined` where the cap refuses them: then `other` counts. */
function talliesFor(window: ActivityWindow, subject: string): Tallies | undefined {
  const known = window.subjects.get(subject);
  if (known !== undefined) return known;
  if (window.subjects.size >= MAX_SUBJECTS) {
    const leaver = leaverFor(window.subjects, subject);
    if (leaver === subject) return undefined;
    // The whole of it: it is beyond the cap of every sum that this window goes into.
    for (const [code, tally] of window.subjects.get(leaver) ?? []) add(window, undefined, code, tally);
    window.subjects.delete(leaver);
  }
  const fresh: Tallies = new Map();
  window.subjects.set(subject, fresh);
  return fresh;
}

/**
 * The tally of one cell of a subject, or of `other` where there is none or the cap refuses it; empty where it is new.
 * It stays the cell's for as long as {@link isRoomy} holds.
 */
export function tallyFor(window: ActivityWindow, subject: string | undefined, code: CellCode): Tally {
  return tallyIn(window, subject === undefined ? undefined : talliesFor(window, subject), code);
}

/** Whether no subject has had to leave a window for another one yet. */
export function isRoomy(window: ActivityWindow): boolean {
  return window.subjects.size < MAX_SUBJECTS;
}

/**
 * Adds everything of `from` to `into`, which is changed; `from` is not, and shares nothing with `into` afterwards.
 * Commutative and associative, also beyond the cap, so that no partitioning of the requests changes the sum.
 */
export function mergeActivity(into: ActivityState, from: ActivityState): void {
  mergeWindows(into, from);
  for (const day of from.days.values()) mergeDay(dayFor(into.days, day.day), day);
}

/** As {@link mergeActivity}, for those who have to do with windows alone. */
export function mergeWindows(
  into: Pick<ActivityState, 'windows'>,
  from: Pick<ActivityState, 'windows'>,
): void {
  for (const window of from.windows.values()) {
    const target = windowFor(into, window.kind, window.number);
    for (const [subject, tallies] of window.subjects) {
      const own = talliesFor(target, subject);
      for (const [code, tally] of tallies) add(target, own, code, tally);
    }
    for (const [code, tally] of window.other) add(target, undefined, code, tally);
    if (window.found) {
      target.found ??= noWindowMatches();
      mergeWindowMatches(target.found, window.found);
    }
  }
}

/** Every cell of a window by its key (see `parseCellKey`), in no particular order. */
export function* talliesOf(window: ActivityWindow): Generator<[cellKey: string, tally: Readonly<Tally>]> {
  for (const [subject, tallies] of window.subjects) {
    for (const [code, tally] of tallies) yield [cellKeyOf(code, subject), tally];
  }
  for (const [code, tally] of window.other) yield [cellKeyOf(code, undefined), tally];
}

/**
 * Adds a tally to the cell that has a key, as a store does when it reads what {@link talliesOf} told it.
 * @returns false where no cell has the key, and then nothing is added
 */
export function addTally(window: ActivityWindow, cellKey: string, tally: Readonly<Tally>): boolean {
  const cell = readCellKey(cellKey);
  if (cell === undefined) return false;
  addTo(tallyFor(window, cell.subject, cell.code), tally);
  return true;
}
