import { impliedGroups, type Subject, subjectKey } from '@leastwise/audit-event';

import { boundSubject, createAuthorizer, type GrantedRule } from '../authorizer/index.ts';
import type { Cell } from '../policy.ts';
import type { ClusterRoleBinding, RbacObject, RoleBinding } from '../types.ts';
import { cellCount, cellsOf } from './cells.ts';
import { isBinding, objectKey, roleKey } from './object-key.ts';

type Binding = RoleBinding | ClusterRoleBinding;

/** How many cells of one subject's files are worked with. A binding beyond is left as it is, and reported. */
export const MAX_APPROVED_CELLS = 100_000;

/** A subject's files, told apart into what may be written anew and what is left as it is. */
export interface Approved {
  /** Bindings of this subject and nobody else, with their roles. */
  readonly own: readonly RbacObject[];
  /** What concerns others or cannot be told: it stays in the files as it is. */
  readonly kept: readonly RbacObject[];
  /** What the subject is granted by `own`. */
  readonly ownCells: readonly Cell[];
  /** What the subject is granted by `kept`, as far as the files tell, by groups that it is always in as well. */
  readonly keptCells: readonly Cell[];
  /** Why each binding among `kept` is there, for people, sorted. Names come from the files: not escaped. */
  readonly foreign: readonly string[];
}

/** Such labels make a ClusterRole part of another one. See https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles */
const AGGREGATE_TO = 'rbac.authorization.k8s.io/aggregate-to-';

/** Why a role is not ours to change, if it is not. */
function roleProblem(role: RbacObject, hasAggregation: boolean): string | undefined {
  if (!('rules' in role)) return undefined;
  if (role.kind === 'ClusterRole' && hasAggregation) return 'which stands beside an aggregated ClusterRole';
  if (Object.keys(role.metadata.labels ?? {}).some((key) => key.startsWith(AGGREGATE_TO))) {
    return 'which is aggregated into other ClusterRoles';
  }
  // It allows requests without a name and no others, which no cell can say.
  const hasEmptyName = role.rules.some(({ resourceNames }) => resourceNames?.includes('') === true);
  return hasEmptyName ? 'which lists an empty resourceName' : undefined;
}

function describe({ kind, metadata }: RbacObject): string {
  return metadata.namespace === undefined
    ? `${kind} ${metadata.name}`
    : `${kind} ${metadata.namespace}/${metadata.name}`;
}

class Files {
  readonly byKey: ReadonlyMap<string, RbacObject>;
  readonly bindings: readonly Binding[];
  readonly #subject: string;
  readonly #hasAggregation: boolean;

  constructor(objects: readonly RbacObject[], subject: Subject) {
    // Of two objects of one name the later counts, as when the file is applied.
    const latest = objects.map((object) => [objectKey(object), object] as const);
    this.byKey = new Map(latest.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
    this.bindings = [...this.byKey.values()].filter(isBinding);
    this.#subject = subjectKey(subject);
    this.#hasAggregation = [...this.byKey.values()].some(
      (object) => object.kind === 'ClusterRole' && object.aggregationRule !== undefined,
    );
  }

  /** Why a binding is not ours to change, if it is not. */
  bindingProblem(binding: Binding): string | undefined {
    const isOthers = binding.subjects.some((listed) => {
      const bound = boundSubject(listed, binding);
      return bound !== undefined && subjectKey(bound) !== this.#subject;
    });
    if (isOthers) return 'binds other subjects too';
    const role = this.byKey.get(roleKey(binding));
    const { kind, name } = binding.roleRef;
    if (!role) return `binds ${kind} ${name}, which is not in these files`;
    const problem = roleProblem(role, this.#hasAggregation);
    return problem === undefined ? undefined : `binds ${kind} ${name}, ${problem}`;
  }
}

interface Found {
  readonly cells: Cell[];
  readonly tooMany: ReadonlySet<Binding>;
}

/** The cells of some bindings, up to the limit, in the order of their keys; a binding counts whole or not at all. */
function readCells(granted: readonly GrantedRule[]): Found {
  const sizes = new Map<Binding, number>();
  for (const { binding, rule } of granted) sizes.set(binding, (sizes.get(binding) ?? 0) + cellCount(rule));
  const tooMany = new Set<Binding>();
  let total = 0;
  for (const [binding, size] of sizes) {
    if (total + size > MAX_APPROVED_CELLS) tooMany.add(binding);
    else total += size;
  }
  return { cells: cellsOf(granted.filter(({ binding }) => !tooMany.has(binding))), tooMany };
}

/**
 * Reads what the files of a subject grant it. A binding that binds somebody else too, or a role that the files do not
 * hold or that others get their permissions from, is left as it is, with all roles that it refers to; so is a role
 * that nothing in the files binds.
 */
export function readApproved(objects: readonly RbacObject[], subject: Subject): Approved {
  const files = new Files(objects, subject);
  const granted = createAuthorizer([...files.byKey.values()]).rulesFor(subject, impliedGroups(subject));
  const problems = new Map<Binding, string>();
  for (const binding of files.bindings) {
    const problem = files.bindingProblem(binding);
    if (problem !== undefined) problems.set(binding, problem);
  }
  const ownFound = readCells(granted.filter(({ binding }) => !problems.has(binding)));
  for (const binding of ownFound.tooMany) problems.set(binding, 'grants too much to be listed');
  const own = new Set<RbacObject>(files.bindings.filter((binding) => !problems.has(binding)));
  const taken = new Set([...problems.keys()].map(roleKey));
  for (const binding of files.bindings) {
    const role = own.has(binding) ? files.byKey.get(roleKey(binding)) : undefined;
    if (role && !taken.has(roleKey(binding))) own.add(role);
  }
  return {
    own: [...own],
    kept: [...files.byKey.values()].filter((object) => !own.has(object)),
    ownCells: ownFound.cells,
    keptCells: readCells(granted.filter(({ binding }) => problems.has(binding))).cells,
    foreign: [...problems].map(([binding, problem]) => `${describe(binding)} ${problem}`).sort(),
  };
}
