import { inRules, type LintCheck } from '../check.ts';

const NAMELESS: readonly string[] = ['create', 'list', 'watch', 'deletecollection'];

/** Names beside verbs whose requests have none. */
export const W04: LintCheck = {
  id: 'W04',
  severity: 'warning',
  title: 'resourceNames with verbs that have no name',
  remedy: 'leave resourceNames out, or name verbs of single objects',
  find: (subject) =>
    inRules(subject, (rule, path) => {
      if (rule.verbs.length === 0 || !rule.verbs.every((verb) => NAMELESS.includes(verb))) return [];
      return rule.resources.flatMap(({ resources, resourceNames }, i) => {
        const isTopLevel = resources.some((resource) => !resource.includes('/'));
        if (resourceNames.length === 0 || !isTopLevel) return [];
        const reason = `requests to ${rule.verbs.join(', ')} have no name, but for list and watch with fieldSelector=metadata.name=…`;
        return [{ path: [...path, 'resources', i, 'resourceNames'], reason }];
      });
    }),
};
