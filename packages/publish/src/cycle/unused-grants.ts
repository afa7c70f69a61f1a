import { type Subject, subjectKey } from '@leastwise/audit-event';
import type { SubjectObservability } from '@leastwise/audit-policy';
import {
  bootstrapDefaults,
  type Cell,
  createAuthorizer,
  type GrantedRule,
  type KubernetesVersion,
  objectKey,
  type RbacObject,
} from '@leastwise/rbac';
import type { RemarkedPermission, UnusedGrant, UnusedOfBinding } from '@leastwise/render';

import { cellKey } from './cell-key.ts';
import { whyNotLogged } from './changes.ts';
import { grantedCells, grantSize } from './granted-cells.ts';
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
 * whether others in it use it, nobody knows. Nothing of which the audit policy would not log every use is called unused.
 * @param plans - of subjects that were observable for long enough
 * @param sightOf - what the audit policy lets one see; `undefined` where it is not known
 */
export function unusedGrants(
  existing: readonly RbacObject[],
  plans: readonly SubjectPlan[],
  version: KubernetesVersion,
  sightOf: (subject: Subject) => SubjectObservability | undefined = () => undefined,
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
      const { unused, unobservable, more } = unusedOf(rules, used, sightOf(subject));
      if (unused.length + unobservable.length + more === 0) continue;
      const content = unused.map(({ permission, isPartlyUsed }) => [cellKey(permission), isPartlyUsed]);
      const unseen = unobservable.map(({ permission, remark }) => [cellKey(permission), remark]);
      const key = JSON.stringify([objectKey(binding), content, unseen, more]);
      const known = found.get(key);
      const subjects = [...(known?.subjects ?? []), subject];
      found.set(key, { ...namesOf(binding), subjects, unused, unobservable, more });
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
  sight: SubjectObservability | undefined,
): Pick<UnusedOfBinding, 'unused' | 'unobservable' | 'more'> {
  const unused = new Map<string, UnusedGrant>();
  const unobservable = new Map<string, RemarkedPermission>();
  let left = MAX_LOOKED_INTO;
  for (const permission of grantedCells(rules)) {
    if (left === 0) break;
    left -= 1;
    const isUsed = used.meet(permission);
    if (isUsed && !isWide(permission)) continue;
    const key = cellKey(permission);
    const seen = sight?.sightOf(permission);
    if (seen === undefined || seen.sight === 'logged') unused.set(key, { permission, isPartlyUsed: isUsed });
    else unobservable.set(key, { permission, remark: whyNotLogged(seen) });
  }
  const total = rules.reduce((sum, granted) => sum + grantSize(granted), 0);
  return {
    unused: inOrder(unused),
    unobservable: inOrder(unobservable),
    more: Math.max(0, total - MAX_LOOKED_INTO),
  };
}

function inOrder<T>(byKey: ReadonlyMap<string, T>): T[] {
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
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
