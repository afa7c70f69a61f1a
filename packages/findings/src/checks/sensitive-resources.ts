import type { PolicyRule } from '@leastwise/rbac';

import { CONTROLLERS, RBAC } from './resources.ts';
import { has } from './whole-rule.ts';

type Named = readonly (readonly [apiGroup: string, resources: readonly string[]])[];

/** Secrets, workloads, roles and bindings. */
const SENSITIVE: Named = [
  ['', ['secrets', 'pods']],
  ...CONTROLLERS,
  [RBAC, ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings']],
];

/** Those whom all verbs allow to be impersonated. */
const IDENTITIES: Named = [['', ['users', 'groups', 'serviceaccounts']]];

function namesIn(rule: PolicyRule, named: Named): readonly string[] {
  return named.flatMap(([group, resources]) =>
    has(rule.apiGroups, group) ? resources.filter((each) => rule.resources?.includes(each) === true) : [],
  );
}

/** The sensitive resources that a rule names: not what a wildcard stands for. */
export function sensitiveNames(rule: PolicyRule): readonly string[] {
  return namesIn(rule, SENSITIVE);
}

/** The identities that a rule names. */
export function identityNames(rule: PolicyRule): readonly string[] {
  return namesIn(rule, IDENTITIES);
}
