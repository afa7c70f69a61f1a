import {
  boundSubject,
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type Role,
  type RoleBinding,
  RuleIndex,
} from '@leastwise/rbac';
import { subjectKey } from '@leastwise/audit-event';

import { clipped, subjectText } from '../text.ts';
import type { Drift, RoleProfile } from './model.ts';

/** Far more than any role of Kubernetes grants; beyond it nothing is taken apart. */
const MAX_CELLS = 20_000;
const MAX_TOLD = 5;

function sizeOf({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): number {
  const names = Math.max(resourceNames.length, 1);
  return verbs.length * (apiGroups.length * resources.length * names + nonResourceURLs.length);
}

function* permissionsOf({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule) {
  const unnamed = { apiGroup: '', resource: '', namespace: '', name: '', path: '' };
  for (const verb of verbs) {
    for (const path of nonResourceURLs) yield { ...unnamed, verb, path };
    for (const apiGroup of apiGroups) {
      for (const resource of resources) {
        const names = resourceNames.length > 0 ? resourceNames : [''];
        for (const name of names) yield { ...unnamed, verb, apiGroup, resource, name };
      }
    }
  }
}

/** What rules grant beyond others, as texts; the first few. */
function excessOf(rules: readonly PolicyRule[], expected: readonly PolicyRule[]): Drift {
  if (rules.reduce((sum, rule) => sum + sizeOf(rule), 0) > MAX_CELLS) {
    return [`grants more than ${MAX_CELLS} permissions`];
  }
  const index = new RuleIndex(expected);
  const excess: string[] = [];
  for (const rule of rules) {
    for (const permission of permissionsOf(rule)) {
      const { verb, resource, path } = permission;
      const isExpected = resource === '' ? index.allowsUrl(permission) : index.allowsResource(permission);
      if (isExpected) continue;
      excess.push(`grants ${clipped(verb)} ${clipped(resource === '' ? path : resource)}`);
      if (excess.length === MAX_TOLD) return excess;
    }
  }
  return excess;
}

function selectorsOf(role: Role | ClusterRole): string {
  return role.kind === 'ClusterRole'
    ? JSON.stringify(role.aggregationRule?.clusterRoleSelectors ?? [])
    : '[]';
}

/** A role as Kubernetes makes it, in one version or the union of several. */
export interface ExpectedRole {
  readonly role: Role | ClusterRole;
  readonly rules: readonly PolicyRule[];
  /** Whether its rules are those of the cluster's own version. */
  readonly isExact: boolean;
}

/**
 * How a role differs from what Kubernetes makes of it. Less than that is no drift: a server that starts adds what is
 * missing. Where the rules of the very version are not known, what counts is whether the role is dangerous in
 * a way in which Kubernetes' own is not, since each version moves a few permissions.
 */
export function driftOfRole(
  live: { readonly object: Role | ClusterRole; readonly profile: RoleProfile },
  expected: ExpectedRole,
  profileOf: (rules: readonly PolicyRule[]) => RoleProfile,
): Drift {
  if (selectorsOf(live.object) !== selectorsOf(expected.role)) return ['is aggregated from other roles'];
  if (selectorsOf(live.object) !== '[]') return [];
  if (expected.isExact) return excessOf(live.object.rules, expected.rules);
  const usual = profileOf(expected.rules);
  const checks = [...live.profile.grants.keys()].filter((check) => !usual.grants.has(check));
  const parts = [...live.profile.parts]
    .filter(([check, found]) => [...found.keys()].some((name) => usual.parts.get(check)?.has(name) !== true))
    .map(([check]) => check);
  return [
    ...checks.sort().map((check) => `grants what ${check} looks for`),
    ...parts.sort().map((check) => `grants part of what ${check} looks for`),
  ];
}

/** How a binding differs from what Kubernetes makes of it; fewer subjects are no drift. */
export function driftOfBinding(
  live: RoleBinding | ClusterRoleBinding,
  expected: RoleBinding | ClusterRoleBinding,
): Drift {
  const { kind, name } = live.roleRef;
  const isSameRole = kind === expected.roleRef.kind && name === expected.roleRef.name;
  const keysOf = (binding: RoleBinding | ClusterRoleBinding): string[] =>
    binding.subjects.flatMap((listed) => {
      const subject = boundSubject(listed, binding);
      return subject === undefined ? [] : [subjectKey(subject)];
    });
  const usual = new Set(keysOf(expected));
  const added = live.subjects.filter((listed) => {
    const subject = boundSubject(listed, live);
    return subject !== undefined && !usual.has(subjectKey(subject));
  });
  return [
    ...(isSameRole ? [] : [`binds ${kind} ${clipped(name)}`]),
    ...added.slice(0, MAX_TOLD).map((listed) => `binds ${subjectText(listed)}`),
  ];
}
