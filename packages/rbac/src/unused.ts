import type { ScopedRule } from './approved/cells.ts';
import { secondaryCells } from './classify.ts';
import { totalOfRule } from './cluster-state.ts';
import { groupBy } from './grant.ts';
import { NEWEST_KUBERNETES } from './options.ts';
import type { PolicyRule, RuleState, SubjectState } from './types.ts';

/** How many permissions of one subject are looked into; the rest is counted. */
export const MAX_LOOKED_INTO = 2_000;

/** A permission as a rule spells it, wildcards included; whatever the names, and no URL. */
export interface HeldPermission {
  readonly verb: string;
  readonly apiGroup: string;
  readonly resource: string;
  /** `''` for the whole cluster. */
  readonly namespace: string;
}

/** A permission that a subject holds, and when it used some of it last. */
export interface PermissionUse extends HeldPermission {
  /** Days since the epoch (UTC); `undefined` where no use is known. */
  readonly lastDay: number | undefined;
}

/** How a subject uses what it holds. */
export interface PermissionUses {
  /** Each once, in the order of the rules. */
  readonly permissions: readonly PermissionUse[];
  /** How many more the rules multiply to that were not looked into, for they are too many. */
  readonly more: number;
}

/**
 * When a subject used each permission of some rules last. A request uses whatever includes it: all wide permissions that
 * it falls under, those of all names, and those in one namespace as well as those in the whole cluster; whoever it was
 * that allowed it. So a permission without a use is one that nothing that was counted needed.
 * @param state - what is remembered of the subject; where its allowed rules overflowed, uses are missing
 * @remarks Pure; the work is bounded by {@link MAX_LOOKED_INTO} times the rules of the subject.
 */
export function permissionUses(state: SubjectState, granted: readonly ScopedRule[]): PermissionUses {
  const held = new Map<string, HeldPermission>();
  let looked = 0;
  for (const permission of permissionsOf(granted)) {
    if (looked === MAX_LOOKED_INTO) break;
    looked += 1;
    held.set(`${targetOf(permission)}\0${permission.namespace}`, permission);
  }
  const used = [...state.allowed.rules.values()].flatMap(usesOf);
  const byTarget = groupBy(used, targetOf);
  const permissions = [...held.values()].map((permission): PermissionUse => {
    const near = isWide(permission) ? used : (byTarget.get(targetOf(permission)) ?? []);
    let lastDay: number | undefined;
    for (const each of near) {
      if (includes(permission, each) && (lastDay === undefined || each.lastDay > lastDay))
        lastDay = each.lastDay;
    }
    return { ...permission, lastDay };
  });
  const total = granted.reduce((sum, { rule }) => sum + sizeOf(rule), 0);
  return { permissions, more: total - looked };
}

function sizeOf({ verbs, apiGroups = [], resources = [] }: PolicyRule): number {
  return verbs.length * apiGroups.length * resources.length;
}

function* permissionsOf(granted: readonly ScopedRule[]): Generator<HeldPermission> {
  for (const { scope, rule } of granted) {
    const namespace = scope === '*' ? '' : scope;
    for (const verb of rule.verbs) {
      for (const apiGroup of rule.apiGroups ?? []) {
        for (const resource of rule.resources ?? []) yield { verb, apiGroup, resource, namespace };
      }
    }
  }
}

interface Use extends HeldPermission {
  readonly lastDay: number;
}

/** The newest version asks for most, so that nothing that any version needs is taken for unused. */
const NEWEST = { kubernetesVersion: NEWEST_KUBERNETES };

function usesOf(rule: RuleState): Use[] {
  const { verb, apiGroup, resource, namespace } = rule;
  const lastDay = totalOfRule(rule).days.at(-1);
  if (resource === '' || lastDay === undefined) return [];
  const cell = { verb, apiGroup, resource, namespace, name: '', path: '' };
  return [cell, ...secondaryCells(cell, NEWEST)].map((each) => ({ ...each, lastDay }));
}

function targetOf({ verb, apiGroup, resource }: HeldPermission): string {
  return `${verb}\0${apiGroup}\0${resource}`;
}

function isWide({ verb, apiGroup, resource }: HeldPermission): boolean {
  return verb === '*' || apiGroup === '*' || resource === '*' || resource.startsWith('*/');
}

/** @see kubernetes pkg/apis/rbac/v1/evaluation_helpers.go */
function includes(permission: HeldPermission, use: HeldPermission): boolean {
  const { verb, apiGroup, resource, namespace } = permission;
  if (verb !== '*' && verb !== use.verb) return false;
  if (apiGroup !== '*' && apiGroup !== use.apiGroup) return false;
  if (namespace !== '' && namespace !== use.namespace) return false;
  if (resource === '*' || resource === use.resource) return true;
  const slash = use.resource.indexOf('/');
  return resource.startsWith('*/') && slash >= 0 && resource.slice(1) === use.resource.slice(slash);
}
