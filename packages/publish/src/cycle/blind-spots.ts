import type { Hiding, SubjectObservability } from '@leastwise/audit-policy';
import type { ClusterState } from '@leastwise/rbac';
import { subjectName } from '@leastwise/render';

import type { GroupChange } from './groups.ts';
import { MAX_WATCHED, removedCells } from './watch.ts';

/** In one sentence; the rest is counted. */
const SHOWN_NAMES = 3;
const SHOWN_REASONS = 5;
/** Of a name in a sentence; names come from requests. */
const NAME_CHARACTERS = 60;

/** What could not be seen of what a pull request is about, as plain sentences. */
export function blindSpotsOf(group: GroupChange, cluster: ClusterState): string[] {
  const isIncomplete = group.parts.some(({ change }) => change.plan.policy.isIncomplete);
  const isTooMuch = group.kind === 'removals' && removedCells(group).length > MAX_WATCHED;
  return [
    ...(cluster.subjectsOverflow === undefined
      ? []
      : ['More subjects were seen than are remembered: some have no policies.']),
    ...(isIncomplete ? ['A subject needed more rules than are remembered: it may lack some.'] : []),
    ...(isTooMuch
      ? [`More is taken away than can be watched after the merge: ${MAX_WATCHED} permissions of it are.`]
      : []),
    ...auditSpots(group),
  ];
}

/** Why nothing of a subject is logged, where that is so. */
export function hiddenBy(sight: SubjectObservability | undefined): string | undefined {
  return sight?.isHidden === true ? reasonsText(sight.hiding) : undefined;
}

/** What the audit policy hides of one subject in particular; `undefined` where that is nothing. */
export function unloggedOf(sight: SubjectObservability | undefined): string | undefined {
  const whole = hiddenBy(sight);
  if (whole !== undefined) return `No request of it is logged: ${whole}`;
  const some = sight?.hiding.filter(({ isAboutSome }) => isAboutSome) ?? [];
  return some.length === 0 ? undefined : `Some of its requests are not logged: ${reasonsText(some)}`;
}

/** What the audit policy of the cluster hides; all subjects of a group are of one cluster. */
function auditSpots({ kind, parts }: GroupChange): string[] {
  const seen = parts.flatMap(({ change: { plan, sight } }) =>
    sight === undefined ? [] : [{ name: nameText(subjectName(plan.policy.subject)), sight }],
  );
  if (seen.length === 0) {
    return kind === 'removals'
      ? ['The audit policy of the cluster is not known here: what it does not log counts as unused.']
      : [];
  }
  const [nothing, some] = [new Map<string, string[]>(), new Map<string, string[]>()];
  const general = new Map<string, Hiding>();
  for (const { name, sight } of seen) {
    const whole = hiddenBy(sight);
    if (whole !== undefined) push(nothing, whole, name);
    for (const hiding of whole === undefined ? sight.hiding : []) {
      if (hiding.isAboutSome) push(some, hiding.reason, name);
      else general.set(hiding.reason, hiding);
    }
  }
  const effect =
    kind === 'removals'
      ? 'What only they may have used stays, and is not called unused.'
      : 'What only they needed is not granted here.';
  const inRuleOrder = [...general.values()].sort((a, b) => (a.rule ?? Infinity) - (b.rule ?? Infinity));
  return [
    ...[...nothing].map(([why, names]) => `No request of ${listText(names)} is logged: ${why}. ${effect}`),
    ...[...some].map(
      ([why, names]) => `Some requests of ${listText(names)} are not logged: ${why}. ${effect}`,
    ),
    ...(inRuleOrder.length === 0
      ? []
      : [`Some requests, whoever makes them, are not logged: ${reasonsText(inRuleOrder)}. ${effect}`]),
  ];
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function reasonsText(hiding: readonly Hiding[]): string {
  const reasons = hiding.map(({ reason }) => reason);
  const rest = reasons.length - SHOWN_REASONS;
  return [...reasons.slice(0, SHOWN_REASONS), ...(rest > 0 ? [`${rest} more`] : [])].join('; ');
}

function listText(names: readonly string[]): string {
  const rest = names.length - SHOWN_NAMES;
  return [...names.slice(0, SHOWN_NAMES), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

function nameText(name: string): string {
  return name.length <= NAME_CHARACTERS ? name : `${name.slice(0, NAME_CHARACTERS)}…`;
}
