import { impliedGroups, type Subject } from '@leastwise/audit-event';

import { createAuthorizer } from '../authorizer/index.ts';
import type { PolicyOptions } from '../options.ts';
import type { Cell, ExceptionClass, SubjectPolicy } from '../policy.ts';
import type { PolicyRule, RbacObject } from '../types.ts';
import { unrenderableReason } from '../validity.ts';
import { beyond, isSame, orderKey, widest } from './cell-set.ts';
import { cellCount, cellsOf, meet, type ScopedRule } from './cells.ts';
import { Composer } from './compose.ts';
import { entangled } from './entangled.ts';
import { objectKey } from './object-key.ts';
import { type Approved, MAX_APPROVED_CELLS, readApproved } from './ownership.ts';

/** Permissions that the team holds on to, whether they are used or not. */
export interface PinnedRules {
  /** `''` for the whole cluster. */
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
  /** Whether they are proposed where they are not approved; else they are only never proposed to be removed. */
  readonly grant?: boolean;
}

/** Of a subject's policy, what a change is made of. A subject that is gone wants nothing. */
export type WantedPolicy = Pick<SubjectPolicy, 'objects' | 'exceptions' | 'isIncomplete'>;

/** What was approved for one subject of one cluster, and what is wanted. */
export interface ChangeInput {
  readonly subject: Subject;
  /** Everything that the subject's files of all namespaces hold at the base branch, whoever wrote it. */
  readonly approved: readonly RbacObject[];
  /** As the inference made it under `options`, and verified. */
  readonly wanted: WantedPolicy;
  readonly pinned: readonly PinnedRules[];
  /** Whether the subject was observable for long enough. */
  readonly mayRemove: boolean;
  readonly options: PolicyOptions;
}

/** New files for one subject, and what that grants and takes away by authorizer semantics. */
export interface Change {
  /** The complete new content of the subject's files; none where all of them are to be deleted. */
  readonly objects: readonly RbacObject[];
  /** The widest cells that are granted from now on, sorted. Their values may be RBAC's wildcards. */
  readonly added: readonly Cell[];
  /** The widest cells that are not granted as such any more, sorted. */
  readonly removed: readonly Cell[];
  /** What is left of `removed` because it is used, pinned or withheld: `get pods` of `* pods`. */
  readonly narrowed: readonly Cell[];
  /**
   * Observed permissions that the files grant before this change and not after it, since no policy may hold them
   * (`unrenderable` among the exceptions of the wanted policy): what may break.
   */
  readonly refused: readonly Cell[];
  /**
   * Namespaces, `''` for the cluster, whose files must be merged together, because a permission moves from one to the
   * other. The files of all others can be merged by themselves in any order, and each step keeps the promise.
   */
  readonly together: readonly string[];
}

/** What is to be proposed for a subject; nothing where what is approved grants what is wanted. */
export interface ProposedChange {
  readonly additions?: Change;
  readonly removals?: Change;
  /** Why parts of the files are left as they are, for people. Names come from the files: not escaped. */
  readonly foreign: readonly string[];
  /** Pinned cells with `grant` that no policy may hold, such as wildcards: they are not proposed. */
  readonly ungranted: readonly Cell[];
}

/** Observed, and not in the wanted objects for no fault of its own: what is approved of it stays. */
const STAYS: readonly ExceptionClass[] = ['withheld', 'not-selected'];

function scoped({ namespace, rules }: PinnedRules): ScopedRule[] {
  return rules.map((rule) => ({ scope: namespace === '' ? '*' : namespace, rule }));
}

/** What the subject needs, as sets of widest cells. */
interface Needs {
  /** What is to be granted. */
  readonly wanted: readonly Cell[];
  /** What is not to be taken away. */
  readonly held: readonly Cell[];
  readonly ungranted: readonly Cell[];
}

function needsOf({ subject, wanted, pinned }: ChangeInput): Needs {
  const inferred = cellsOf(createAuthorizer(wanted.objects).rulesFor(subject, []));
  const granted = widest(cellsOf(pinned.filter(({ grant }) => grant === true).flatMap(scoped)));
  const isRenderable = (cell: Cell): boolean => unrenderableReason(cell) === undefined;
  const needed = widest([...inferred, ...granted.filter(isRenderable)]);
  const withheld = wanted.exceptions.filter((each) => STAYS.includes(each.class)).map(({ cell }) => cell);
  const held = widest([...needed, ...cellsOf(pinned.flatMap(scoped)), ...withheld]);
  return { wanted: needed, held, ungranted: granted.filter((cell) => !isRenderable(cell)) };
}

/** Makes changes of one subject's files. */
class Proposal {
  readonly #input: ChangeInput;
  readonly #approved: Approved;
  readonly #composer: Composer;
  /** What the files grant the subject, its own objects and all others. */
  readonly #before: readonly Cell[];

