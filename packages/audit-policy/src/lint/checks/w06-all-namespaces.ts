import { matchPolicy } from '../../match/match-policy.ts';
import { quoted } from '../../quoted.ts';
import { type AuditRule, levelRank, type RequestAttributes } from '../../types.ts';
import { inRules, type LintCheck } from '../check.ts';

/** Rules about namespaces that a request for all namespaces at once goes round. */
export const W06: LintCheck = {
  id: 'W06',
  severity: 'warning',
  title: 'namespace rule that a request for all namespaces bypasses',
  remedy: 'add "" to namespaces, which stands for requests that name none, or a rule for these',
  find: (subject) =>
    inRules(subject, (rule, path) => {
      if (rule.namespaces.length === 0 || rule.namespaces.includes('')) return [];
      const lesser = bypassesOf(rule).find(
        (request) => levelRank(matchPolicy(subject.policy, request).level) < levelRank(rule.level),
      );
      if (lesser === undefined) return [];
      const { level } = matchPolicy(subject.policy, lesser);
      const what = lesser.resource === FRESH ? 'resources' : quoted(lesser.resource);
      const reason = `to ${lesser.verb} ${what} of all namespaces at once shows these namespaces, too, and is at level ${level}`;
      return [{ path: [...path, 'namespaces'], reason }];
    }),
};

/** A resource that nobody mentions. */
const FRESH = 'anyresources';

function bypassesOf(rule: AuditRule): RequestAttributes[] {
  const verbs = ['list', 'watch'].filter((verb) => rule.verbs.length === 0 || rule.verbs.includes(verb));
  const groups = ['system:authenticated', ...rule.userGroups.slice(0, 1)];
  const user = { username: rule.users[0] ?? 'leastwise:probe', groups };
  const listed =
    rule.resources.length === 0 ? [{ group: '', resources: [], resourceNames: [] }] : rule.resources;
  return listed
    .filter(({ resourceNames }) => resourceNames.length === 0)
    .flatMap(({ group, resources }) => {
      const names =
        resources.length === 0
          ? [FRESH]
          : resources.map((each) => (each === '*' ? FRESH : each.replace(/\/\*$/, '')));
      const collections = names.filter((name) => !name.includes('/'));
      return verbs.flatMap((verb) =>
        collections.map((resource) => ({
          user,
          verb,
          isResourceRequest: true,
          apiGroup: group === '*' ? '' : group,
          resource,
          subresource: '',
          namespace: '',
          name: '',
          path: '',
        })),
      );
    });
}
