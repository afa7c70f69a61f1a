import { inRules, type LintCheck } from '../check.ts';

/** None rules for all who are logged in. */
export const W15: LintCheck = {
  id: 'W15',
  severity: 'warning',
  title: 'everybody is hidden',
  remedy: 'name the users or the URLs that make the noise',
  find: (subject) =>
    inRules(subject, (rule, path) => {
      const { level, userGroups, nonResourceURLs } = rule;
      const at = userGroups.indexOf('system:authenticated');
      const isBounded =
        nonResourceURLs.length > 0 && !nonResourceURLs.some((url) => url === '*' || url === '/*');
      if (level !== 'None' || at < 0 || isBounded) return [];
      const reason = 'level None for system:authenticated hides requests of everybody who is logged in';
      return [{ path: [...path, 'userGroups', at], reason }];
    }),
};
