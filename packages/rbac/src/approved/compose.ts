import type { Subject } from '@leastwise/audit-event';

import { createAuthorizer } from '../authorizer/index.ts';
import { emptyEvidence } from '../evidence.ts';
import { groupBy } from '../grant.ts';
import { objectName, shortHash } from '../names.ts';
import { buildObjects } from '../objects.ts';
import type { PolicyOptions } from '../options.ts';
import type { Cell } from '../policy.ts';
import type { PolicyRule, RbacObject } from '../types.ts';
import { CellSet, isSame, widest } from './cell-set.ts';
import { cellsOf } from './cells.ts';
import { isBinding, objectKey, roleKey } from './object-key.ts';

/** The objects that grant something in one namespace, or in the whole cluster: its bindings with their roles. */
interface Part {
  readonly objects: RbacObject[];
  /** All that they grant there, also what another part grants anyway. */
  readonly cells: readonly Cell[];
}

/** By namespace, `''` for the whole cluster. */
type Parts = ReadonlyMap<string, Part>;

function byNamespace(cells: readonly Cell[]): Map<string, Cell[]> {
  return groupBy(cells, ({ namespace }) => namespace);
}

/** @param roles - roles beyond `objects` that they may refer to */
function partsOf(objects: readonly RbacObject[], subject: Subject, roles: readonly RbacObject[] = []): Parts {
  const granted = createAuthorizer([...roles, ...objects]).rulesFor(subject, []);
  const cells = byNamespace(cellsOf(granted));
  const byKey = new Map(objects.map((object) => [objectKey(object), object]));
  const parts = new Map<string, Part>();
  for (const binding of objects.filter(isBinding)) {
    const namespace = binding.kind === 'ClusterRoleBinding' ? '' : (binding.metadata.namespace ?? '');
    const part = parts.get(namespace) ?? { objects: [], cells: cells.get(namespace) ?? [] };
    const role = byKey.get(roleKey(binding));
    part.objects.push(...(role ? [role] : []), binding);
    parts.set(namespace, part);
  }
  return parts;
}

/** A name beside the subject's usual ones, as the product names further objects of a subject. */
function otherName(object: RbacObject, extra: string, { subject, options }: Composition): string {
  const { name } = object.metadata;
  if (options.naming.template !== undefined) return `${name}-${shortHash(extra)}`;
  const kind = isBinding(object) ? object.roleRef.kind : object.kind;
  const role = kind === 'Role' ? 'role' : 'clusterrole';
  return objectName(subject, isBinding(object) ? `${role}-binding` : role, `beside ${name} ${extra}`);
}

function named<T extends RbacObject>(object: T, name: string): T {
  return { ...object, metadata: { ...object.metadata, name } };
}

/** What the texts are made of and for. */
export interface Composition {
  readonly subject: Subject;
  readonly options: PolicyOptions;
  /** The subject's own objects in its files. */
  readonly own: readonly RbacObject[];
  /** The inference's objects. */
  readonly wanted: readonly RbacObject[];
  /** Objects of the same files that stay as they are, and have their names. */
  readonly kept: readonly RbacObject[];
}

/** Writes the own objects of a subject's files anew. */
export class Composer {
  readonly #made: Composition;
  readonly #reserved: ReadonlySet<string>;
  readonly #own: Parts;
  readonly #wanted: Parts;
  readonly #ownCells: ReadonlyMap<string, Cell[]>;
  readonly #wantedCells: ReadonlyMap<string, Cell[]>;

  constructor(made: Composition) {
    this.#made = made;
    // What a binding refers to, whether it is there or not. A role that nothing binds may be written over: it is what
    // is left of a binding that somebody removed.
    const bindings = made.kept.filter(isBinding);
    this.#reserved = new Set(bindings.flatMap((binding) => [objectKey(binding), roleKey(binding)]));
    const shared = made.kept.filter((object) => !isBinding(object));
    this.#own = partsOf(made.own, made.subject, shared);
    this.#wanted = partsOf(this.#renamed(made.wanted), made.subject);
    this.#ownCells = byNamespace(widest(cellsIn(this.#own)));
    this.#wantedCells = byNamespace(widest(cellsIn(this.#wanted)));
  }

