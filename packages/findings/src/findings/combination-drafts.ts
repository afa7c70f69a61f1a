import { impliedGroups, subjectKey } from '@leastwise/audit-event';

import { type Grant, grantTexts } from '../access/grants.ts';
import type { AccessModel, Holder, Holding, RoleEntry } from '../access/model.ts';
import { type Scope, WHOLE_CLUSTER } from '../access/scope.ts';
import type { CombinationCheck } from '../checks/check.ts';
import { lowered } from '../severity.ts';
import { byCodeUnits, listed, objectText, scopeText, subjectText } from '../text.ts';
import type { FindingSeverity, ObjectReference } from '../types.ts';
import { type Draft, objectKey, objectToChange } from './draft.ts';
import { isEffective, isJudgedUnbound, stepOf, widestScope } from './grant-drafts.ts';

/** A grant of one part, and how the subject comes by it; a role that nobody is bound to has no way. */
interface Held {
  readonly part: string;
  readonly grant: Grant;
  readonly scope: Scope;
  readonly holding?: Holding;
  /** By a binding to the subject itself, not to a group it is always in. */
  readonly isOwn: boolean;
}

function acceptedParts(check: CombinationCheck, role: RoleEntry, scope: Scope, model: AccessModel) {
  const found = role.profile.parts.get(check.info.id);
  if (found === undefined) return [];
  return check.parts.flatMap(({ name, accepts }) =>
    (found.get(name) ?? [])
      .filter((grant) => isEffective(grant, scope) && (accepts?.(grant, scope, model) ?? true))
      .map((grant) => ({ part: name, grant, scope })),
  );
}

function heldBy(check: CombinationCheck, holder: Holder, model: AccessModel): readonly Held[] {
  const heldThrough = ({ holdings }: Holder, isOwn: boolean): readonly Held[] => {
    // Most roles have no part of most combinations: then nothing is made.
    const relevant = holdings.filter(({ role }) => role.profile.parts.has(check.info.id));
    return relevant.flatMap((holding) =>
      acceptedParts(check, holding.role, holding.binding.scope, model).map((each) => ({
        ...each,
        holding,
        isOwn,
      })),
    );
  };
  const own = heldThrough(holder, true);
  // What a group holds is told of the group.
  if (own.length === 0) return [];
  const groups = impliedGroups(holder.subject)
    .map((name) => model.holders.get(subjectKey({ kind: 'Group', namespace: '', name })))
    .filter((group) => group !== undefined && group !== holder);
  return [...own, ...groups.flatMap((group) => (group === undefined ? [] : heldThrough(group, false)))];
}

/** What of some parts is held satisfies an alternative: all of these, none of those. */
function satisfied(
  held: readonly Held[],
  { all, without = [] }: CombinationCheck['alternatives'][number],
): readonly Held[] {
  const names = new Set(held.map(({ part }) => part));
  const isHeld = all.every((name) => names.has(name)) && !without.some((name) => names.has(name));
  return isHeld ? held.filter(({ part }) => all.includes(part)) : [];
}

/** The ways in which a combination is held somewhere, without those that hold in the whole cluster already. */
function heldIn(check: CombinationCheck, held: readonly Held[], scope: Scope): readonly Held[] {
  const inCluster = held.filter((each) => each.scope.kind === 'cluster');
  const here = held.filter(
    (each) => each.scope.kind === 'cluster' || each.scope.namespace === scope.namespace,
  );
  const ways = check.alternatives.flatMap((alternative) => {
    const isOfCluster = scope.kind !== 'cluster' && satisfied(inCluster, { all: alternative.all }).length > 0;
    return isOfCluster ? [] : satisfied(here, alternative);
  });
  return ways.some(({ isOwn }) => isOwn) ? [...new Set(ways)] : [];
}

function messageOf(who: string, check: CombinationCheck, held: readonly Held[], scope: Scope): string {
  const texts = grantTexts(held.map(({ grant }) => grant));
  const { title } = check.info;
  const does = title.charAt(0).toLowerCase() + title.slice(1);
  return `${who} ${does}: it may ${listed(texts, { separator: '; ' })} ${scopeText(scope)}`;
}

/** The first object, by key, whose change would take part of the combination away. */
function objectOf(held: readonly Held[]): ObjectReference | undefined {
  const objects = held.flatMap(({ holding, isOwn }) =>
    holding === undefined || !isOwn ? [] : (objectToChange(holding.role, holding.binding) ?? []),
  );
  return objects.sort((a, b) => byCodeUnits(objectKey(a), objectKey(b)))[0];
}

function holderDrafts(check: CombinationCheck, holder: Holder, model: AccessModel): readonly Draft[] {
  const held = heldBy(check, holder, model);
  if (held.length === 0) return [];
  const scopes = new Map([
    ['', WHOLE_CLUSTER],
    ...held.map(({ scope }) => [scope.namespace, scope] as const),
  ]);
  return [...scopes.values()].flatMap((scope) => {
    const severity = check.rate(scope);
    const found = severity === undefined ? [] : heldIn(check, held, scope);
    const object = objectOf(found);
    if (severity === undefined || object === undefined) return [];
    return [
      {
        check: check.info.id,
        severity,
        message: messageOf(subjectText(holder.subject), check, found, scope),
        object,
        subject: holder.subject,
        ...(scope.namespace === '' ? {} : { namespace: scope.namespace }),
        paths: found.flatMap(({ holding, grant }) => (holding === undefined ? [] : [stepOf(holding, grant)])),
      },
    ];
  });
}

function unboundDrafts(check: CombinationCheck, role: RoleEntry, model: AccessModel): readonly Draft[] {
  const scope = widestScope(role, model);
  const severity: FindingSeverity | undefined = check.rate(scope);
  const held = acceptedParts(check, role, scope, model).map((each) => ({ ...each, isOwn: true }));
  const found = severity === undefined ? [] : heldIn(check, held, scope);
  if (severity === undefined || found.length === 0) return [];
  return [
    {
      check: check.info.id,
      severity: lowered(severity),
      message: messageOf(`whoever is bound to ${objectText(role.reference)}`, check, found, scope),
      object: role.reference,
      ...(scope.namespace === '' ? {} : { namespace: scope.namespace }),
      paths: [],
    },
  ];
}

/** What the checks on combinations tell: of each subject over all its bindings and groups, and of roles that wait for a binding. */
export function combinationDrafts(model: AccessModel, checks: readonly CombinationCheck[]): readonly Draft[] {
  const holders = [...model.holders.values()].filter(({ holdings }) =>
    holdings.some(({ role }) => role.profile.parts.size > 0),
  );
  const unbound = model.roles.filter((role) => isJudgedUnbound(role, model) && role.profile.parts.size > 0);
  return checks.flatMap((check) => [
    ...holders.flatMap((holder) => holderDrafts(check, holder, model)),
    ...unbound.flatMap((role) => unboundDrafts(check, role, model)),
  ]);
}
