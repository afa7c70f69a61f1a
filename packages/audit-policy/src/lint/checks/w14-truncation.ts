import { levelRank } from '../../types.ts';
import { type LintCheck, rulesLog } from '../check.ts';

/** Bodies of any size, where nobody said that large events are cut. */
export const W14: LintCheck = {
  id: 'W14',
  severity: 'warning',
  title: 'bodies without truncation',
  remedy:
    'start the API server with --audit-log-truncate-enabled (or --audit-webhook-truncate-enabled), and tell lint --truncates',
  find: ({ policy, options }) => {
    if (options.truncates === true) return [];
    const rules = policy.rules.flatMap(({ level }, i) =>
      levelRank(level) >= levelRank('Request') ? [i] : [],
    );
    const [first] = rules;
    if (first === undefined) return [];
    const reason = `${rulesLog(rules)} bodies of up to megabytes: truncation is off unless flags of the API server turn it on, and then bodies of events above 100 KiB go`;
    return [{ path: ['rules', first, 'level'], rule: first, reason }];
  },
};
