import { listed } from '../text.ts';
import { READ, WRITE } from './resources.ts';
import { ruleTextCheck } from './rule-text-check.ts';
import { sensitiveNames } from './sensitive-resources.ts';

/** Who may list and delete may delete all: deletecollection adds nothing but speed, and is often left out. */
const FULL_SET = [...READ, ...WRITE, 'delete'];

/** All verbs, without saying so. */
export const R007 = ruleTextCheck(
  {
    id: 'R007',
    title: 'All verbs spelled out',
    why: 'get, list, watch, create, update, patch and delete in one rule are everything one can do with the resource, written so that no search for `*` finds it.',
    remedy: 'Keep the verbs that are used.',
    severity: 'HIGH',
    peers: [],
  },
  (rule) => {
    const { verbs, resources = [] } = rule;
    const isFull = !verbs.includes('*') && FULL_SET.every((verb) => verbs.includes(verb));
    if (!isFull || resources.length === 0) return undefined;
    const isNarrow = (rule.resourceNames ?? []).length > 0;
    const isSensitive = resources.includes('*') || sensitiveNames(rule).length > 0;
    return {
      severity: isSensitive && !isNarrow ? 'HIGH' : 'MEDIUM',
      says: `spells out all verbs on ${listed(resources)}`,
    };
  },
);
