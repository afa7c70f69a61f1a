import type { Grant, IndexedRule } from '../access/grants.ts';

/** Whether a list of a rule holds a wildcard or a value. */
export function has(list: readonly string[] | undefined, value: string): boolean {
  return list?.includes('*') === true || list?.includes(value) === true;
}

/**
 * A rule that grants every verb on every resource of all groups, or of the core group; for names only
 * it is another thing.
 */
export function everythingIn({ at, rule }: IndexedRule): readonly Grant[] {
  const { apiGroups = [], resources = [], resourceNames = [], verbs } = rule;
  const isAll = verbs.includes('*') && resources.includes('*') && resourceNames.length === 0;
  const apiGroup = ['*', ''].find((group) => apiGroups.includes(group));
  if (!isAll || apiGroup === undefined) return [];
  return [
    {
      ruleIndex: at,
      rule,
      verbs: ['*'],
      apiGroup,
      resource: '*',
      path: '',
      names: [],
      isNamespaced: true,
    },
  ];
}
