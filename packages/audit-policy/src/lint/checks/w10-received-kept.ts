import { loggedStages } from '../../match/match-policy.ts';
import { type LintCheck, rulesLog } from '../check.ts';

/** The stage at which nothing is known yet. */
export const W10: LintCheck = {
  id: 'W10',
  severity: 'warning',
  title: 'RequestReceived kept',
  remedy: 'add RequestReceived to omitStages of the policy',
  find: ({ policy }) => {
    const rules = policy.rules.flatMap((rule, index) =>
      rule.level !== 'None' && loggedStages(policy, rule).includes('RequestReceived') ? [index] : [],
    );
    const [first] = rules;
    if (first === undefined) return [];
    const reason = `${rulesLog(rules)} each request when it comes, too: twice the volume, with neither status nor decision`;
    return [{ path: ['rules', first], rule: first, reason }];
  },
};
