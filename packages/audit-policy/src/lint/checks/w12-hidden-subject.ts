import { quoted } from '../../quoted.ts';
import { inRules, type LintCheck } from '../check.ts';

/** Groups that everybody is in: W15 is about them. */
const EVERYBODY: readonly string[] = ['system:authenticated', 'system:unauthenticated'];
const MAX_NAMES = 5;

/** None rules that hide those whose permissions are to be learnt. */
export const W12: LintCheck = {
  id: 'W12',
  severity: 'warning',
  title: 'a learned subject is hidden',
  remedy: 'log its requests at level Metadata, or know that its permissions cannot be learnt',
  find: (subject) =>
    inRules(subject, (rule, path) => {
      const { level, users, userGroups, nonResourceURLs } = rule;
      if (level !== 'None' || nonResourceURLs.length > 0) return [];
      const telling = userGroups.filter((group) => !EVERYBODY.includes(group));
      if (users.length === 0 && telling.length === 0) return [];
      const hidden = (subject.options.learned ?? []).filter(
        ({ username, groups }) =>
          (users.length === 0 || users.includes(username)) &&
          (userGroups.length === 0 || userGroups.some((group) => groups.includes(group))),
      );
      if (hidden.length === 0) return [];
      const names = hidden.slice(0, MAX_NAMES).map(({ username }) => quoted(username));
      const more = hidden.length > MAX_NAMES ? ` and ${hidden.length - MAX_NAMES} more` : '';
      return [{ path, reason: `it hides requests of ${names.join(', ')}${more}: their rights look unused` }];
    }),
};
