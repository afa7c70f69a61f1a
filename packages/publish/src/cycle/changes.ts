import type { GrantSight, SubjectObservability } from '@leastwise/audit-policy';
import {
  type Cell,
  type Change,
  dayOf,
  objectKey,
  type PinnedRules,
  proposeChange,
  type RbacObject,
} from '@leastwise/rbac';
import { renderRepository } from '@leastwise/render';

import { policyNotes } from '../policy-notes.ts';
import {
  choicesFor,
  type Observability,
  observabilityOf,
  policyPath,
  type TeamChoices,
  type WaitReason,
} from '../team/index.ts';
import { escapeHidden } from '../team/problem.ts';
import { placeOf } from './approved-files.ts';
import { cellKey } from './cell-key.ts';
import { withProgress } from './progress.ts';
import { rulesFor } from './rows.ts';
import { nameOf, type SubjectPlan } from './subjects.ts';
import type { CyclePorts, CycleSettings, HoldReason } from './types.ts';

/** One direction of what is proposed for a subject, with its files. */
export interface SubjectChange {
  readonly plan: SubjectPlan;
  readonly kind: 'additions' | 'removals';
  readonly change: Change;
  /** Of the namespaces whose file changes (`''`: the cluster's): what it is to hold; `undefined`: it goes. */
  readonly files: ReadonlyMap<string, string | undefined>;
  readonly observability: Observability;
  /** What stays, though no use of it is known, and why. */
  readonly unproven: readonly { readonly cell: Cell; readonly remark: string }[];
  /** What the cluster's audit policy lets one see of the subject; `undefined` where that policy is not known. */
  readonly sight: SubjectObservability | undefined;
}

/** What the proposals for all subjects rest on, beside what is known of each. */
export interface Ground {
  readonly choices: TeamChoices;
  /** Events that were lost before they were read. */
  readonly lost: number;
  readonly auditPolicies: CycleSettings['auditPolicies'];
}

/** What is to be proposed for all subjects. */
export interface Changes {
  readonly changes: readonly SubjectChange[];
  readonly waiting: ReadonlyMap<HoldReason, number>;
  /** The subjects that were observable for long enough, in their order. */
  readonly observable: readonly SubjectPlan[];
  readonly problems: readonly string[];
}

/** Without numbers, which would change the text of a pull request though nothing else does. */
const WAITING: Readonly<Record<WaitReason, string>> = {
  'unknown-subject': 'the subject was not seen',
  'too-new': 'the subject is not known for long enough',
  inactive: 'the subject was not active of late',
  gap: 'events of the period are missing',
  'lost-events': 'events were lost before they were read',
  silent: 'the cluster sends no events',
  incomplete: 'the subject needed more than is remembered of it',
};
const PINNED = 'pinned in leastwise.yaml';

/** Finds out what to propose for each subject, additions and removals apart, each against the base alone. */
export async function planSubjectChanges(
  plans: readonly SubjectPlan[],
  ground: Ground,
  { onProgress }: Pick<CyclePorts, 'onProgress'>,
): Promise<Changes> {
  const changes: SubjectChange[] = [];
  const observable: SubjectPlan[] = [];
  const problems: string[] = [];
  const waiting = new Map<HoldReason, number>();
  const open = plans.filter(({ withheld }) => withheld === undefined || withheld.reason === 'held');
  for await (const plan of withProgress('propose', open, onProgress)) {
    const found = changesOf(plan, ground);
    changes.push(...found.changes);
    problems.push(...found.problems);
    if (found.observability.mayRemove) observable.push(plan);
    for (const reason of found.waits) waiting.set(reason, (waiting.get(reason) ?? 0) + 1);
  }
  return { changes, waiting, observable, problems };
}

function observe(
  { cluster, policy, options }: SubjectPlan,
  { choices, lost }: Ground,
  {
    candidates,
    sight,
  }: { readonly candidates: readonly Cell[]; readonly sight: SubjectObservability | undefined },
): Observability {
  return observabilityOf({
    cluster,
    subject: policy.subject,
    policy,
    gaps: { lost: lost > choices.acceptedLostEvents ? lost : 0, days: [] },
    asOfDay: options.asOfDay ?? dayOf(cluster.lastSeenUs),
    minimumObservationDays: choices.minimumObservationDays,
    candidates,
    ...(sight === undefined ? {} : { wouldLog: (cell) => sight.sightOf(cell).sight === 'logged' }),
  });
}

interface Found {
  readonly changes: readonly SubjectChange[];
  readonly observability: Observability;
  readonly problems: readonly string[];
  /** Why something that is not known to be used is kept for now. */
  readonly waits: readonly HoldReason[];
}

