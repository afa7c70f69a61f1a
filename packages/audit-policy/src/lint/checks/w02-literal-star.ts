import { inRules, type LintCheck } from '../check.ts';

/** `*` where it is a name like any other. */
export const W02: LintCheck = {
  id: 'W02',
  severity: 'warning',
  title: 'literal *',
  remedy: 'leave the field out: an empty list stands for everything',
  find: (subject) =>
    inRules(subject, (rule, path) => {
      const lists = (['verbs', 'users', 'userGroups', 'namespaces'] as const).map(
        (field) => [[...path, field], rule[field], field] as const,
      );
      const names = rule.resources.map(
        ({ resourceNames }, i) =>
          [[...path, 'resources', i, 'resourceNames'], resourceNames, 'resourceNames'] as const,
      );
      return [...lists, ...names].flatMap(([at, values, field]) =>
        values.flatMap((value, i) =>
          value.includes('*')
            ? [
                {
                  path: [...at, i],
                  reason: `* in ${field} is no wildcard: it matches only what is called so`,
                },
              ]
            : [],
        ),
      );
    }),
};
