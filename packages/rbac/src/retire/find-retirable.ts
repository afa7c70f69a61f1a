import { type Subject, subjectKey } from '@leastwise/audit-event';

import { isBinding, objectKey } from '../approved/object-key.ts';
import { boundSubject, createAuthorizer } from '../authorizer/index.ts';
import type { BindingSubject, ClusterRoleBinding, RbacObject, RoleBinding } from '../types.ts';
import { breadthOf, type Excess, excessOf } from './excess.ts';
import { type Holder, holderOf, type ManagedSubject } from './holder.ts';
import { isBootstrap, type Origin, type OriginHint, originsOf } from './origin.ts';
import { Releases } from './releases.ts';

type Binding = RoleBinding | ClusterRoleBinding;

/** The RBAC of one cluster, and whom we know in it. */
export interface RetirementInput {
  /** All RBAC of the cluster, live or from manifests. What is missing here counts as not granted. */
  readonly existing: readonly RbacObject[];
  /** What the API server grants by itself: `bootstrapDefaults`. A copy among `existing` counts in its place. */
  readonly defaults: readonly RbacObject[];
  /**
   * Those who were observable for long enough; all others are taken to need what they have. A group among them stands
   * for its members: what it is wanted to have is what they were seen to need of it.
   */
  readonly subjects: readonly ManagedSubject[];
  /** By `objectKey`: the managers of the live objects' fields. */
  readonly hints?: ReadonlyMap<string, OriginHint>;
}

/** A binding that some subjects do not need any more. */
export interface Retirable {
  readonly binding: Binding;
  /**
   * `delete-binding`: nobody whom it binds needs it. `drop-subjects`: those in `released` do not need it; the others
   * do, or nobody knows. `via-group`: it binds groups that those in `released` are in, who would not need it; other
   * members may, so that it is for its owner to judge, and no other entry rests on it being gone.
   */
  readonly action: 'delete-binding' | 'drop-subjects' | 'via-group';
  /** Sorted by subject key. */
  readonly released: readonly Subject[];
  /** Whom the binding binds afterwards, as it lists them: all of them for `via-group`. */
  readonly remaining: readonly BindingSubject[];
  /** What it grants and none of those in `released` was seen to need. */
  readonly excess: Excess;
  /** Where it has to be changed, the first to begin with. */
  readonly origins: readonly Origin[];
}

/** The bindings that may be retired, and how to describe them. */
class Candidates {
  readonly holders: readonly Holder[];
  readonly bindings: readonly Binding[];
  readonly #boundKeys = new Map<Binding, ReadonlySet<string>>();
  readonly #hints: ReadonlyMap<string, OriginHint>;
  readonly #rulesFor: (subject: Subject) => Holder['granted'];

  constructor({ existing, defaults, subjects, hints }: RetirementInput) {
    this.#hints = hints ?? new Map<string, OriginHint>();
    const own = subjects.flatMap((managed) => managed.own);
    const byKey = new Map([...defaults, ...existing, ...own].map((object) => [objectKey(object), object]));
    const authorizer = createAuthorizer([...byKey.values()]);
    this.#rulesFor = (subject) => authorizer.rulesFor(subject, []);
    this.holders = subjects
      .map((managed) => holderOf(managed, authorizer))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const fixed = new Set([...defaults, ...own].map(objectKey));
    this.bindings = [...byKey]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
      .filter(isBinding)
      .filter((binding) => !fixed.has(objectKey(binding)) && !isBootstrap(binding));
    for (const binding of this.bindings) this.#boundKeys.set(binding, keysOf(binding));
  }

  /** The keys of those whom a candidate binds; none where it is no candidate. */
  bound(binding: Binding): ReadonlySet<string> {
    return this.#boundKeys.get(binding) ?? NOBODY;
  }

  /** Who holds something by a candidate that binds it by name: the broadest first, so that of two the narrower stays. */
  direct(): { readonly holder: Holder; readonly binding: Binding }[] {
    return this.holders
      .flatMap((holder) => {
        const bindings = new Set(holder.granted.map(({ binding }) => binding));
        return [...bindings]
          .filter((binding) => this.bound(binding).has(holder.key))
          .map((binding) => ({ holder, binding, ...this.#weight(holder, binding) }));
      })
      .map((each, i) => ({ each, i }))
      .sort((a, b) => b.each.breadth - a.each.breadth || b.each.cells - a.each.cells || a.i - b.i)
      .map(({ each }) => each);
  }

  #weight(holder: Holder, binding: Binding): { breadth: number; cells: number } {
    const rules = holder.granted.filter((granted) => granted.binding === binding);
    return { breadth: breadthOf(rules), cells: excessOf(rules, holder.needs).cells };
  }

  entry(binding: Binding, released: readonly Holder[], isDirect: boolean): Retirable {
    const keys = new Set(isDirect ? released.map(({ key }) => key) : []);
    const remaining = binding.subjects.filter((listed) => {
      const bound = boundSubject(listed, binding);
      return bound !== undefined && !keys.has(subjectKey(bound));
    });
    const [anybody] = binding.subjects.flatMap((listed) => boundSubject(listed, binding) ?? []);
    const rules = anybody ? this.#rulesFor(anybody).filter((granted) => granted.binding === binding) : [];
    const needs = released.flatMap((holder) => holder.needs);
    return {
      binding,
      action: !isDirect ? 'via-group' : remaining.length === 0 ? 'delete-binding' : 'drop-subjects',
      released: released.map(({ subject }) => subject),
      remaining,
      excess: excessOf(rules, needs),
      origins: originsOf(binding, this.#hints.get(objectKey(binding))),
    };
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function keysOf(binding: Binding): Set<string> {
  const bound = binding.subjects.flatMap((listed) => boundSubject(listed, binding) ?? []);
  return new Set(bound.map(subjectKey));
}

/**
 * The bindings that grant managed subjects something and that they do not need any more: all that they were seen to
 * need is granted by ours and by what remains. All `delete-binding` and `drop-subjects` entries hold together: with every
 * one of them carried out, nothing that was observed is refused. Where one of two bindings is needed, the broader one is
 * listed and the narrower one stays.
 *
 * What the API server brings back by itself and what is in our files is never listed; neither is anything of a subject
 * whose policy is incomplete, or whose needs are not all granted yet.
 * @remarks Pure; the order of the input makes no difference. Who is in a group is known for those groups only that a
 * subject is always in; what others grant through groups proves nothing.
 */
export function findRetirable(input: RetirementInput): Retirable[] {
  const candidates = new Candidates(input);
  const { holders, bindings } = candidates;
  const releases = new Releases(holders, (binding) => candidates.bound(binding));
  for (const { holder, binding } of candidates.direct()) releases.tryToRelease(holder, binding);
  const direct = bindings.flatMap((binding) => {
    const released = holders.filter((holder) => releases.isReleased(holder.key, binding));
    return released.length === 0 ? [] : [candidates.entry(binding, released, true)];
  });
  const viaGroup = bindings.flatMap((binding) => {
    const bound = candidates.bound(binding);
    const members = holders.filter((holder) => {
      const groups = [...holder.groups, ...holder.seenGroups].filter((group) => bound.has(group));
      const isMember = groups.some((group) => group !== holder.key && !releases.isReleased(group, binding));
      return isMember && releases.isHeld(holder, binding);
    });
    return members.length === 0 ? [] : [candidates.entry(binding, members, false)];
  });
  return [...direct, ...viaGroup];
}
