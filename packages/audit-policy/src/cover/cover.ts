import type { Box } from './box.ts';
import { identityDimension } from './identity.ts';
import { pathDimension } from './paths.ts';

/** One dimension of a box: which values tell boxes apart, and whether a box holds one. */
export interface Dimension {
  /** Values of the target that stand for all of its values, as far as the boxes can tell them apart. */
  representatives(target: Box, boxes: readonly Box[]): readonly Representative[];
  isFree(box: Box): boolean;
}

/** Whether a box holds the value that this stands for. */
export type Representative = (box: Box) => boolean;

/** Whether boxes hold all requests of a target. */
export interface Coverage {
  /** `undecided` where the boxes are too many to tell within a bounded time. */
  readonly verdict: 'covered' | 'open' | 'undecided';
  /** The rules of boxes that together hold all of it, ascending; empty unless covered. */
  readonly by: readonly number[];
}

type ValueKey = 'verb' | 'apiGroup' | 'resource' | 'subresource' | 'namespace' | 'name';

function valueDimension(key: ValueKey): Dimension {
  return {
    isFree: (box) => box[key] === undefined,
    representatives: (target, boxes) => {
      const own = target[key];
      const values = own ?? [...new Set(boxes.flatMap((box) => box[key] ?? []))];
      const named = values.map(
        (value): Representative =>
          (box) =>
            box[key]?.includes(value) ?? true,
      );
      // One more that nobody mentions.
      return own === undefined ? [...named, (box) => box[key] === undefined] : named;
    },
  };
}

const RESOURCE_DIMENSIONS: readonly Dimension[] = [
  identityDimension,
  valueDimension('apiGroup'),
  valueDimension('resource'),
  valueDimension('subresource'),
  valueDimension('verb'),
  valueDimension('namespace'),
  valueDimension('name'),
];
const URL_DIMENSIONS: readonly Dimension[] = [identityDimension, pathDimension, valueDimension('verb')];

/** How many more boxes may be looked at; shared by the questions about one policy. */
export interface Budget {
  steps: number;
}

/** Far beyond what rules that a person wrote need, and less than a second. */
const MAX_STEPS = 2_000_000;

/** A budget for all questions about one policy. */
export function newBudget(): Budget {
  return { steps: MAX_STEPS };
}

class TooManyError extends Error {
  override readonly name = 'TooManyError';
}

class Search {
  readonly by = new Set<number>();
  readonly #target: Box;
  readonly #dimensions: readonly Dimension[];
  readonly #budget: Budget;

  constructor(target: Box, dimensions: readonly Dimension[], budget: Budget) {
    this.#target = target;
    this.#dimensions = dimensions;
    this.#budget = budget;
  }

  /** Whether the boxes hold all that differs in the dimensions from `depth` on only. */
  covers(boxes: readonly Box[], depth: number): boolean {
    if (boxes.length === 0) return false;
    this.#budget.steps -= boxes.length;
    if (this.#budget.steps < 0) throw new TooManyError();
    const rest = this.#dimensions.slice(depth);
    const whole = boxes.find((box) => rest.every((dimension) => dimension.isFree(box)));
    if (whole !== undefined) {
      this.by.add(whole.rule);
      return true;
    }
    const [dimension] = rest;
    if (dimension === undefined) return false;
    return distinct(dimension.representatives(this.#target, boxes), boxes).every((held) =>
      this.covers(held, depth + 1),
    );
  }
}

/** The boxes that hold each of the values, once for each different choice. */
function distinct(values: readonly Representative[], boxes: readonly Box[]): Box[][] {
  const seen = new Map<string, Box[]>();
  for (const isHeldBy of values) {
    const signature = boxes.map((box) => (isHeldBy(box) ? '1' : '0')).join('');
    if (!seen.has(signature))
      seen.set(
        signature,
        boxes.filter((_, i) => signature[i] === '1'),
      );
  }
  return [...seen.values()];
}

/**
 * Decides whether boxes hold every request of a target, by enumerating witnesses: in each dimension the values that
 * are mentioned and one that is not, which is exact since matching is equality or prefix. Values that no box tells
 * apart are tried once.
 */
export function coverageOf(target: Box, boxes: readonly Box[], budget: Budget = newBudget()): Coverage {
  const by = new Set<number>();
  for (const kind of target.kind === undefined ? (['resource', 'url'] as const) : [target.kind]) {
    const ofKind = boxes.filter((box) => box.kind === undefined || box.kind === kind);
    const search = new Search(target, kind === 'resource' ? RESOURCE_DIMENSIONS : URL_DIMENSIONS, budget);
    try {
      if (!isEmpty(target) && !search.covers(ofKind, 0)) return { verdict: 'open', by: [] };
    } catch (error) {
      if (error instanceof TooManyError) return { verdict: 'undecided', by: [] };
      throw error;
    }
    for (const rule of search.by) by.add(rule);
  }
  return { verdict: 'covered', by: [...by].sort((a, b) => a - b) };
}

/** Whether no request is in a box, since a condition has no value left. */
function isEmpty(box: Box): boolean {
  const { users, groups, verb, namespace, name } = box;
  return [users, groups, verb, namespace, name].some((values) => values?.length === 0);
}
