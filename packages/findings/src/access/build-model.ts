import { subjectKey } from '@leastwise/audit-event';
import {
  boundSubject,
  type ClusterRole,
  type ClusterRoleBinding,
  effectiveRules,
  NEWEST_KUBERNETES,
  type PolicyRule,
  type RbacObject,
  type Role,
  type RoleBinding,
} from '@leastwise/rbac';

import { BOOTSTRAP_LABEL, shippedObjects } from '../bootstrap/shipped.ts';
import type { AuditInput } from '../input.ts';
import { worstOf } from '../severity.ts';
import { byCodeUnits } from '../text.ts';
import type { AuditedObject, FindingSeverity, ObjectReference } from '../types.ts';
import { matchesAny } from '../violation-policy/match.ts';
import { DEFAULT_VIOLATION_POLICY, type ViolationPolicy } from '../violation-policy/policy.ts';
import { driftOfBinding, driftOfRole, type ExpectedRole } from './drift.ts';
import { goneAmong } from './known.ts';
import type { AccessModel, BindingEntry, Holder, Holding, RoleEntry, RoleProfile } from './model.ts';
import type { ProfileBook } from './profile.ts';
import { type Scope, WHOLE_CLUSTER } from './scope.ts';

type AnyRole = Role | ClusterRole;
type AnyBinding = RoleBinding | ClusterRoleBinding;

const SHIPPED = shippedObjects();

interface Placed<T extends RbacObject> {
  readonly object: T;
  readonly key: string;
  readonly reference: ObjectReference;
  readonly isAudited: boolean;
}

function isRole(object: RbacObject): object is AnyRole {
  return object.kind === 'Role' || object.kind === 'ClusterRole';
}

function namespaceOf({ kind, metadata }: RbacObject): string | undefined {
  return kind === 'Role' || kind === 'RoleBinding' ? (metadata.namespace ?? '') : undefined;
}

function placeKey(kind: string, namespace: string | undefined, name: string): string {
  return `${kind}\0${namespace ?? ''}\0${name}`;
}

function keyOf(object: RbacObject): string {
  return placeKey(object.kind, namespaceOf(object), object.metadata.name);
}

function place(audited: AuditedObject, isAudited: boolean): Placed<RbacObject> {
  const { object, uid, origin } = audited;
  const namespace = namespaceOf(object);
  const reference = {
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name: object.metadata.name,
    ...(uid === undefined ? {} : { uid }),
    ...(origin === undefined ? {} : { origin }),
  };
  return { object, key: keyOf(object), reference, isAudited };
}

function compare(a: Placed<RbacObject>, b: Placed<RbacObject>): number {
  const byOrigin = (one: ObjectReference, other: ObjectReference): number =>
    byCodeUnits(one.origin?.file ?? '', other.origin?.file ?? '') ||
    (one.origin?.line ?? 0) - (other.origin?.line ?? 0);
  return (
    byCodeUnits(a.key, b.key) ||
    byOrigin(a.reference, b.reference) ||
    byCodeUnits(a.reference.uid ?? '', b.reference.uid ?? '') ||
    byCodeUnits(JSON.stringify(a.object), JSON.stringify(b.object))
  );
}

/** Each list gives way to those before it; within one list all objects of one name stay. */
function united(lists: readonly (readonly Placed<RbacObject>[])[]): readonly Placed<RbacObject>[] {
  const taken = new Set<string>();
  const all = lists.flatMap((list) => {
    const own = list.filter(({ key }) => !taken.has(key));
    for (const { key } of own) taken.add(key);
    return own;
  });
  // A namespaced object without a namespace is nowhere: the authorizer grants nothing by it.
  return all.filter(({ reference }) => reference.namespace !== '').sort(compare);
}

/** What Kubernetes makes by itself, by key. */
class Expected {
  readonly #roles = new Map<string, ExpectedRole>();
  readonly #bindings = new Map<string, AnyBinding>();

