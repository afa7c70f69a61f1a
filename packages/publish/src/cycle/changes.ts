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
import { nameOf, type SubjectPlan } from './subjects.ts';
import type { CyclePorts } from './types.ts';

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
}

/** What is to be proposed for all subjects. */
export interface Changes {
  readonly changes: readonly SubjectChange[];
  readonly waiting: ReadonlyMap<WaitReason, number>;
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
  choices: TeamChoices,
  lost: number,
  { onProgress }: CyclePorts,
): Promise<Changes> {
  const changes: SubjectChange[] = [];
  const observable: SubjectPlan[] = [];
  const problems: string[] = [];
  const waiting = new Map<WaitReason, number>();
  const open = plans.filter(({ withheld }) => withheld === undefined || withheld.reason === 'held');
  for await (const plan of withProgress('propose', open, onProgress)) {
    const observability = observe(plan, choices, lost);
    const found = changesOf(plan, choices, observability);
    changes.push(...found.changes);
    problems.push(...found.problems);
    if (observability.mayRemove) observable.push(plan);
    if (!found.waits) continue;
    for (const { reason } of observability.reasons) waiting.set(reason, (waiting.get(reason) ?? 0) + 1);
  }
  return { changes, waiting, observable, problems };
}

function observe(
  { cluster, policy, options }: SubjectPlan,
  choices: TeamChoices,
  lost: number,
): Observability {
  return observabilityOf({
    cluster,
    subject: policy.subject,
    policy,
    gaps: { lost, days: [] },
    asOfDay: options.asOfDay ?? dayOf(cluster.lastSeenUs),
    minimumObservationDays: choices.minimumObservationDays,
  });
}

function changesOf(
  plan: SubjectPlan,
  choices: TeamChoices,
  observability: Observability,
): { changes: SubjectChange[]; problems: string[]; waits: boolean } {
  const { policy, approved, options } = plan;
  const pinned = pinnedRules(plan, choices);
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
  const found = propose(pinned);
  const pins = pinned.length === 0 ? [] : pinnedCells(propose([]).removals, found.removals);
  const waits = found.removals !== undefined && !observability.mayRemove;
  const kept = waits ? found.removals.removed : [];
  const remark = `${observability.reasons.map(({ reason }) => WAITING[reason]).join('; ')}.`;
  const unproven = [
    ...pins.map((cell) => ({ cell, remark: PINNED })),
    ...kept.map((cell) => ({ cell, remark })),
  ];
  const changes: SubjectChange[] = [];
  for (const kind of ['additions', 'removals'] as const) {
    const change = found[kind];
    const isOut = kind === 'additions' ? plan.withheld !== undefined : !observability.mayRemove;
    if (change === undefined || isOut) continue;
    changes.push({ plan, kind, change, files: filesOf(plan, change), observability, unproven });
  }
  const problems = found.foreign.map((each) => `${nameOf(plan)}: left as it is: ${escapeHidden(each)}`);
  return { changes, problems, waits };
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