  /**
   * Objects that grant exactly `target`, widest cells. The objects of a namespace where nothing changes stay as they
   * are, whatever they look like; where all that is wanted is granted and no more, they are the inference's.
   */
  compose(target: readonly Cell[]): RbacObject[] {
    if (target.length === 0) return [];
    const cells = byNamespace(target);
    const granted = new CellSet(target);
    const grantsExactly = (part: Part | undefined, namespace: string, own: readonly Cell[] = []): boolean =>
      isSame(own, cells.get(namespace) ?? []) && (part?.cells ?? []).every((cell) => granted.includes(cell));
    const unchanged = new Set<string>();
    for (const [namespace, part] of this.#own) {
      if (grantsExactly(part, namespace, this.#ownCells.get(namespace))) unchanged.add(namespace);
    }
    const written = lazily(() => this.#write(target));
    const anew = (namespace: string): readonly RbacObject[] => {
      const wanted = this.#wanted.get(namespace);
      const isWanted = grantsExactly(wanted, namespace, this.#wantedCells.get(namespace));
      return (isWanted ? wanted : written().get(namespace))?.objects ?? [];
    };
    const namespaces = new Set([...this.#own.keys(), ...this.#wanted.keys(), ...cells.keys()]);
    return this.#inOrder(this.#collect(namespaces, unchanged, anew));
  }

  /** A ClusterRole may serve several namespaces: where it differs, those that would stay as they are cannot. */
  #collect(
    namespaces: ReadonlySet<string>,
    unchanged: ReadonlySet<string>,
    anew: (namespace: string) => readonly RbacObject[],
  ): RbacObject[] {
    const collected = new Map<string, RbacObject>();
    const add = (objects: readonly RbacObject[]): void => {
      for (const object of objects) collected.set(objectKey(object), object);
    };
    const stays = new Set(unchanged);
    for (const namespace of namespaces) if (!stays.has(namespace)) add(anew(namespace));
    // Sets shrink while they are walked; what is written anew may be in the way of one that was looked at before.
    for (let before = -1; before !== stays.size;) {
      before = stays.size;
      for (const namespace of stays) {
        if (!this.#ownIn(namespace).some((object) => differs(object, collected.get(objectKey(object)))))
          continue;
        stays.delete(namespace);
        add(anew(namespace));
      }
    }
    for (const namespace of stays) add(this.#ownIn(namespace));
    return [...collected.values()];
  }

  #ownIn(namespace: string): readonly RbacObject[] {
    return this.#own.get(namespace)?.objects ?? [];
  }

  #write(target: readonly Cell[]): Parts {
    const { subject, options } = this.#made;
    // A group of namespaces shares all that one of them needs: that would be more than the target.
    const exact = { ...options, namespaceGroups: [] };
    const evidence = emptyEvidence();
    const grants = target.map((cell) => ({ ...cell, evidence }));
    return partsOf(this.#renamed(buildObjects(subject, grants, [], exact).objects), subject);
  }

  /** The objects under other names where something that stays has theirs; a roleRef can never change in place. */
  #renamed(objects: readonly RbacObject[]): readonly RbacObject[] {
    const isTaken = (object: RbacObject): boolean => this.#reserved.has(objectKey(object));
    const free = (object: RbacObject, extra: string): RbacObject => {
      for (let i = 1; ; i += 1) {
        const other = named(object, otherName(object, `${extra} ${i}`, this.#made));
        if (!isTaken(other)) return other;
      }
    };
    const roles = new Map(
      objects
        .filter((object) => !isBinding(object) && isTaken(object))
        .map((role) => [objectKey(role), free(role, '')]),
    );
    return objects.map((object) => {
      if (!isBinding(object)) return roles.get(objectKey(object)) ?? object;
      const role = roles.get(roleKey(object));
      if (!role) return isTaken(object) ? free(object, '') : object;
      const { name } = role.metadata;
      return free({ ...object, roleRef: { ...object.roleRef, name } }, name);
    });
  }

  /** The inference's objects in its order, then all others by their keys. */
  #inOrder(objects: readonly RbacObject[]): RbacObject[] {
    const rank = new Map<RbacObject, number>(this.#made.wanted.map((object, i) => [object, i]));
    const isWanted = (object: RbacObject): boolean => rank.has(object);
    const others = objects
      .filter((object) => !isWanted(object))
      .map((object) => [objectKey(object), object] as const);
    return [
      ...objects.filter(isWanted).sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)),
      ...others.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object),
    ];
  }
}

function cellsIn(parts: Parts): Cell[] {
  return [...parts.values()].flatMap(({ cells }) => cells);
}

function rulesOf(object: RbacObject): readonly PolicyRule[] {
  return 'rules' in object ? object.rules : [];
}

function differs(object: RbacObject, other: RbacObject | undefined): boolean {
  return other !== undefined && JSON.stringify(rulesOf(object)) !== JSON.stringify(rulesOf(other));
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
