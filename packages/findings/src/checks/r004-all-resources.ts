import type { Grant, IndexedRule } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { type GrantCheck, infoOf } from './check.ts';
import { REMOVE, READ, WRITE } from './resources.ts';
import { everythingIn, has } from './whole-rule.ts';

const SEVERITIES = byScope('CRITICAL', 'CRITICAL', 'HIGH');
const VERBS: readonly string[] = [...READ, ...WRITE, ...REMOVE, 'impersonate'];

function find(indexed: IndexedRule): readonly Grant[] {
  const { rule, at } = indexed;
  if (rule.resources?.includes('*') !== true || everythingIn(indexed).length > 0) return [];
  const verbs = rule.verbs.filter((verb) => verb === '*' || VERBS.includes(verb));
  if (verbs.length === 0) return [];
  const apiGroups = has(rule.apiGroups, '*') ? ['*'] : (rule.apiGroups ?? []);
  const names = rule.resourceNames ?? [];
  return apiGroups.map((apiGroup) => ({
    ruleIndex: at,
    rule,
    verbs,
    apiGroup,
    resource: '*',
    path: '',
    names,
    isNamespaced: true,
  }));
}

/** A verb on all resources of a group. */
export const R004: GrantCheck = {
  kind: 'grant',
  info: infoOf(
    {
      id: 'R004',
      title: 'A verb on all resources',
      why: 'The resource `*` holds secrets, roles, subresources such as pods/exec, and whatever is installed later.',
      remedy: 'Name the resources.',
      peers: ['TR 0046/0112', 'KS any-resource-*', 'KR', 'KY'],
    },
    SEVERITIES,
  ),
  find,
  // All of one group that holds neither secrets nor pods is less; what is dangerous in it has a check of its own.
  rate: ({ apiGroup, names }, { kind }) =>
    (apiGroup === '*' || apiGroup === '') && names.length === 0 ? SEVERITIES[kind] : 'MEDIUM',
};
