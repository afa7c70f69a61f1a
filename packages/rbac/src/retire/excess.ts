import type { ScopedRule } from '../approved/cells.ts';
import { boxesOf } from '../diff/box.ts';
import { widestGrants } from '../diff/grant.ts';
import { type Budget, uncovered } from '../diff/uncovered.ts';

/** How much more a binding grants than is needed. */
export interface Excess {
  /** Permissions beyond what is needed, one for each value of verb, group, resource and name; a wildcard counts once. */
  readonly cells: number;
  /** Whether there are more cells than were counted. */
  readonly isCapped: boolean;
  /** Rules that grant some of them. */
  readonly rules: number;
}

/** How many cells beyond what is needed are counted. */
export const MAX_EXCESS_CELLS = 10_000;
const MAX_STEPS = 5_000_000;

/** What rules grant beyond what is needed. */
export function excessOf(granted: readonly ScopedRule[], needed: readonly ScopedRule[]): Excess {
  const owned = boxesOf(needed);
  const budget: Budget = { steps: MAX_STEPS, grants: MAX_EXCESS_CELLS };
  const rules = granted.map((each) => [...uncovered(boxesOf([each]), owned, budget)]);
  return {
    cells: widestGrants(rules.flat()).length,
    isCapped: budget.grants < 0 || budget.steps < 0,
    rules: rules.filter((cells) => cells.length > 0).length,
  };
}

/**
 * How broad some rules are at most: one for each part of a rule that is `*`, for a rule without names, and one that
 * holds in the whole cluster. It only serves to put bindings in an order.
 */
export function breadthOf(granted: readonly ScopedRule[]): number {
  const breadths = granted.map(({ scope, rule }) => {
    const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    const stars = [verbs, apiGroups, resources, nonResourceURLs].filter((list) => list.includes('*'));
    return stars.length + (resourceNames.length === 0 ? 1 : 0) + (scope === '*' ? 1 : 0);
  });
  return Math.max(0, ...breadths);
}
