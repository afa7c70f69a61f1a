import { indexRules } from '../access/grants.ts';
import { worstOf } from '../severity.ts';
import type { GrantCheck } from './check.ts';

/**
 * As bad as the worst that a wildcard for one subresource stands for.
 * @param checks - the checks on grants of single resources
 */
export function createR005(checks: readonly GrantCheck[]): GrantCheck {
  return {
    kind: 'grant',
    info: {
      id: 'R005',
      title: 'A subresource of all resources',
      why: 'A rule on `*/exec`, `*/token`, `*/proxy`, `*/approval` or `*/ephemeralcontainers` holds that subresource of pods, service accounts, nodes and requests for certificates. It is as bad as the worst of them.',
      remedy: 'Name the resources: `pods/exec`.',
      severity: 'LOW',
      peers: ['RP only'],
    },
    find: ({ rule, at, resources }) =>
      [...resources]
        .filter((each) => each.startsWith('*/') && each.length > '*/'.length && each !== '*/*')
        .map((resource) => ({
          ruleIndex: at,
          rule,
          verbs: rule.verbs,
          apiGroup: rule.apiGroups?.[0] ?? '',
          resource,
          path: '',
          names: rule.resourceNames ?? [],
          isNamespaced: true,
        })),
    rate: (grant, scope, model) => {
      const alone = indexRules([{ ...grant.rule, resources: [grant.resource] }]);
      const rated = checks.flatMap((check) =>
        alone
          .flatMap((rule) => check.find(rule, model.settings))
          .filter(({ isNamespaced }) => isNamespaced || scope.kind === 'cluster')
          .flatMap((each) => check.rate(each, scope, model) ?? []),
      );
      return worstOf(rated) ?? 'LOW';
    },
  };
}
