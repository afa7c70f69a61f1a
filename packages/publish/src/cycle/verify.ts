import { impliedGroups } from '@leastwise/audit-event';
import {
  type Authorizer,
  type Cell,
  createAuthorizer,
  describeCell,
  type ExceptionClass,
  type Mismatch,
  parseManifests,
  type PolicyOptions,
  type RbacObject,
  secondaryCells,
} from '@leastwise/rbac';
import { subjectName } from '@leastwise/render';

import { policyPath } from '../team/index.ts';
import { placeOf } from './approved-files.ts';
import { cellKey } from './cell-key.ts';
import type { ChangePart } from './groups.ts';
import type { SubjectPlan } from './subjects.ts';

/** What a part of a change does, by its files as they were rendered. */
export interface Verdict {
  /** All objects of the subject, once the part is merged onto the base. */
  readonly after: readonly RbacObject[];
  /** What was used and would be refused, though no policy may hold it: it is told in the pull request. */
  readonly broken: readonly Cell[];
  /** What would be refused without a reason: the promise. Empty, or nothing may be published. */
  readonly mismatches: readonly Mismatch[];
}

/** Counted, and no fault of a change where it is refused: nobody used it of late, or by RBAC. */
const NOT_NEEDED: readonly ExceptionClass[] = ['outside-retention', 'namespace-gone', 'other-authorizer'];

/** A name that no object bears, asked for where the names themselves were too many to keep. */
const ANY_NAME = 'leastwise-any-name';

/** Authorizers over what is granted by default, one for each set of options. */
export class Defaults {
  readonly #known = new Map<PolicyOptions, Authorizer>();

  of(options: PolicyOptions): Authorizer {
    const known = this.#known.get(options);
    if (known !== undefined) return known;
    const fresh = createAuthorizer(options.existing);
    this.#known.set(options, fresh);
    return fresh;
  }
}

/**
 * Asks again for all that a subject was counted to need, under the files that it has once a part of a change is
 * merged onto the base. The changed files are read back from their text, so that what is verified is what is pushed.
 * Whatever was allowed before must be allowed after; what an addition is to grant in its namespaces as well.
 */
export function verifyPart({ change, namespaces, covers }: ChangePart, defaults: Defaults): Verdict {
  const { plan, files } = change;
  const { approved, policy, options, cluster } = plan;
  const { subject } = policy;
  const changed = new Set(namespaces);
  const mismatches: Mismatch[] = [];
  const fresh = namespaces.flatMap((namespace) => {
    const path = policyPath({ cluster: cluster.cluster, subject, namespace });
    const content = files.get(namespace);
    if (content === undefined) return [];
    const { objects, ignored, problems } = parseManifests(content, path, { namespace });
    const isWhole =
      ignored === 0 && problems.length === 0 && objects.every((each) => placeOf(each) === namespace);
    if (!isWhole)
      mismatches.push({ kind: 'invalid-object', detail: `${path} does not read as it was meant` });
    return objects;
  });
  const after = [...approved.objects.filter((object) => !changed.has(placeOf(object))), ...fresh];
  const due =
    change.kind === 'removals' ? [] : policy.objects.filter((object) => covers.has(placeOf(object)));
  // Apart, for of two objects of one name an authorizer knows one.
  const promised = [createAuthorizer(approved.objects), createAuthorizer(due)];
  const kept = [createAuthorizer(after), defaults.of(options)];
  const groups = impliedGroups(subject);
  const refused = new Set(change.change.refused.map(cellKey));
  const broken: Cell[] = [];
  for (const { cell, permission } of neededCells(plan)) {
    const request = { subject, groups, permission };
    const isAllowed = (authorizer: Authorizer): boolean => authorizer.authorize(request).allowed;
    if (kept.some(isAllowed) || !promised.some(isAllowed)) continue;
    if (refused.has(cellKey(cell))) broken.push(cell);
    else
      mismatches.push({
        kind: 'not-granted',
        detail: `${subjectName(subject)}: ${describeCell(permission)}`,
      });
  }
  return { after, broken, mismatches };
}

/** A permission that was needed. */
export interface Asked {
  /** As the policy lists it. */
  readonly cell: Cell;
  /** As the authorizer is asked. */
  readonly permission: Cell;
}

/**
 * What a subject was counted to need within the retention period; of rules with too many names, any name. What another
 * authorizer allowed is not among it.
 */
export function neededCells({ state, policy, options }: SubjectPlan): Asked[] {
  const left = policy.exceptions.filter((each) => NOT_NEEDED.includes(each.class));
  const excepted = new Set(left.map(({ cell }) => cellKey(cell)));
  const sets = options.includeDenied ? [state.allowed, state.denied] : [state.allowed];
  return sets
    .flatMap((set) => [...set.rules.values()])
    .flatMap(({ verb, apiGroup, resource, namespace, names, overflow }): Asked[] => {
      const cellOf = (name: string): Cell => {
        const isUrl = resource === '';
        return { verb, apiGroup, resource, namespace, name: isUrl ? '' : name, path: isUrl ? name : '' };
      };
      const named = [...names.keys()].map((name) => ({ cell: cellOf(name), permission: cellOf(name) }));
      // URLs beyond a cap are known by nothing that could be asked for.
      if (overflow === undefined || resource === '') return named;
      return [...named, { cell: cellOf(''), permission: cellOf(ANY_NAME) }];
    })
    .flatMap((asked) => [
      asked,
      ...secondaryCells(asked.cell, options).map((cell) => ({
        cell,
        permission: { ...cell, name: asked.permission.name },
      })),
    ])
    .filter(({ cell }) => !excepted.has(cellKey(cell)));
}