  constructor(bootstrap: readonly RbacObject[], shipped: readonly RbacObject[]) {
    for (const object of shipped) {
      if (isRole(object))
        this.#roles.set(keyOf(object), { role: object, rules: object.rules, isExact: false });
      else this.#bindings.set(keyOf(object), object);
    }
    for (const object of bootstrap) {
      const key = keyOf(object);
      if (!isRole(object)) this.#bindings.set(key, object);
      else {
        // A feature gate may have added what the union has.
        const rules = [...object.rules, ...(this.#roles.get(key)?.rules ?? [])];
        this.#roles.set(key, { role: object, rules, isExact: true });
      }
    }
  }

  role(key: string): ExpectedRole | undefined {
    return this.#roles.get(key);
  }

  binding(key: string): AnyBinding | undefined {
    return this.#bindings.get(key);
  }
}

function isLabelled({ metadata }: RbacObject): boolean {
  const { labels = {} } = metadata;
  return Object.hasOwn(labels, BOOTSTRAP_LABEL) && labels[BOOTSTRAP_LABEL] === 'rbac-defaults';
}

/** A role whose bindings are still being found. */
type GrowingRole = RoleEntry & { readonly bindings: BindingEntry[] };

function roleEntries(
  placed: readonly Placed<RbacObject>[],
  expected: Expected,
  profileOf: (rules: readonly PolicyRule[]) => RoleProfile,
): readonly (readonly [string, GrowingRole])[] {
  const roles = placed.filter((each): each is Placed<AnyRole> => isRole(each.object));
  const resolved = effectiveRules(
    roles.map(({ object }) => object).filter((object) => object.kind === 'ClusterRole'),
  );
  return roles.map(({ object, key, reference, isAudited }) => {
    const isAggregated = object.kind === 'ClusterRole' && object.aggregationRule !== undefined;
    const rules = isAggregated ? (resolved.get(object.metadata.name) ?? []) : object.rules;
    let known: RoleProfile | undefined;
    const entry = {
      object,
      reference,
      rules,
      // Most of Kubernetes' own roles are never asked for it.
      get profile(): RoleProfile {
        known ??= profileOf(rules);
        return known;
      },
      isAudited,
      bindings: [],
    };
    const usual = isAudited ? expected.role(key) : undefined;
    const drift = usual === undefined ? [] : driftOfRole(entry, usual, profileOf);
    const isShipped = usual !== undefined && drift.length === 0 && isLabelled(object);
    return [key, Object.assign(entry, { drift, isShipped })] as const;
  });
}

function scopeFor(policy: ViolationPolicy): (namespace: string) => Scope {
  const known = new Map<string, Scope>();
  return (namespace) => {
    const found = known.get(namespace);
    if (found !== undefined) return found;
    const isPrivileged = matchesAny(policy.privilegedNamespaces, namespace);
    const scope: Scope = { kind: isPrivileged ? 'privileged' : 'namespace', namespace };
    known.set(namespace, scope);
    return scope;
  };
}

function bindingEntry(
  { object, key, reference, isAudited }: Placed<AnyBinding>,
  roles: readonly RoleEntry[],
  { expected, scopeIn }: { readonly expected: Expected; readonly scopeIn: (namespace: string) => Scope },
): BindingEntry {
  const namespace = namespaceOf(object);
  const { kind, name } = object.roleRef;
  const roleReference =
    roles[0]?.reference ??
    (kind === 'Role' && namespace !== undefined ? { kind, namespace, name } : { kind, name });
  const usual = isAudited ? expected.binding(key) : undefined;
  const drift = usual === undefined ? [] : driftOfBinding(object, usual);
  return {
    object,
    reference,
    roleReference,
    scope: namespace === undefined ? WHOLE_CLUSTER : scopeIn(namespace),
    roles,
    subjects: object.subjects.map((listed) => {
      const subject = boundSubject(listed, object);
      return subject === undefined ? { listed } : { listed, subject };
    }),
    isAudited,
    isShipped: usual !== undefined && drift.length === 0 && isLabelled(object),
    drift,
  };
}

function holdersOf(bindings: readonly BindingEntry[]): ReadonlyMap<string, Holder> {
  const holders = new Map<string, Holder & { readonly holdings: Holding[] }>();
  for (const binding of bindings) {
    const seen = new Set<string>();
    for (const { subject } of binding.subjects) {
      if (subject === undefined) continue;
      const key = subjectKey(subject);
      if (seen.has(key)) continue;
      seen.add(key);
      const holder = holders.get(key) ?? { subject, holdings: [] };
      holders.set(key, holder);
      for (const role of binding.roles) holder.holdings.push({ binding, role });
    }
  }
  return holders;
}

function worstGrant(
  { profile }: RoleEntry,
  scope: Scope,
  { model, book }: { readonly model: AccessModel; readonly book: ProfileBook },
): FindingSeverity | undefined {
  const rated = [...profile.grants].flatMap(([id, grants]) => {
    const check = book.grantChecks.get(id);
    const effective = grants.filter(({ isNamespaced }) => isNamespaced || scope.kind === 'cluster');
    return effective.flatMap((grant) => check?.rate(grant, scope, model) ?? []);
  });
  return worstOf(rated);
}

/**
 * Resolves an input: which role each binding means, aggregated rules, whom each subject of a binding is, how
 * far it reaches, and what of it is Kubernetes' own work.
 * @remarks Pure, but for the book, which remembers the profiles of roles.
 */
export function buildModel(input: AuditInput, book: ProfileBook): AccessModel {
  const policy = input.policy ?? DEFAULT_VIOLATION_POLICY;
  const settings = {
    version: input.kubernetesVersion ?? NEWEST_KUBERNETES,
    provider: policy.provider,
    workloadResources: policy.workloadResources,
  };
  const profileOf = (rules: readonly PolicyRule[]): RoleProfile => book.profileOf(rules, settings);
  const expected = new Expected(input.bootstrap, SHIPPED);
  const beside = (object: RbacObject): Placed<RbacObject> => place({ object }, false);
  const placed = united([
    input.objects.map((each) => place(each, true)),
    (input.context ?? []).map((each) => place(each, false)),
    input.bootstrap.map(beside),
    SHIPPED.filter(isRole).map(beside),
  ]);
  const entries = roleEntries(placed, expected, profileOf);
  const byKey = new Map<string, GrowingRole[]>();
  for (const [key, role] of entries) {
    const same = byKey.get(key);
    if (same) same.push(role);
    else byKey.set(key, [role]);
  }
  const rolesNamed = (kind: AnyRole['kind'], name: string, namespace?: string): readonly GrowingRole[] =>
    byKey.get(placeKey(kind, namespace, name)) ?? [];
  const scopeIn = scopeFor(policy);
  const bindings = placed
    .filter((each): each is Placed<AnyBinding> => !isRole(each.object))
    .map((each) => {
      const { kind, name } = each.object.roleRef;
      // A ClusterRoleBinding cannot refer to a Role.
      const isNowhere = kind === 'Role' && each.object.kind === 'ClusterRoleBinding';
      const namespace = kind === 'Role' ? namespaceOf(each.object) : undefined;
      const roles = isNowhere ? [] : rolesNamed(kind, name, namespace);
      const entry = bindingEntry(each, roles, { expected, scopeIn });
      for (const role of roles) role.bindings.push(entry);
      return entry;
    });
  const model: AccessModel = {
    input,
    policy,
    settings,
    roles: entries.map(([, role]) => role),
    bindings,
    holders: holdersOf(bindings),
    rolesNamed,
    worstOf: (role, scope) => worstGrant(role, scope, { model, book }),
    isGone: goneAmong(input.known ?? {}),
    scopeIn,
  };
  return model;
}
