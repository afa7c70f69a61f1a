import { loggedStages } from '../../match/match-policy.ts';
import { inRules, type LintCheck } from '../check.ts';

/** Rules with a level that log nothing nevertheless. */
export const W08: LintCheck = {
  id: 'W08',
  severity: 'warning',
  title: 'all stages omitted',
  remedy: 'omit RequestReceived only, or say level None',
  find: (subject) =>
    inRules(subject, (rule, path) =>
      rule.level !== 'None' && loggedStages(subject.policy, rule).length === 0
        ? [
            {
              path: [...path, 'level'],
              reason: `level ${rule.level} logs nothing: the rule and the policy omit all stages`,
            },
          ]
        : [],
    ),
};
