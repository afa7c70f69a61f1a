import { type Box, boxesOf } from '../../cover/box.ts';
import { type Budget, type Coverage, coverageOf, newBudget } from '../../cover/cover.ts';
import type { AuditPolicy } from '../../types.ts';
import { inRules, type LintCheck, ruleNames } from '../check.ts';

/** Rules that decide about no request at all. */
export const W01: LintCheck = {
  id: 'W01',
  severity: 'warning',
  title: 'rule that is never reached',
  remedy: 'move it above the rules that catch its requests, or remove it',
  find: (subject) => {
    const coverages = shadows(subject.policy);
    return inRules(subject, (_, path, index) => {
      const { verdict, by } = coverages[index] ?? OPEN;
      if (verdict === 'undecided') {
        const reason = 'the rules above it are too many to tell whether it is ever reached';
        return [
          { path, reason, remedy: 'simulate the policy with a log, and see whether it decides anything' },
        ];
      }
      if (verdict === 'open') return [];
      const caught = `all requests that it matches are decided by ${ruleNames(by)}`;
      const reason = by.length === 0 ? 'no request can match it' : caught;
      return [{ path, reason, shadowedBy: by }];
    });
  },
};

const OPEN: Coverage = { verdict: 'open', by: [] };

/**
 * For each rule, whether all requests that it matches are decided by earlier rules, and by which; by none where no
 * request can match it. Users are taken to be in system:authenticated or system:unauthenticated, as the API server
 * puts them. Where the rules are too many to tell within the budget, the later ones are undecided.
 */
export function shadows({ rules }: AuditPolicy, budget: Budget = newBudget()): readonly Coverage[] {
  const earlier: Box[] = [];
  return rules.map((rule, index) => {
    const own = boxesOf(rule, index);
    const coverage = coverageOfAll(own, earlier, budget);
    for (const box of own) earlier.push(box);
    return coverage;
  });
}

function coverageOfAll(targets: readonly Box[], boxes: readonly Box[], budget: Budget): Coverage {
  const by = new Set<number>();
  for (const target of targets) {
    const coverage = coverageOf(target, boxes, budget);
    if (coverage.verdict !== 'covered') return coverage;
    for (const each of coverage.by) by.add(each);
  }
  return { verdict: 'covered', by: [...by].sort((a, b) => a - b) };
}
