import { leaverFor } from '../../cap.ts';
import { addToSketch, type KeyedHash, mergeSketch, newSketch, type Sketch } from '../first-seen/index.ts';

/** How many groups a window of one detection tells apart. */
export const MAX_GROUPS = 2000;

/** What one event adds to the tally of its group. */
export interface Contribution {
  readonly group: string;
  /** Bits to set. */
  readonly bits?: number;
  /** Texts of which to count how many are different, each in a sketch of its own. */
  readonly distinct?: readonly string[];
  /** A number whose least, and one whose greatest, is kept. */
  readonly least?: number;
  readonly most?: number;
}

/** What the events of one group in one window add up to. */
export interface WindowTally {
  count: number;
  bits: number;
  least: number;
  most: number;
  readonly distinct: Sketch[];
}

/** The tallies of one detection in one window. */
export interface WindowTallies {
  readonly groups: Map<string, WindowTally>;
  /** Whether there were more groups than are told apart: the ones with the smallest hashes are. */
  hasOverflow: boolean;
}

/** No tallies: the neutral element of {@link mergeTallies}. */
export function newTallies(): WindowTallies {
  return { groups: new Map(), hasOverflow: false };
}

/** A tally of nothing. */
export function newTally(): WindowTally {
  return { count: 0, bits: 0, least: Infinity, most: -Infinity, distinct: [] };
}

/**
 * Adds what one event contributes. Give it each request once.
 * @param hash - keyed, so that nobody can choose texts that are counted as one
 */
export function addToTallies(into: WindowTallies, contribution: Contribution, hash: KeyedHash): void {
  const tally = tallyFor(into, contribution.group);
  if (tally !== undefined) addToTally(tally, contribution, hash);
}

/** Adds what one event contributes to the tally of its group. Give it each request once. */
export function addToTally(tally: WindowTally, contribution: Contribution, hash: KeyedHash): void {
  const { bits = 0, least = Infinity, most = -Infinity, distinct = [] } = contribution;
  tally.count += 1;
  tally.bits |= bits;
  tally.least = Math.min(tally.least, least);
  tally.most = Math.max(tally.most, most);
  for (const [index, text] of distinct.entries()) addToSketch(sketchAt(tally, index), hash(text));
}

/** Adds all of `from` to `into`. Commutative and associative, by add, or, min and max, beyond the cap too. */
export function mergeTallies(into: WindowTallies, from: WindowTallies): void {
  into.hasOverflow ||= from.hasOverflow;
  for (const [group, { count, bits, least, most, distinct }] of from.groups) {
    const tally = tallyFor(into, group);
    if (tally === undefined) continue;
    tally.count += count;
    tally.bits |= bits;
    tally.least = Math.min(tally.least, least);
    tally.most = Math.max(tally.most, most);
    for (const [index, sketch] of distinct.entries()) mergeSketch(sketchAt(tally, index), sketch);
  }
}

function sketchAt(tally: WindowTally, index: number): Sketch {
  while (tally.distinct.length <= index) tally.distinct.push(newSketch());
  return tally.distinct[index] ?? newSketch();
}

function tallyFor(into: WindowTallies, group: string): WindowTally | undefined {
  const known = into.groups.get(group);
  if (known !== undefined) return known;
  if (into.groups.size >= MAX_GROUPS) {
    into.hasOverflow = true;
    const leaver = leaverFor(into.groups, group);
    if (leaver === group) return undefined;
    into.groups.delete(leaver);
  }
  const fresh = newTally();
  into.groups.set(group, fresh);
  return fresh;
}
