import { ASKED_RESOURCES, BUILT_IN_RESOURCES, type PolicyRule } from '@leastwise/rbac';

import type { RoleEntry } from '../access/model.ts';
import { clipped, listed } from '../text.ts';
import type { RoleCheck } from './check.ts';

/** Verbs for which the authorizer is told no name. */
const UNNAMED: ReadonlySet<string> = new Set(['create', 'deletecollection']);

const KNOWN = [...BUILT_IN_RESOURCES, ...ASKED_RESOURCES];
/** What is known to belong to no namespace, as `GROUP/RESOURCE`: none of it is in a namespace in another group. */
const OF_CLUSTER: ReadonlySet<string> = new Set(
  KNOWN.filter(({ isNamespaced }) => !isNamespaced).map(
    ({ apiGroup, resource }) => `${apiGroup}/${resource}`,
  ),
);
const GROUPS: readonly string[] = [...new Set(KNOWN.map(({ apiGroup }) => apiGroup))];

/** The resources that no request has, however it is bound. */
function neverAsked(rule: PolicyRule): readonly string[] {
  return (rule.resources ?? []).flatMap((resource) => {
    if (resource !== '*' && resource.endsWith('/*')) return [`"${clipped(resource)}" is no wildcard`];
    return /[A-Z]/.test(resource) ? [`"${clipped(resource)}" is a kind, not a resource`] : [];
  });
}

function uselessNames({ resourceNames = [], resources = [], verbs }: PolicyRule): readonly string[] {
  if (resourceNames.length === 0) return [];
  const wild = resourceNames.filter((name) => name.includes('*') && !name.includes('/'));
  const isUnnamed = verbs.every((verb) => UNNAMED.has(verb));
  const isTopLevel = resources.every((resource) => resource !== '*' && !resource.includes('/'));
  return [
    ...(wild.length > 0 ? [`the names ${listed(wild)} are taken as they are`] : []),
    ...(isUnnamed && isTopLevel ? [`${listed(verbs)} with resourceNames is never asked`] : []),
  ];
}

function isOfCluster(resource: string, { apiGroups = [], verbs }: PolicyRule): boolean {
  // A RoleBinding to a ClusterRole is allowed by `bind` on it in the namespace.
  if (resource === 'clusterroles' && (verbs.includes('bind') || verbs.includes('*'))) return false;
  const groups = apiGroups.includes('*') ? GROUPS : apiGroups;
  return groups.some((group) => OF_CLUSTER.has(`${group}/${resource}`));
}

/** What a RoleBinding cannot grant, where nothing else binds the role. */
function outOfReach(rule: PolicyRule, { object, bindings }: RoleEntry): readonly string[] {
  const isInNamespaces =
    object.kind === 'Role' || (bindings.length > 0 && bindings.every(({ scope }) => scope.namespace !== ''));
  if (!isInNamespaces) return [];
  const resources = (rule.resources ?? []).filter((resource) => isOfCluster(resource, rule));
  const urls = rule.nonResourceURLs ?? [];
  const why = object.kind === 'Role' ? 'no Role grants it' : 'only RoleBindings bind it';
  return [
    ...(resources.length > 0 ? [`${listed(resources)} belongs to the cluster, and ${why}`] : []),
    ...(urls.length > 0 ? [`${listed(urls)} is no resource, and ${why}`] : []),
  ];
}

/** Rules, or parts of them, that grant nothing. */
export const R090: RoleCheck = {
  kind: 'role',
  info: {
    id: 'R090',
    title: 'A rule that grants nothing',
    why: 'RBAC compares texts: `pods/*`, kinds, and patterns in names match nothing; names do not help where none is asked; cluster-wide things are not granted in a namespace. Somebody believes in a right, or in a limit, that is not there.',
    remedy: 'Write what was meant, or remove it.',
    severity: 'LOW',
    peers: [],
  },
  judge: (role) => {
    const dead = role.object.rules.flatMap((rule, i) => {
      const says = [...neverAsked(rule), ...uselessNames(rule), ...outOfReach(rule, role)];
      return says.length === 0 ? [] : [{ i, says: `rule ${i + 1}: ${listed(says, { separator: '; ' })}` }];
    });
    if (dead.length === 0) return undefined;
    const says = listed(
      dead.map((each) => each.says),
      { separator: '; ' },
    );
    return { severity: 'LOW', says: `has what grants nothing: ${says}`, rules: dead.map(({ i }) => i) };
  },
};
