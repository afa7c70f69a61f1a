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

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** The roles that each aggregated one selects, without those that come to have no rules. */
function selections(roles: readonly ClusterRole[]): Map<ClusterRole, readonly ClusterRole[]> {
  const selected = new Map<ClusterRole, readonly ClusterRole[]>();
  const selecting = new Map<ClusterRole, ClusterRole[]>();
  for (const role of roles) {
    if (!role.aggregationRule) continue;
    const sources = selectedRoles(role, roles);
    selected.set(role, sources);
    for (const source of sources) push(selecting, source, role);
  }
  const withRules = new Set(roles.filter(({ rules }) => rules.length > 0));
  // A set grows while it is walked.
  for (const role of withRules) for (const other of selecting.get(role) ?? []) withRules.add(other);
  return new Map(
    [...selected].map(([role, sources]) => [role, sources.filter((each) => withRules.has(each))]),
  );
}

/**
 * The rules that each ClusterRole comes to have, by name: those of an aggregated one are the rules of all
 * that its selectors select, over any number of steps, and what it lists itself is overwritten. An
 * aggregated role whose selectors are invalid, or select nothing that has rules, keeps what it lists: the
 * controller then writes nothing, or its sources are not among `roles`.
 * @see kubernetes pkg/controller/clusterroleaggregation, which applies a list of no rules as no list
 */
export function effectiveRules(roles: readonly ClusterRole[]): Map<string, readonly PolicyRule[]> {
  const sources = selections(roles);
  const resolve = (role: ClusterRole): readonly PolicyRule[] => {
    const seen = new Set([role]);
    // Reaches roles that aggregate aggregated ones, and ends on cycles.
    const rules = new Set<PolicyRule>();
    for (const each of seen) {
      const selected = sources.get(each) ?? [];
      for (const other of selected) seen.add(other);
      if (selected.length === 0) for (const rule of each.rules) rules.add(rule);
    }
    return [...rules];
  };
  return new Map(roles.map((role) => [role.metadata.name, resolve(role)]));
}
