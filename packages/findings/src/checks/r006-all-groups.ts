import { listed } from '../text.ts';
import { ruleTextCheck } from './rule-text-check.ts';

/** All API groups for resources that are named. */
export const R006 = ruleTextCheck(
  {
    id: 'R006',
    title: 'All API groups for named resources',
    why: 'A resource of one name may come in any group: a custom `secrets`, `deployments` or `users` of tomorrow is granted today.',
    remedy: 'Name the groups.',
    severity: 'MEDIUM',
    peers: [],
  },
  ({ apiGroups = [], resources = [] }) => {
    const named = resources.filter((each) => each !== '*');
    if (!apiGroups.includes('*') || named.length === 0) return undefined;
    return { severity: 'MEDIUM', says: `has ${listed(named)} of all API groups` };
  },
);
