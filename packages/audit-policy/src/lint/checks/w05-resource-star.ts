import { quoted } from '../../quoted.ts';
import { inRules, type LintCheck } from '../check.ts';

/** Entries of `resources` that match other requests than they seem to. */
export const W05: LintCheck = {
  id: 'W05',
  severity: 'warning',
  title: 'surprising wildcard of resources',
  remedy: 'name the subresources, or write * for everything',
  find: (subject) =>
    inRules(subject, (rule, path) =>
      rule.resources.flatMap(({ resources }, i) =>
        resources.flatMap((resource, j) => {
          if (!resource.endsWith('/*')) return [];
          const reason =
            resource === '*/*'
              ? '*/* matches nothing: * alone is everything, subresources included'
              : `${quoted(resource)} matches ${quoted(resource.slice(0, -2))} itself, too, not only its subresources`;
          return [{ path: [...path, 'resources', i, 'resources', j], reason }];
        }),
      ),
    ),
};
