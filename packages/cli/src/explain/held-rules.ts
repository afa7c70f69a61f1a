import { impliedGroups, type Subject } from '@leastwise/audit-event';
import type { SubjectObservability } from '@leastwise/audit-policy';
import {
  bindingKey,
  bootstrapDefaults,
  boundSubject,
  type Cell,
  type ClusterState,
  createAuthorizer,
  type GrantedRule,
  objectKey,
  type PolicyOptions,
  type PolicyRule,
  type RbacObject,
  retentionPeriod,
  type SubjectState,
} from '@leastwise/rbac';
import type { GrantingBinding } from '@leastwise/audit-event';

import { formatTime } from '../summary.ts';
import { evidenceIn, type NamedUsage, type ToldBinding, toldBinding } from './seen.ts';
import { type HeldCell, UsedPermissions } from './used-permissions.ts';

/** How many permissions of one binding are looked into; the rest is counted. */
const MAX_LOOKED_INTO = 2_000;

/** A rule that a subject holds, and what it used of it within the retention, whatever it was that allowed it. */
export interface HeldRule {
  readonly rule: PolicyRule;
  /** How many of its permissions were used, those in part included. */
  readonly used: number;
  /** Of those: wildcards, and what is held in the whole cluster and was used in namespaces only. */
  readonly usedInPart: readonly Cell[];
  /** RFC 3339; `null` where none was. */
  readonly lastUsed: string | null;
  /** Nothing was seen that needed them. */
  readonly unused: readonly Cell[];
  /** Nothing was seen that needed them, and the audit policy would not have logged all of it. */
  readonly unobservable: readonly { readonly permission: Cell; readonly reason: string }[];
  /** How many more permissions the rule multiplies to that were not looked into. */
  readonly more: number;
}

/** What a subject holds through one binding. */
export interface HeldBinding extends ToldBinding {
  /** Where it holds: `*` for the whole cluster, else one namespace. */
  readonly scope: string;
  /** Whom it binds of the subject and its groups: `null` for the subject itself, else the name of a group. */
  readonly through: readonly (string | null)[];
  /** Whether the API server binds it by itself. */
  readonly isDefault: boolean;
  /** For how many permissions the API server named it within the retention. */
  readonly named: number;
  /** `YYYY-MM-DD` (UTC); `null` where it never did. */
  readonly lastNamed: string | null;
  readonly rules: readonly HeldRule[];
}

/** A subject of a cluster, whose RBAC is known. */
export interface HolderInput {
  readonly state: SubjectState;
  readonly cluster: ClusterState;
  /** All RBAC of the cluster; the bootstrap defaults are added where it does not have them. */
  readonly rbac: readonly RbacObject[];
  readonly options: PolicyOptions;
  readonly named: readonly NamedUsage[];
  /** What the audit policy lets one see; `undefined` where it is not known. */
  readonly sight: SubjectObservability | undefined;
}

/**
 * What a subject holds, binding by binding: by its own name, by the groups that it is always in, and by those that the
 * API server named when it allowed a request of it.
 */
export function heldBindings(input: HolderInput): HeldBinding[] {
  const { state, cluster, rbac, options } = input;
  const { subject } = state;
  const groups = groupsOf(state);
  const defaults = bootstrapDefaults(options.kubernetesVersion);
  const fixed = new Set(defaults.map(objectKey));
  const used = new UsedPermissions(state, retentionPeriod(cluster, options), options);
  const namedBy = new Map(input.named.map((each) => [keyOf(each), each]));
  return byBinding(createAuthorizer([...defaults, ...rbac]).rulesFor(subject, groups)).map((rules) => {
    const { binding } = rules[0];
    const told = toldBinding(asNamed(binding));
    const usage = namedBy.get(keyOf(told));
    return {
      ...told,
      scope: rules[0].scope,
      through: throughOf(binding, subject, groups),
      isDefault: fixed.has(objectKey(binding)),
      named: usage?.permissions ?? 0,
      lastNamed: usage?.lastDay ?? null,
      rules: heldRules(rules, used, input.sight),
    };
  });
}

function groupsOf(state: SubjectState): string[] {
  const groups = new Set(impliedGroups(state.subject));
  for (const { grantingGroups } of evidenceIn(state.allowed)) {
    for (const group of grantingGroups) groups.add(group);
  }
  return [...groups].sort();
}

