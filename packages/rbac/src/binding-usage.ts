import { type GrantingBinding, impliedGroups } from '@leastwise/audit-event';

import { objectKey } from './approved/object-key.ts';
import { type Authorizer, createAuthorizer } from './authorizer/index.ts';
import { bootstrapDefaults } from './bootstrap/index.ts';
import { CAPS } from './capped.ts';
import { type Period, retentionPeriod } from './classify.ts';
import { bindingKey, bindingOfKey } from './granting-bindings.ts';
import type { PolicyOptions } from './options.ts';
import type {
  ClusterRoleBinding,
  ClusterState,
  Evidence,
  RbacObject,
  RoleBinding,
  RuleSet,
  SubjectState,
} from './types.ts';

/** What the API server said of one binding, as the one that allowed what a subject asked. */
export interface BindingUsage {
  readonly binding: GrantingBinding;
  /** For how many permissions of the subject, each with its name, it was named; those that a cap summed up are one. */
  readonly cells: number;
  /** The last day (UTC) on which it was named, in days since the epoch; `undefined` where it never was. */
  readonly lastDay: number | undefined;
  /**
   * Whether it binds the subject now, with this role. The role of a binding cannot change: one that was named with
   * another role was deleted since, even where there is one of its name.
   */
  readonly exists: boolean;
}

/** Bindings of a subject, and whether more were named than are known. */
export interface BindingUsages {
  /** Sorted by namespace and name, those of the whole cluster first. */
  readonly usages: readonly BindingUsage[];
  /** Whether as many were named for one permission as are remembered of it: one that is not among them may have been. */
  readonly isCapped: boolean;
}

/**
 * Which bindings the API server named for what a subject did, and which of those that bind it never were.
 *
 * The authorizer stops at the first binding that allows a request, those of the whole cluster before the others. So one
 * that was never named is not proven unused: another may have answered before it. Where the log has no reasons, none
 * is named.
 * @param bound - the bindings that bind the subject now, by its name or by a group
 * @param period - the days that count, both ends included
 */
export function usageByBinding(
  { allowed }: Pick<SubjectState, 'allowed'>,
  bound: readonly (RoleBinding | ClusterRoleBinding)[],
  period: Period,
): BindingUsages {
  const existing = new Map(bound.map((each) => [bindingKey(asNamed(each)), each]));
  const { byKey, isCapped } = namingsIn(allowed, period);
  const keys = [...new Set([...existing.keys(), ...byKey.keys()])].sort();
  const usages = keys.flatMap((key): BindingUsage[] => {
    // What no reason can be about, such as a Role for the whole cluster, grants nothing either.
    const binding = bindingOfKey(key);
    const { cells, lastDay } = byKey.get(key) ?? NEVER;
    return binding ? [{ binding, cells, lastDay, exists: existing.has(key) }] : [];
  });
  return { usages, isCapped };
}

/** A binding as a reason would name it. */
function asNamed({ kind, metadata, roleRef }: RoleBinding | ClusterRoleBinding): GrantingBinding {
  const namespace = kind === 'RoleBinding' ? (metadata.namespace ?? '') : '';
  return { kind, namespace, name: metadata.name, roleKind: roleRef.kind, roleName: roleRef.name };
}

interface Naming {
  readonly cells: number;
  readonly lastDay: number | undefined;
}

const NEVER: Naming = { cells: 0, lastDay: undefined };

function namingsIn(
  set: RuleSet,
  period: Period,
): { readonly byKey: ReadonlyMap<string, Naming>; readonly isCapped: boolean } {
  const byKey = new Map<string, { cells: number; lastDay: number }>();
  let isCapped = false;
  for (const { grantingBindings } of evidenceOf(set)) {
    if (grantingBindings.length >= CAPS.bindings) isCapped = true;
    for (const { key, lastDay } of grantingBindings) {
      if (lastDay < period.firstDay || lastDay > period.lastDay) continue;
      const { cells, lastDay: before } = byKey.get(key) ?? { cells: 0, lastDay };
      byKey.set(key, { cells: cells + 1, lastDay: Math.max(before, lastDay) });
    }
  }
  return { byKey, isCapped };
}

function* evidenceOf({ rules, overflow }: RuleSet): Generator<Evidence> {
  for (const rule of rules.values()) {
    yield* rule.names.values();
    if (rule.overflow) yield rule.overflow;
  }
  if (overflow) yield overflow;
}

/** One cluster: who did what in it, and the RBAC that there is. */
export interface ClusterBindingsInput {
  readonly cluster: ClusterState;
  /** All RBAC of the cluster. The bootstrap defaults are added where it does not have them. */
  readonly rbac: readonly RbacObject[];
  /** What was named counts within the retention; besides, the version of Kubernetes counts. */
  readonly options: PolicyOptions;
}

/**
 * The {@link usageByBinding} of all subjects of a cluster that were seen, by subject key. A subject is bound by its name and
 * by its groups: those that it is always in, and those that the API server named as granted. What the API server binds by
 * itself is there where it was named only.
 * @returns nothing of anybody where no binding was named at all: then the log has no reasons, and says nothing
 */
export function bindingUsageOf({
  cluster,
  rbac,
  options,
}: ClusterBindingsInput): ReadonlyMap<string, BindingUsages> {
  const defaults = bootstrapDefaults(options.kubernetesVersion);
  const fixed = new Set(defaults.map(objectKey));
  const authorizer = createAuthorizer([...defaults, ...rbac]);
  const period = retentionPeriod(cluster, options);
  const all = [...cluster.subjects].map(([key, state]): [string, BindingUsages] => {
    const bindings = boundTo(state, authorizer);
    const { usages, isCapped } = usageByBinding(state, bindings, period);
    const byApiServer = new Set(
      bindings.filter((each) => fixed.has(objectKey(each))).map((each) => bindingKey(asNamed(each))),
    );
    const told = usages.filter(({ binding, cells }) => cells > 0 || !byApiServer.has(bindingKey(binding)));
    return [key, { usages: told, isCapped }];
  });
  const isAnyNamed = all.some(([, { usages }]) => usages.some(({ cells }) => cells > 0));
  return new Map(isAnyNamed ? all.filter(([, { usages }]) => usages.length > 0) : []);
}

function boundTo(
  { subject, allowed }: SubjectState,
  authorizer: Authorizer,
): (RoleBinding | ClusterRoleBinding)[] {
  const groups = new Set(impliedGroups(subject));
  for (const { grantingGroups } of evidenceOf(allowed)) for (const group of grantingGroups) groups.add(group);
  return [...new Set(authorizer.rulesFor(subject, [...groups]).map(({ binding }) => binding))];
}
