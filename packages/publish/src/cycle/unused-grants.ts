import { subjectKey } from '@leastwise/audit-event';
import {
  bootstrapDefaults,
  type Cell,
  createAuthorizer,
  type GrantedRule,
  type KubernetesVersion,
  objectKey,
  type PolicyRule,
  type RbacObject,
} from '@leastwise/rbac';
import type { UnusedGrant, UnusedOfBinding } from '@leastwise/render';

import { cellKey } from './cell-key.ts';
import { includes } from './rows.ts';
import type { SubjectPlan } from './subjects.ts';
import { neededCells } from './verify.ts';

/** How many permissions of one binding are looked into for each subject; the rest is counted. */
export const MAX_LOOKED_INTO = 2_000;

/** On what the API server makes by itself, and brings back. */
const BOOTSTRAP_LABEL = 'kubernetes.io/bootstrapping';

/**
 * What subjects do not use of the bindings that name them: nothing that was counted, by whatever binding it was allowed,
 * is among it. Subjects that leave the same of a binding unused share an entry. What a group holds is left out:
 * whether others in it use it, nobody knows.
 * @param plans - of subjects that were observable for long enough
 */
export function unusedGrants(
  existing: readonly RbacObject[],
  plans: readonly SubjectPlan[],
  version: KubernetesVersion,
): UnusedOfBinding[] {
  const defaults = bootstrapDefaults(version);
  const authorizer = createAuthorizer([...defaults, ...existing]);
  const byApiServer = new Set(defaults.map(objectKey));
  const found = new Map<string, UnusedOfBinding>();
  for (const plan of plans) {
    const { subject } = plan.policy;
    if (subject.kind === 'Group') continue;
    const used = new UsedCells(neededCells(plan).map(({ cell }) => cell));
    const byBinding = groupBy(authorizer.rulesFor(subject, []), ({ binding }) => binding);
    for (const [binding, rules] of byBinding) {
      const isOfKubernetes = binding.metadata.labels?.[BOOTSTRAP_LABEL] !== undefined;
      if (isOfKubernetes || byApiServer.has(objectKey(binding))) continue;
      const { unused, more } = unusedOf(rules, used);
      if (unused.length + more === 0) continue;
      const content = unused.map(({ permission, isPartlyUsed }) => [cellKey(permission), isPartlyUsed]);
      const key = JSON.stringify([objectKey(binding), content, more]);
      const known = found.get(key);
      const subjects = [...(known?.subjects ?? []), subject];
      found.set(key, { ...namesOf(binding), subjects, unused, more });
    }
  }
  return [...found.values()].map((each) => ({
    ...each,
    subjects: [...each.subjects].sort((a, b) => (subjectKey(a) < subjectKey(b) ? -1 : 1)),
  }));
}

function namesOf({
  kind,
  metadata,
  roleRef,
}: GrantedRule['binding']): Pick<UnusedOfBinding, 'binding' | 'role'> {
  const namespace = kind === 'RoleBinding' ? (metadata.namespace ?? '') : '';
  return {
    binding: { kind, namespace, name: metadata.name },
    role: { kind: roleRef.kind, name: roleRef.name },
  };
}

function unusedOf(
  rules: readonly GrantedRule[],
  used: UsedCells,
): { readonly unused: readonly UnusedGrant[]; readonly more: number } {
  const unused = new Map<string, UnusedGrant>();
  let left = MAX_LOOKED_INTO;
  for (const permission of cellsOf(rules)) {
    if (left === 0) break;
    left -= 1;
    const isUsed = used.meet(permission);
    if (!isUsed || isWide(permission)) unused.set(cellKey(permission), { permission, isPartlyUsed: isUsed });
  }
  const total = rules.reduce((sum, granted) => sum + sizeOf(granted), 0);
  return {
    unused: [...unused].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
    more: Math.max(0, total - MAX_LOOKED_INTO),
  };
}

/** What rules multiply to, each in the one place in which it holds. */
function* cellsOf(granted: readonly GrantedRule[]): Generator<Cell> {
  for (const { scope, rule } of granted) {
    const namespace = scope === '*' ? '' : scope;
    for (const verb of rule.verbs) {
      for (const apiGroup of rule.apiGroups ?? []) {
        for (const resource of rule.resources ?? []) {
          for (const name of namesIn(rule)) yield { verb, apiGroup, resource, namespace, name, path: '' };
        }
      }
      for (const path of urlsIn({ scope, rule })) {
        yield { verb, apiGroup: '', resource: '', namespace: '', name: '', path };
      }
    }
  }
}

/** How many cells {@link cellsOf} gives for one rule. */
function sizeOf({ scope, rule }: GrantedRule): number {
  const targets = (rule.apiGroups?.length ?? 0) * (rule.resources?.length ?? 0) * namesIn(rule).length;
  return rule.verbs.length * (targets + urlsIn({ scope, rule }).length);
}

function namesIn({ resourceNames = [] }: PolicyRule): readonly string[] {
  return resourceNames.length === 0 ? [''] : resourceNames;
}

/** No RoleBinding grants a URL. */
function urlsIn({ scope, rule }: Pick<GrantedRule, 'scope' | 'rule'>): readonly string[] {
  return scope === '*' ? (rule.nonResourceURLs ?? []) : [];
}

function isWide({ verb, apiGroup, resource, path }: Cell): boolean {
  return [verb, apiGroup].includes('*') || resource.includes('*') || path.endsWith('*');
}

/** What a subject used, to be asked for what a rule grants. */
class UsedCells {
  readonly #all: readonly Cell[];
  readonly #byTarget: ReadonlyMap<string, readonly Cell[]>;

  constructor(all: readonly Cell[]) {
    this.#all = all;
    this.#byTarget = groupBy(all, targetOf);
  }

  /** Whether something was used that a permission includes; of a used one whose name is not known, any name. */
  meet(permission: Cell): boolean {
    const near = isWide(permission) ? this.#all : (this.#byTarget.get(targetOf(permission)) ?? []);
    const unnamed = { ...permission, name: '' };
    return near.some((cell) => includes(cell.name === '' ? unnamed : permission, cell));
  }
}

function targetOf({ verb, apiGroup, resource }: Cell): string {
  return `${verb}\0${apiGroup}\0${resource}`;
}

function groupBy<K, V>(values: readonly V[], keyOf: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
