import { levelRank } from '../../types.ts';
import { type LintCheck, rulesLog } from '../check.ts';

/** Bodies with `metadata.managedFields` in them. */
export const W11: LintCheck = {
  id: 'W11',
  severity: 'warning',
  title: 'omitManagedFields is not said',
  remedy: 'set omitManagedFields: true in the policy',
  find: ({ policy }) => {
    if (policy.omitManagedFields !== undefined) return [];
    const rules = policy.rules.flatMap(({ level, omitManagedFields }, index) =>
      levelRank(level) >= levelRank('Request') && omitManagedFields === undefined ? [index] : [],
    );
    const [first] = rules;
    if (first === undefined) return [];
    const reason = `${rulesLog(rules)} bodies with their managedFields, which are often the larger part and tell nothing`;
    return [{ path: ['rules', first], rule: first, reason }];
  },
};
