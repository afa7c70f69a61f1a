import type { Permission, Subject } from '@leastwise/audit-event';

import type { PolicyRule, RbacObject } from '../types.ts';

/**
 * A second evaluator, written from the documentation and as slow as it is plain: no index, no `*` but
 * in verbs (nothing else may be rendered), one subject.
 */
export function naiveAllows(objects: readonly RbacObject[], subject: Subject, asked: Permission): boolean {
  return objects.some((binding) => {
    if (binding.kind !== 'RoleBinding' && binding.kind !== 'ClusterRoleBinding') return false;
    const isBound = binding.subjects.some(
      (each) =>
        each.kind === subject.kind &&
        each.name === subject.name &&
        (each.namespace ?? '') === subject.namespace,
    );
    if (!isBound) return false;
    if (binding.kind === 'RoleBinding' && binding.metadata.namespace !== asked.namespace) return false;
    if (binding.kind === 'RoleBinding' && asked.namespace === '') return false;
    return objects.some(
      (role) =>
        (role.kind === 'Role' || role.kind === 'ClusterRole') &&
        role.kind === binding.roleRef.kind &&
        role.metadata.name === binding.roleRef.name &&
        (role.kind === 'ClusterRole' || role.metadata.namespace === binding.metadata.namespace) &&
        role.rules.some((rule) => naiveRuleAllows(rule, asked)),
    );
  });
}

function naiveRuleAllows(rule: PolicyRule, asked: Permission): boolean {
  if (!rule.verbs.includes(asked.verb) && !rule.verbs.includes('*')) return false;
  if (asked.resource === '') return (rule.nonResourceURLs ?? []).includes(asked.path);
  const names = rule.resourceNames ?? [];
  return (
    (rule.apiGroups ?? []).includes(asked.apiGroup) &&
    (rule.resources ?? []).includes(asked.resource) &&
    (names.length === 0 || names.includes(asked.name))
  );
}

/** All objects with one cell taken away, for every cell that the rules expand to. */
export function* withoutEachCell(
  objects: readonly RbacObject[],
): Generator<{ without: RbacObject[]; cell: string }> {
  for (const [index, role] of objects.entries()) {
    if (role.kind !== 'Role' && role.kind !== 'ClusterRole') continue;
    for (const [at, rule] of role.rules.entries()) {
      const others = role.rules.filter((_, i) => i !== at);
      for (const [cell, rest] of splitRule(rule)) {
        const without = objects.map((each, i) =>
          i === index ? { ...role, rules: [...others, ...rest] } : each,
        );
        yield { without, cell };
      }
    }
  }
}

function resourceCells(rule: PolicyRule, verb: string): PolicyRule[] {
  const { apiGroups = [], resources = [], resourceNames = [] } = rule;
  const cells = apiGroups.flatMap((apiGroup) =>
    resources.map((resource) => ({ verbs: [verb], apiGroups: [apiGroup], resources: [resource] })),
  );
  if (resourceNames.length === 0) return cells;
  return cells.flatMap((cell) => resourceNames.map((name) => ({ ...cell, resourceNames: [name] })));
}

function* splitRule(rule: PolicyRule): Generator<[string, PolicyRule[]]> {
  const cells = rule.verbs.flatMap((verb): PolicyRule[] => [
    ...(rule.nonResourceURLs ?? []).map((url) => ({ verbs: [verb], nonResourceURLs: [url] })),
    ...resourceCells(rule, verb),
  ]);
  for (const cell of cells) yield [JSON.stringify(cell), cells.filter((each) => each !== cell)];
}