function changesOf(plan: SubjectPlan, ground: Ground): Found {
  const { cluster, policy, approved, options } = plan;
  const pinned = pinnedRules(plan, ground.choices);
  const propose = (rules: readonly PinnedRules[]) =>
    proposeChange({
      subject: policy.subject,
      approved: approved.objects,
      // Whether the policy is complete is the observability's to say: what would be removed is worth knowing anyway.
      wanted: { ...policy, isIncomplete: false },
      pinned: rules,
      mayRemove: true,
      options,
    });
  const wished = propose(pinned);
  const pins = pinned.length === 0 ? [] : pinnedCells(propose([]).removals, wished.removals);
  const sight = ground.auditPolicies?.get(cluster.cluster)?.of(policy.subject);
  const observability = observe(plan, ground, { candidates: wished.removals?.removed ?? [], sight });
  const { unobservable } = observability;
  // What the audit policy does not log is held on to like what is pinned.
  const found = unobservable.length === 0 ? wished : propose([...pinned, ...asPinned(unobservable)]);
  const waits = found.removals !== undefined && !observability.mayRemove;
  const kept = waits ? found.removals.removed : [];
  const remark = `${observability.reasons.map(({ reason }) => WAITING[reason]).join('; ')}.`;
  const unproven = [
    ...pins.map((cell) => ({ cell, remark: PINNED })),
    ...unobservable.map((cell) => ({ cell, remark: notObservable(sight, cell) })),
    ...kept.map((cell) => ({ cell, remark })),
  ];
  const changes: SubjectChange[] = [];
  for (const kind of ['additions', 'removals'] as const) {
    const change = found[kind];
    const isOut = kind === 'additions' ? plan.withheld !== undefined : !observability.mayRemove;
    if (change === undefined || isOut) continue;
    changes.push({ plan, kind, change, files: filesOf(plan, change), observability, unproven, sight });
  }
  const problems = found.foreign.map((each) => `${nameOf(plan)}: left as it is: ${escapeHidden(each)}`);
  const reasons = waits ? observability.reasons.map(({ reason }) => reason) : [];
  return {
    changes,
    observability,
    problems,
    waits: unobservable.length === 0 ? reasons : [...reasons, 'not-logged'],
  };
}

function asPinned(cells: readonly Cell[]): PinnedRules[] {
  return rulesFor(cells.map((cell) => ({ cell }))).map(({ namespace, rule }) => ({
    namespace,
    rules: [rule],
  }));
}

/** Why not every use of a permission is logged: the first rule that hides some. */
export function whyNotLogged({ sight, hiding }: GrantSight): string {
  return `${hiding?.reason ?? ''}${sight === 'partly' ? ' (for a part of it)' : ''}`;
}

function notObservable(sight: SubjectObservability | undefined, cell: Cell): string {
  return `not observable${sight === undefined ? '' : `: ${whyNotLogged(sight.sightOf(cell))}`}.`;
}

/** What is removed without the pins and not with them. */
function pinnedCells(without: Change | undefined, withPins: Change | undefined): Cell[] {
  const removed = new Set(withPins?.removed.map(cellKey));
  return (without?.removed ?? []).filter((cell) => !removed.has(cellKey(cell)));
}

/** The pinned rules of the namespaces that the subject's permissions may be in, or that the pins name. */
function pinnedRules({ cluster, state, approved }: SubjectPlan, choices: TeamChoices): PinnedRules[] {
  if (choices.pinned.length === 0) return [];
  const namespaces = new Set([
    '',
    ...approved.objects.map(placeOf),
    ...[...state.allowed.rules.values()].map((rule) => rule.namespace),
    ...choices.pinned.flatMap((pin) => pin.namespaces.filter((glob) => !glob.includes('*'))),
  ]);
  return [...namespaces].sort().flatMap((namespace) => {
    const scope = { cluster: cluster.cluster, subject: state.subject, namespace };
    const { pinned: rules } = choicesFor(choices, scope);
    return rules.length === 0 ? [] : [{ namespace, rules }];
  });
}

/**
 * The files that change, rendered as a whole repository would have them. Where the objects of a file stay the same it
 * stays as it is, whatever it looks like: its notes are brought up to date with its permissions, not by themselves.
 */
function filesOf(
  { cluster, policy, approved }: SubjectPlan,
  change: Change,
): Map<string, string | undefined> {
  const { subject } = policy;
  const notes = (namespace: string): readonly string[] => policyNotes(policy, namespace);
  const rendered = renderRepository([
    { cluster: cluster.cluster, policies: [{ subject, objects: change.objects, notes }] },
  ]);
  const known = new Map(approved.files.map((file) => [file.namespace, file]));
  const after = new Map<string, RbacObject[]>();
  for (const object of change.objects) {
    after.set(placeOf(object), [...(after.get(placeOf(object)) ?? []), object]);
  }
  const files = new Map<string, string | undefined>();
  for (const namespace of [...new Set([...known.keys(), ...after.keys()])].sort()) {
    const before = known.get(namespace);
    const content = rendered.get(policyPath({ cluster: cluster.cluster, subject, namespace }));
    const isSame = before !== undefined && holdsExactly(before.objects, after.get(namespace) ?? []);
    if (!isSame && content !== before?.content) files.set(namespace, content);
  }
  return files;
}

/** Whether a file holds these very objects; of two of one name the later counts. */
function holdsExactly(before: readonly RbacObject[], after: readonly RbacObject[]): boolean {
  const latest = new Set(new Map(before.map((object) => [objectKey(object), object])).values());
  return latest.size === after.length && after.every((object) => latest.has(object));
}