  constructor(input: ChangeInput, approved: Approved) {
    const { subject, options, wanted } = input;
    const { own, kept, ownCells, keptCells } = approved;
    this.#input = input;
    this.#approved = approved;
    this.#composer = new Composer({ subject, options, own, kept, wanted: wanted.objects });
    this.#before = widest([...ownCells, ...keptCells]);
  }

  additions(wanted: readonly Cell[]): Change | undefined {
    const missing = beyond(wanted, this.#before);
    if (missing.length === 0) return undefined;
    return this.#change(widest([...this.#approved.ownCells, ...missing]), this.#before);
  }

  removals(held: readonly Cell[]): Change | undefined {
    const target = meet(held, this.#approved.ownCells);
    const after = widest([...target, ...this.#approved.keptCells]);
    return isSame(after, this.#before) ? undefined : this.#change(target, after);
  }

  /** @param promised - what has to be granted at every moment, however the files are merged */
  #change(target: readonly Cell[], promised: readonly Cell[]): Change {
    const { approved, subject } = this.#input;
    const composed = this.#composer.compose(target);
    const names = new Set(composed.map(objectKey));
    const objects = [...composed, ...this.#approved.kept.filter((object) => !names.has(objectKey(object)))];
    const after = widest([...target, ...this.#approved.keptCells]);
    const removed = beyond(this.#before, after);
    const known = new Set(this.#before.map(orderKey));
    return {
      objects,
      added: beyond(after, this.#before),
      removed,
      narrowed: removed.length === 0 ? [] : after.filter((cell) => !known.has(orderKey(cell))),
      refused: this.#refused(objects),
      together: entangled({ before: approved, after: objects, subject, promised }),
    };
  }

  #refused(objects: readonly RbacObject[]): Cell[] {
    const { subject, approved, wanted } = this.#input;
    const groups = impliedGroups(subject);
    const [before, after] = [createAuthorizer(approved), createAuthorizer(objects)];
    const unrenderable = wanted.exceptions.filter((each) => each.class === 'unrenderable');
    return unrenderable
      .map(({ cell }) => cell)
      .filter((permission) => {
        const request = { subject, groups, permission };
        return before.authorize(request).allowed && !after.authorize(request).allowed;
      });
  }
}

/** Whether the very objects that are wanted are approved and nothing is pinned: then there is nothing to look for. */
function isUnchanged({ approved, wanted, pinned }: ChangeInput): boolean {
  if (pinned.length > 0 || approved.length !== wanted.objects.length) return false;
  const rules = approved.flatMap((object) => ('rules' in object ? object.rules : []));
  if (rules.reduce((sum, rule) => sum + cellCount(rule), 0) > MAX_APPROVED_CELLS) return false;
  const texts = new Map(approved.map((object) => [objectKey(object), JSON.stringify(object)]));
  return wanted.objects.every((object) => texts.get(objectKey(object)) === JSON.stringify(object));
}

/**
 * What to propose for one subject, as set operations on cells: additions grant exactly approved ∪ wanted, removals
 * exactly approved ∩ (wanted ∪ pinned ∪ withheld), where a wildcard is narrowed to what is used of it. Each can be
 * merged without the other, in either order; with both merged, and the rest proposed again, nothing is left to propose,
 * and each namespace's objects are those of the inference, or the approved ones that grant the same.
 *
 * Where nothing changes by authorizer semantics the approved objects stay as they are, namespace by namespace. What
 * binds others too, or refers to roles that the files do not hold, stays as it is in every change, and what it grants
 * counts as granted.
 *
 * Nothing is removed where the policy is incomplete, or where more is pinned than {@link MAX_APPROVED_CELLS}.
 * @remarks Pure; the order of the input makes no difference, but that of two objects of one name the later counts. Cost
 * grows with the number of cells times its logarithm.
 */
export function proposeChange(input: ChangeInput): ProposedChange {
  if (isUnchanged(input)) return { foreign: [], ungranted: [] };
  const approved = readApproved(input.approved, input.subject);
  const size = input.pinned.flatMap(({ rules }) => rules).reduce((sum, rule) => sum + cellCount(rule), 0);
  const isTooMuch = size > MAX_APPROVED_CELLS;
  const needs = needsOf(isTooMuch ? { ...input, pinned: [] } : input);
  const proposal = new Proposal(input, approved);
  const mayRemove = input.mayRemove && !input.wanted.isIncomplete && !isTooMuch;
  const additions = proposal.additions(needs.wanted);
  const removals = mayRemove ? proposal.removals(needs.held) : undefined;
  return {
    ...(additions ? { additions } : {}),
    ...(removals ? { removals } : {}),
    foreign: [...approved.foreign, ...(isTooMuch ? ['The pinned rules grant too much to be listed'] : [])],
    ungranted: needs.ungranted,
  };
}
