import type { Permission, Subject } from '@leastwise/audit-event';
import { usernameOf } from '@leastwise/audit-event';
import type { PolicyRule, RbacObject } from '@leastwise/rbac';
import { parseAllDocuments } from 'yaml';

/** The objects of a command's output: YAML documents, or a JSON list. */
export function objectsOf(stdout: string): RbacObject[] {
  if (stdout.startsWith('{')) return (JSON.parse(stdout) as { items: RbacObject[] }).items;
  return parseAllDocuments(stdout).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`no YAML: ${String(document.errors[0])}`);
    const object = document.toJS() as RbacObject | null;
    return object === null ? [] : [object];
  });
}

/** A rule on one line: `get,list apps:deployments [web]`, `get /metrics`. */
export function spell(rule: PolicyRule): string {
  const verbs = rule.verbs.join(',');
  if (rule.nonResourceURLs) return `${verbs} ${rule.nonResourceURLs.join(',')}`;
  const group = (rule.apiGroups ?? []).join(',');
  const names = rule.resourceNames ? ` [${rule.resourceNames.join(',')}]` : '';
  return `${verbs} ${group === '' ? '' : `${group}:`}${(rule.resources ?? []).join(',')}${names}`;
}

/** The rules by the role that they stand in: `Role shop`, `ClusterRole`. */
export function rulesOf(stdout: string): Record<string, string[]> {
  const rules: Record<string, string[]> = {};
  for (const object of objectsOf(stdout)) {
    if (!('rules' in object)) continue;
    const where = [object.kind, object.metadata.namespace ?? ''].join(' ').trim();
    (rules[where] ??= []).push(...object.rules.map(spell));
  }
  return rules;
}

function isIn<T>(list: readonly T[] | undefined, value: T): boolean {
  return list?.includes(value) ?? false;
}

function ruleAllows(rule: PolicyRule, asked: Permission): boolean {
  if (!isIn(rule.verbs, asked.verb) && !isIn(rule.verbs, '*')) return false;
  if (asked.resource === '') return isIn(rule.nonResourceURLs, asked.path);
  const names = rule.resourceNames ?? [];
  return (
    isIn(rule.apiGroups, asked.apiGroup) &&
    isIn(rule.resources, asked.resource) &&
    (names.length === 0 || names.includes(asked.name))
  );
}

/**
 * Whether objects allow a request, by an evaluator of this test's own: written from the documentation, without an
 * index, and without wildcards but for verbs, since no others may be rendered.
 */
export function allows(objects: readonly RbacObject[], subject: Subject, asked: Permission): boolean {
  const username = subject.kind === 'Group' ? undefined : usernameOf(subject);
  return objects.some((binding) => {
    if (binding.kind !== 'RoleBinding' && binding.kind !== 'ClusterRoleBinding') return false;
    const { namespace } = binding.metadata;
    if (binding.kind === 'RoleBinding' && (asked.namespace === '' || asked.namespace !== namespace))
      return false;
    const isBound = binding.subjects.some((each) => {
      if (each.kind === 'Group') return subject.kind === 'Group' && each.name === subject.name;
      if (each.kind === 'User') return each.name === username;
      return `system:serviceaccount:${each.namespace ?? ''}:${each.name}` === username;
    });
    const role = isBound && objects.find((object) => isRoleOf(object, binding.roleRef, namespace));
    return role && 'rules' in role && role.rules.some((rule) => ruleAllows(rule, asked));
  });
}

function isRoleOf(
  object: RbacObject,
  { kind, name }: { readonly kind: string; readonly name: string },
  namespace: string | undefined,
): boolean {
  if (object.kind !== kind || object.metadata.name !== name) return false;
  return object.kind === 'ClusterRole' || object.metadata.namespace === namespace;
}

/** The single cells that a rule expands to, each a rule of its own. */
export function cellsOf(rule: PolicyRule): PolicyRule[] {
  return rule.verbs.flatMap((verb) => [
    ...(rule.nonResourceURLs ?? []).map((url) => ({ verbs: [verb], nonResourceURLs: [url] })),
    ...(rule.apiGroups ?? []).flatMap((apiGroup) =>
      (rule.resources ?? []).flatMap((resource) =>
        (rule.resourceNames ?? [undefined]).map((name) => ({
          verbs: [verb],
          apiGroups: [apiGroup],
          resources: [resource],
          ...(name === undefined ? {} : { resourceNames: [name] }),
        })),
      ),
    ),
  ]);
}

/** The objects with one part of one rule taken away, for each part that `split` makes of each rule. */
export function* withoutEach(
  objects: readonly RbacObject[],
  split: (rule: PolicyRule) => readonly PolicyRule[],
): Generator<{ readonly left: RbacObject[]; readonly taken: PolicyRule; readonly from: RbacObject }> {
  for (const [index, from] of objects.entries()) {
    if (from.kind !== 'Role' && from.kind !== 'ClusterRole') continue;
    for (const [at, rule] of from.rules.entries()) {
      const parts = split(rule);
      for (const taken of parts) {
        const rest = parts.filter((part) => part !== taken);
        const rules = from.rules.flatMap((each, i) => (i === at ? rest : [each]));
        yield { left: objects.map((each, i) => (i === index ? { ...from, rules } : each)), taken, from };
      }
    }
  }
}
