import { clusterWide, type Grant, grantsOf, type IndexedRule, namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { type GrantCheck, infoOf } from './check.ts';

const GROUP = 'authentication.k8s.io';
const USER_INFO = 'impersonate:user-info';

/** Whom each mode lets one be. */
const MODES = [
  clusterWide(GROUP, ['users', 'groups', 'uids', 'userextras/'], [USER_INFO]),
  namespaced(GROUP, ['serviceaccounts'], ['impersonate:serviceaccount']),
  clusterWide(GROUP, ['nodes'], ['impersonate:arbitrary-node', 'impersonate:associated-node']),
];

/** What may be done as somebody else. A wildcard is told by other checks. */
function actsOn({ rule, at }: IndexedRule): readonly Grant[] {
  const verbs = rule.verbs.filter((verb) => verb.startsWith('impersonate-on:'));
  if (verbs.length === 0) return [];
  return (rule.apiGroups ?? []).flatMap((apiGroup) =>
    (rule.resources ?? []).map((resource) => ({
      ruleIndex: at,
      rule,
      verbs,
      apiGroup,
      resource,
      path: '',
      names: rule.resourceNames ?? [],
      isNamespaced: true,
    })),
  );
}

/**
 * Acts as somebody else for certain requests.
 * @see kubernetes apiserver pkg/endpoints/filters/impersonation/mode.go (constrained impersonation, on from 1.36)
 */
export const R046: GrantCheck = {
  kind: 'grant',
  info: {
    ...infoOf(
      {
        id: 'R046',
        title: 'Impersonates others, in a constrained mode',
        why: 'It may send requests as another user, service account or node, as far as its impersonate-on verbs go.',
        remedy: 'Name whom it may impersonate in resourceNames, and keep the impersonate-on verbs few.',
        peers: [],
      },
      everywhere('HIGH'),
    ),
  },
  find: (rule) => [...MODES.flatMap((target) => grantsOf(rule, target)), ...actsOn(rule)],
  rate: ({ verbs, names }) => (verbs.includes(USER_INFO) && names.length === 0 ? 'CRITICAL' : 'HIGH'),
};
