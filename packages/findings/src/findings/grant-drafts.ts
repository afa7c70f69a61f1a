import type { Subject } from '@leastwise/audit-event';

import { type Grant, grantTextIn, grantTexts } from '../access/grants.ts';
import type { AccessModel, Holding, RoleEntry } from '../access/model.ts';
import { type Scope, WHOLE_CLUSTER } from '../access/scope.ts';
import type { GrantCheck } from '../checks/check.ts';
import { lowered, worse } from '../severity.ts';
import { listed, objectText, scopeText, subjectText } from '../text.ts';
import type { FindingSeverity, GrantStep, ObjectReference } from '../types.ts';
import { type Draft, draftKey, objectToChange } from './draft.ts';

/** Whether a grant holds where its role is bound: what belongs to the cluster is granted in no namespace. */
export function isEffective({ isNamespaced }: Grant, scope: Scope): boolean {
  return isNamespaced || scope.kind === 'cluster';
}

/** One step of a path: a grant of a role through a binding. */
export function stepOf({ binding, role }: Holding, grant: Grant): GrantStep {
  return {
    binding: binding.reference,
    role: role.reference,
    ruleIndex: grant.ruleIndex,
    rule: grant.rule,
    grant: grantTextIn(grant, binding.scope),
  };
}

/** A draft while grants are still being added to it. */
interface Collected {
  readonly about: Pick<Draft, 'check' | 'object' | 'subject' | 'namespace'>;
  readonly scope: Scope;
  readonly grants: Set<Grant>;
  readonly paths: GrantStep[];
  severity: FindingSeverity;
}

interface Rated {
  readonly check: string;
  readonly grant: Grant;
  readonly severity: FindingSeverity;
}

function* ratedGrants(role: RoleEntry, scope: Scope, { checks, model }: Context): Generator<Rated> {
  for (const [check, grants] of role.profile.grants) {
    for (const grant of grants) {
      const severity = isEffective(grant, scope) ? checks.get(check)?.rate(grant, scope, model) : undefined;
      if (severity !== undefined) yield { check, grant, severity };
    }
  }
}

interface Context {
  readonly checks: ReadonlyMap<string, GrantCheck>;
  readonly model: AccessModel;
}

function textOf(who: string, { grants, scope }: Collected): string {
  return `${who} may ${listed(grantTexts(grants), { separator: '; ' })} ${scopeText(scope)}`;
}

function inScope({ namespace }: Scope): Pick<Draft, 'namespace'> {
  return namespace === '' ? {} : { namespace };
}

class Collector {
  readonly #collected = new Map<string, Collected>();

  add({ check, grant, severity }: Rated, holding: Holding, subject: Subject): void {
    const { binding, role } = holding;
    const object = objectToChange(role, binding);
    if (object === undefined) return;
    const about = { check, object, subject, ...inScope(binding.scope) };
    const key = draftKey(about);
    const known = this.#collected.get(key) ?? {
      about,
      scope: binding.scope,
      grants: new Set(),
      paths: [],
      severity,
    };
    known.severity = worse(known.severity, severity);
    known.grants.add(grant);
    known.paths.push(stepOf(holding, grant));
    this.#collected.set(key, known);
  }

  drafts(): readonly Draft[] {
    return [...this.#collected.values()].map((each) => {
      const { about, severity, paths } = each;
      const who = about.subject === undefined ? '' : subjectText(about.subject);
      return { ...about, severity, message: textOf(who, each), paths };
    });
  }
}

/** Where a role would hold at most. */
export function widestScope(role: RoleEntry, model: AccessModel): Scope {
  const { namespace } = role.reference;
  return namespace === undefined ? WHOLE_CLUSTER : model.scopeIn(namespace);
}

/** Whether a role is judged although nobody is bound to it. */
export function isJudgedUnbound(role: RoleEntry, { input }: AccessModel): boolean {
  return (input.judgeUnboundRoles ?? true) && role.isAudited && !role.isShipped && role.bindings.length === 0;
}

function unboundDrafts(role: RoleEntry, context: Context): readonly Draft[] {
  const scope = widestScope(role, context.model);
  const object: ObjectReference = role.reference;
  const collected = new Map<string, Collected>();
  for (const { check, grant, severity } of ratedGrants(role, scope, context)) {
    const about = { check, object, ...inScope(scope) };
    const known = collected.get(check) ?? { about, scope, grants: new Set(), paths: [], severity };
    known.severity = worse(known.severity, severity);
    known.grants.add(grant);
    collected.set(check, known);
  }
  return [...collected.values()].map((each) => ({
    ...each.about,
    severity: lowered(each.severity),
    message: textOf(`whoever is bound to ${objectText(object)}`, each),
    paths: [],
  }));
}

/** What the checks on grants tell: of each subject over all its bindings, and of roles that wait for a binding. */
export function grantDrafts(model: AccessModel, checks: ReadonlyMap<string, GrantCheck>): readonly Draft[] {
  const context = { checks, model };
  const collector = new Collector();
  for (const { subject, holdings } of model.holders.values()) {
    for (const holding of holdings) {
      if (objectToChange(holding.role, holding.binding) === undefined) continue;
      for (const rated of ratedGrants(holding.role, holding.binding.scope, context)) {
        collector.add(rated, holding, subject);
      }
    }
  }
  const unbound = model.roles.filter((role) => isJudgedUnbound(role, model));
  return [...collector.drafts(), ...unbound.flatMap((role) => unboundDrafts(role, context))];
}
