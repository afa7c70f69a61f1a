import { impliedGroups, type Subject } from '@leastwise/audit-event';

import { type Authorizer, boundSubject, createAuthorizer } from '../authorizer/index.ts';
import type { ClusterRoleBinding, RbacObject, RoleBinding } from '../types.ts';
import { boxesOf } from './box.ts';
import { byCodeUnits, type Grant, widestGrants } from './grant.ts';
import { type Budget, uncovered } from './uncovered.ts';

/** A role that a subject is bound to and that is in neither of the compared sets: what it grants is unknown. */
export interface RoleReference {
  /** `*` for the whole cluster, else one namespace. */
  readonly scope: string;
  readonly kind: 'Role' | 'ClusterRole';
  readonly name: string;
}

/** What a change grants to one subject and takes away from it. Every list is sorted. */
export interface SubjectDiff {
  readonly subject: Subject;
  readonly added: readonly Grant[];
  readonly removed: readonly Grant[];
  readonly addedRoles: readonly RoleReference[];
  readonly removedRoles: readonly RoleReference[];
}

/** What a change of RBAC grants and takes away. */
export interface RbacDiff {
  /** The subjects that the change concerns, by kind, namespace and name. */
  readonly subjects: readonly SubjectDiff[];
  /** False where the lists were cut at {@link MAX_DIFF_GRANTS}, or rules multiply beyond what can be compared. */
  readonly isComplete: boolean;
}

/** How many grants one diff finds before it stops. */
export const MAX_DIFF_GRANTS = 100_000;
const MAX_STEPS = 50_000_000;

function keyOf({ kind, namespace, name }: Subject): string {
  return `${kind}\0${namespace}\0${name}`;
}

function keyOfRole({ scope, kind, name }: RoleReference): string {
  return `${scope}\0${kind}\0${name}`;
}

interface Side {
  readonly authorizer: Authorizer;
  /** By subject key. */
  readonly subjects: ReadonlyMap<string, Subject>;
  /** By subject key, then by {@link keyOfRole}. */
  readonly unknownRoles: ReadonlyMap<string, ReadonlyMap<string, RoleReference>>;
}

function roleKey(kind: string, namespace: string, name: string): string {
  return `${kind}\0${kind === 'Role' ? namespace : ''}\0${name}`;
}

function rolesIn(objects: readonly RbacObject[]): string[] {
  return objects.map(({ kind, metadata }) => roleKey(kind, metadata.namespace ?? '', metadata.name));
}

/** The role that a binding refers to, where that could grant anything and is in none of the compared sets. */
function unknownRole(
  { kind, metadata, roleRef }: RoleBinding | ClusterRoleBinding,
  knownRoles: ReadonlySet<string>,
): RoleReference | undefined {
  const scope = kind === 'ClusterRoleBinding' ? '*' : (metadata.namespace ?? '');
  const isPossible = scope !== '' && (roleRef.kind === 'ClusterRole' || scope !== '*');
  const key = roleKey(roleRef.kind, scope, roleRef.name);
  return isPossible && !knownRoles.has(key) ? { scope, kind: roleRef.kind, name: roleRef.name } : undefined;
}

function sideOf(objects: readonly RbacObject[], knownRoles: ReadonlySet<string>): Side {
  const subjects = new Map<string, Subject>();
  const unknownRoles = new Map<string, Map<string, RoleReference>>();
  for (const object of objects) {
    if (object.kind === 'Role' || object.kind === 'ClusterRole') continue;
    const reference = unknownRole(object, knownRoles);
    for (const listed of object.subjects) {
      const subject = boundSubject(listed, object);
      if (!subject) continue;
      const key = keyOf(subject);
      subjects.set(key, subject);
      if (!reference) continue;
      const references = unknownRoles.get(key) ?? new Map<string, RoleReference>();
      unknownRoles.set(key, references.set(keyOfRole(reference), reference));
    }
  }
  return { authorizer: createAuthorizer(objects), subjects, unknownRoles };
}

function grantedBeyond(subject: Subject, side: Side, other: Side, budget: Budget): Grant[] {
  const own = boxesOf(side.authorizer.rulesFor(subject, []));
  const owned = boxesOf(other.authorizer.rulesFor(subject, impliedGroups(subject)));
  return widestGrants(uncovered(own, owned, budget));
}

function rolesBeyond(subject: Subject, side: Side, other: Side): RoleReference[] {
  const groups = impliedGroups(subject).map((name) => keyOf({ kind: 'Group', namespace: '', name }));
  const owned = [keyOf(subject), ...groups].flatMap((key) => other.unknownRoles.get(key) ?? []);
  const isOwned = (reference: RoleReference): boolean =>
    owned.some(
      (roles) => roles.has(keyOfRole(reference)) || roles.has(keyOfRole({ ...reference, scope: '*' })),
    );
  return [...(side.unknownRoles.get(keyOf(subject))?.values() ?? [])]
    .filter((reference) => !isOwned(reference))
    .sort((a, b) => byCodeUnits(keyOfRole(a), keyOfRole(b)));
}

/**
 * What a change of RBAC grants and takes away, by the authorizer's semantics and not by how rules are
 * written: reordered, split, merged or renamed roles make no difference. A grant is added when nothing that
 * the subject had before includes it, and removed when nothing that it has afterwards does; what its
 * groups have counts where it is always a member (`system:authenticated` and the like). So a request
 * becomes allowed iff an added grant of the subject, or of one of its groups, covers it and it was refused.
 * @remarks Roles of neither side are compared by name ({@link SubjectDiff.addedRoles}): give both sides the
 * bootstrap defaults to see into those. Empty and complete means: the same.
 */
export function diffRbac(before: readonly RbacObject[], after: readonly RbacObject[]): RbacDiff {
  const knownRoles = new Set([...rolesIn(before), ...rolesIn(after)]);
  const old = sideOf(before, knownRoles);
  const now = sideOf(after, knownRoles);
  const budget: Budget = { steps: MAX_STEPS, grants: MAX_DIFF_GRANTS };
  const subjects = [...new Map([...old.subjects, ...now.subjects])]
    .sort(([a], [b]) => byCodeUnits(a, b))
    .map(([, subject]) => ({
      subject,
      added: grantedBeyond(subject, now, old, budget),
      removed: grantedBeyond(subject, old, now, budget),
      addedRoles: rolesBeyond(subject, now, old),
      removedRoles: rolesBeyond(subject, old, now),
    }))
    .filter((each) =>
      [each.added, each.removed, each.addedRoles, each.removedRoles].some((list) => list.length > 0),
    );
  return { subjects, isComplete: budget.steps >= 0 && budget.grants >= 0 };
}
