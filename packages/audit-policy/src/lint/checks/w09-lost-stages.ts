import type { Stage } from '@leastwise/audit-event';

import { loggedStages } from '../../match/match-policy.ts';
import type { LintCheck, LintMatch } from '../check.ts';

const LOST = {
  ResponseStarted: 'failed authentication is logged at no other stage, and an exec only when it ends',
  ResponseComplete: 'the outcome of a request is logged at no other stage, but for watches and streams',
} as const;

/** Stages omitted that tell what no other stage tells. */
export const W09: LintCheck = {
  id: 'W09',
  severity: 'warning',
  title: 'telling stage omitted',
  remedy: 'omit RequestReceived only',
  find: ({ policy }) =>
    (['ResponseStarted', 'ResponseComplete'] as const).flatMap((stage): LintMatch[] => {
      const reason = `${stage} is omitted: ${LOST[stage]}`;
      if (policy.omitStages.includes(stage))
        return [{ path: placeOf(['omitStages'], policy.omitStages, stage), reason }];
      return policy.rules.flatMap((rule, index) =>
        rule.level !== 'None' && rule.omitStages.includes(stage) && loggedStages(policy, rule).length > 0
          ? [{ path: placeOf(['rules', index, 'omitStages'], rule.omitStages, stage), rule: index, reason }]
          : [],
      );
    }),
};

function placeOf(path: readonly (string | number)[], stages: readonly Stage[], stage: Stage) {
  return [...path, stages.indexOf(stage)];
}