function asNamed({ kind, metadata, roleRef }: GrantedRule['binding']): GrantingBinding {
  const namespace = kind === 'RoleBinding' ? (metadata.namespace ?? '') : '';
  return { kind, namespace, name: metadata.name, roleKind: roleRef.kind, roleName: roleRef.name };
}

function keyOf({ binding, role }: ToldBinding): string {
  return bindingKey({ ...binding, roleKind: role.kind, roleName: role.name });
}

type RulesOfBinding = readonly [GrantedRule, ...GrantedRule[]];

function byBinding(granted: readonly GrantedRule[]): RulesOfBinding[] {
  const all = new Map<GrantedRule['binding'], [GrantedRule, ...GrantedRule[]]>();
  for (const each of granted) {
    const known = all.get(each.binding);
    if (known) known.push(each);
    else all.set(each.binding, [each]);
  }
  return [...all.values()];
}

function throughOf(
  binding: GrantedRule['binding'],
  subject: Subject,
  groups: readonly string[],
): (string | null)[] {
  const bound = binding.subjects.flatMap((listed) => boundSubject(listed, binding) ?? []);
  const isOwn = bound.some(
    ({ kind, namespace, name }) =>
      kind === subject.kind && namespace === subject.namespace && name === subject.name,
  );
  const names = new Set(bound.filter(({ kind }) => kind === 'Group').map(({ name }) => name));
  const through = groups.filter(
    (group) => names.has(group) && !(subject.kind === 'Group' && group === subject.name),
  );
  return [...(isOwn ? [null] : []), ...through];
}

function heldRules(
  granted: readonly GrantedRule[],
  used: UsedPermissions,
  sight: SubjectObservability | undefined,
): HeldRule[] {
  let left = MAX_LOOKED_INTO;
  return granted.map(({ scope, rule }) => {
    const found = new Findings();
    for (const held of cellsOf(scope, rule)) {
      if (left === 0) break;
      left -= 1;
      found.add(held, used, sight);
    }
    return found.of(rule, sizeOf(scope, rule));
  });
}

class Findings {
  #looked = 0;
  #used = 0;
  #lastUs: number | undefined;
  readonly #usedInPart: Cell[] = [];
  readonly #unused: Cell[] = [];
  readonly #unobservable: { permission: Cell; reason: string }[] = [];

  add(held: HeldCell, used: UsedPermissions, sight: SubjectObservability | undefined): void {
    this.#looked += 1;
    const use = used.of(held);
    if (use !== undefined) {
      this.#used += 1;
      this.#lastUs = Math.max(this.#lastUs ?? use.lastSeenUs, use.lastSeenUs);
      if (use.isPartial) this.#usedInPart.push(held.cell);
      return;
    }
    const reason = sight?.sightOf(held.cell).hiding?.reason;
    if (reason === undefined) this.#unused.push(held.cell);
    else this.#unobservable.push({ permission: held.cell, reason });
  }

  of(rule: PolicyRule, size: number): HeldRule {
    return {
      rule,
      used: this.#used,
      usedInPart: this.#usedInPart,
      lastUsed: this.#lastUs === undefined ? null : formatTime(this.#lastUs),
      unused: this.#unused,
      unobservable: this.#unobservable,
      more: size - this.#looked,
    };
  }
}

/** What a rule multiplies to; no RoleBinding grants a URL. */
function* cellsOf(scope: string, rule: PolicyRule): Generator<HeldCell> {
  const namespace = scope === '*' ? '' : scope;
  for (const verb of rule.verbs) {
    for (const apiGroup of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        for (const name of namesOf(rule))
          yield { scope, cell: { verb, apiGroup, resource, namespace, name, path: '' } };
      }
    }
    for (const path of urlsOf(scope, rule))
      yield { scope, cell: { verb, apiGroup: '', resource: '', namespace: '', name: '', path } };
  }
}

function sizeOf(scope: string, rule: PolicyRule): number {
  const targets = (rule.apiGroups?.length ?? 0) * (rule.resources?.length ?? 0) * namesOf(rule).length;
  return rule.verbs.length * (targets + urlsOf(scope, rule).length);
}

function namesOf({ resourceNames = [] }: PolicyRule): readonly string[] {
  return resourceNames.length === 0 ? [''] : resourceNames;
}

function urlsOf(scope: string, { nonResourceURLs = [] }: PolicyRule): readonly string[] {
  return scope === '*' ? nonResourceURLs : [];
}
