import { cloneEvidence, mergeEvidence } from './evidence.ts';
import type { Cell, Widening } from './policy.ts';
import type { Evidence } from './types.ts';

/** A cell on its way to a rule, with everything it rests on. `namespace` `''` is the whole cluster. */
export interface Grant extends Cell {
  readonly evidence: Evidence;
}

/** The target that names and namespaces vary under: one verb on one resource, or on URLs. */
export function targetKey(cell: Cell): string {
  return `${cell.verb}\0${cell.apiGroup}\0${cell.resource}`;
}

/** A key that only equal cells share. */
export function cellKey(cell: Cell): string {
  return `${targetKey(cell)}\0${cell.namespace}\0${cell.name}\0${cell.path}`;
}

/** For people, as kubectl spells it: `get deployments.apps/scale named x in ns1`. Not for terminals or Markdown without escaping. */
export function describeCell(cell: Cell): string {
  if (cell.resource === '') return `${cell.verb} ${cell.path}`;
  const [resource = '', ...sub] = cell.resource.split('/');
  const what = [cell.apiGroup === '' ? resource : `${resource}.${cell.apiGroup}`, ...sub].join('/');
  const name = cell.name === '' ? '' : ` named ${cell.name}`;
  const scope = cell.namespace === '' ? ' in the cluster' : ` in ${cell.namespace}`;
  return `${cell.verb} ${what}${name}${scope}`;
}

/** Grants without repetition: equal cells become one with the sum of their evidence. */
export class GrantSet {
  readonly #grants = new Map<string, Grant>();
  /** Keys whose evidence is a sum of our own; that of the others belongs to the state and must not change. */
  readonly #owned = new Set<string>();

  /** Adds a grant. Its evidence is not changed: what has to be summed is copied first. */
  add(grant: Grant): void {
    const key = cellKey(grant);
    const known = this.#grants.get(key);
    if (!known) {
      this.#grants.set(key, grant);
      return;
    }
    if (!this.#owned.has(key)) {
      this.#owned.add(key);
      this.#grants.set(key, { ...known, evidence: cloneEvidence(known.evidence) });
    }
    mergeEvidence((this.#grants.get(key) ?? known).evidence, grant.evidence);
  }

  /** The grant of exactly this cell. */
  get(cell: Cell): Grant | undefined {
    return this.#grants.get(cellKey(cell));
  }

  /** All grants, in the order in which their cells came first. */
  values(): Grant[] {
    return [...this.#grants.values()];
  }

  /** The cells that would allow this one, the widest first: cluster before namespace, unnamed before named. */
  covering(cell: Cell): Grant | undefined {
    for (const namespace of cell.namespace === '' ? [''] : ['', cell.namespace]) {
      for (const name of cell.name === '' ? [''] : ['', cell.name]) {
        const found = this.get({ ...cell, namespace, name });
        if (found) return found;
      }
    }
    return undefined;
  }
}

/** The same grants with equal cells summed up. */
export function unique(grants: Iterable<Grant>): Grant[] {
  const set = new GrantSet();
  for (const grant of grants) set.add(grant);
  return set.values();
}

/** Groups by a key, keeping the order of first appearance. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** What a widening step makes of grants. */
export interface Widened {
  readonly grants: readonly Grant[];
  readonly widenings: readonly Widening[];
}
