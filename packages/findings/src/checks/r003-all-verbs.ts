import { listed } from '../text.ts';
import { ruleTextCheck } from './rule-text-check.ts';
import { identityNames, sensitiveNames } from './sensitive-resources.ts';

/** The verb `*` on resources that are named. */
export const R003 = ruleTextCheck(
  {
    id: 'R003',
    title: 'All verbs on named resources',
    why: 'The verb `*` holds verbs that nobody thinks of: bind and escalate on roles, impersonate on users and groups, and whatever a later version adds.',
    remedy: 'Name the verbs.',
    severity: 'CRITICAL',
    peers: ['TR 0045', 'KS any-verb-* (15)', 'KR', 'KY'],
  },
  (rule) => {
    const named = (rule.resources ?? []).filter((each) => each !== '*');
    if (!rule.verbs.includes('*') || named.length === 0) return undefined;
    const isNarrow = (rule.resourceNames ?? []).length > 0;
    const isSensitive = [...sensitiveNames(rule), ...identityNames(rule)].length > 0;
    return {
      severity: isSensitive && !isNarrow ? 'CRITICAL' : 'MEDIUM',
      says: `has all verbs on ${listed(named)}`,
    };
  },
);
