import type { ClusterRole, LabelSelector, PolicyRule } from '../types.ts';

type Labels = Readonly<Record<string, string>>;

function hasValues(values: readonly string[] | undefined): values is readonly string[] {
  return values !== undefined && values.length > 0;
}

/** The API server refuses In and NotIn without values, and the other two with some. */
function isValidSelector(selector: LabelSelector): boolean {
  return (selector.matchExpressions ?? []).every(({ operator, values }) => {
    const needsValues = operator === 'In' || operator === 'NotIn';
    return needsValues === hasValues(values);
  });
}

/** Whether a valid selector selects these labels; one without requirements selects everything. */
function isSelected(selector: LabelSelector, labels: Labels): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (!Object.hasOwn(labels, key) || labels[key] !== value) return false;
  }
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  });
}

function selectedRoles(role: ClusterRole, all: readonly ClusterRole[]): readonly ClusterRole[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  if (!selectors.every(isValidSelector)) return [];
  return all.filter(
    (other) =>
      other !== role && selectors.some((selector) => isSelected(selector, other.metadata.labels ?? {})),
  );
}

/**
 * The rules that each ClusterRole comes to have, by name: those of an aggregated one are the rules of all
 * that its selectors select, over any number of steps, and what it lists itself is overwritten. An
 * aggregated role whose selectors are invalid, or select none of `roles`, keeps what it lists: its
 * sources are then elsewhere, and the cluster has written their rules into it.
 * @see kubernetes pkg/controller/clusterroleaggregation
 */
export function effectiveRules(roles: readonly ClusterRole[]): Map<string, readonly PolicyRule[]> {
  const selections = new Map<ClusterRole, readonly ClusterRole[]>();
  for (const role of roles) {
    if (role.aggregationRule) selections.set(role, selectedRoles(role, roles));
  }
  const resolve = (role: ClusterRole): readonly PolicyRule[] => {
    const seen = new Set([role]);
    // A set grows while it is walked, so this reaches roles that aggregate aggregated ones, and ends on cycles.
    const rules = new Set<PolicyRule>();
    for (const each of seen) {
      const selected = selections.get(each) ?? [];
      for (const other of selected) seen.add(other);
      if (selected.length === 0) for (const rule of each.rules) rules.add(rule);
    }
    return [...rules];
  };
  return new Map(roles.map((role) => [role.metadata.name, resolve(role)]));
}
