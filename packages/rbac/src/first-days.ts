import { dayOf } from './evidence.ts';
import type { ClusterState, RuleSet } from './types.ts';

/**
 * When each subject of a cluster was seen first, as far as the state remembers: the UTC day of the oldest request, allowed or
 * refused, that is evidence of it.
 *
 * @returns by subject's key, days since 1970-01-01; `Infinity` for whom the state does not know
 */
export function firstDaysIn({ subjects }: Pick<ClusterState, 'subjects'>): (subject: string) => number {
  const known = new Map<string, number>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const subject = subjects.get(key);
    const firstUs = subject ? Math.min(firstUsIn(subject.allowed), firstUsIn(subject.denied)) : Infinity;
    const day = Number.isFinite(firstUs) ? dayOf(firstUs) : Infinity;
    known.set(key, day);
    return day;
  };
}

function firstUsIn({ rules, overflow }: RuleSet): number {
  let first = overflow?.firstSeenUs ?? Infinity;
  for (const rule of rules.values()) {
    if (rule.overflow) first = Math.min(first, rule.overflow.firstSeenUs);
    for (const { firstSeenUs } of rule.names.values()) first = Math.min(first, firstSeenUs);
  }
  return first;
}
