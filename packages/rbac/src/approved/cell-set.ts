import { subresourceWildcard } from '../diff/box.ts';
import type { Cell } from '../policy.ts';

/*
 * Sets of cells as rules grant them: the values may be RBAC's wildcards, and `''` is any name or the whole
 * cluster. No finite number of narrower cells makes up a wildcard, so a cell is granted by a set exactly when one
 * cell of the set includes it. That makes sets comparable: their widest cells, sorted, are the same list.
 */

/** A key that only equal cells share, in whose order cells are listed: by namespace, URL, group, resource, verb, name. */
export function orderKey({ namespace, path, apiGroup, resource, verb, name }: Cell): string {
  return `${namespace}\0${path}\0${apiGroup}\0${resource}\0${verb}\0${name}`;
}

/** Cells by their keys, and which wildcards occur among them at all: most sets have few, which saves most look-ups. */
export class CellSet {
  readonly #keys = new Set<string>();
  readonly #verbs = new Set<string>();
  readonly #groups = new Set<string>();
  readonly #resources = new Set<string>();
  readonly #prefixLengths = new Set<number>();

  constructor(cells: readonly Cell[]) {
    for (const cell of cells) {
      this.#keys.add(orderKey(cell));
      if (cell.verb === '*') this.#verbs.add('*');
      if (cell.apiGroup === '*') this.#groups.add('*');
      if (cell.resource.startsWith('*')) this.#resources.add(cell.resource);
      if (cell.path.endsWith('*')) this.#prefixLengths.add(cell.path.length - 1);
    }
  }

  /** Whether a cell of the set includes this one; one that is the very same as well, unless it is to be wider. */
  includes(cell: Cell, isWider = false): boolean {
    if (!this.#hasWildcards) return this.#includesPlain(cell, isWider);
    const own = isWider ? orderKey(cell) : undefined;
    for (const wider of cell.resource === '' ? this.#urls(cell) : this.#places(cell)) {
      const key = orderKey(wider);
      if (key !== own && this.#keys.has(key)) return true;
    }
    return false;
  }

  get #hasWildcards(): boolean {
    return this.#verbs.size + this.#groups.size + this.#resources.size + this.#prefixLengths.size > 0;
  }

  /** What was observed has no wildcards, so that only the namespace and the name can be wider. */
  #includesPlain(cell: Cell, isWider: boolean): boolean {
    if (!isWider && this.#keys.has(orderKey(cell))) return true;
    if (cell.resource === '') return false;
    const { namespace, name } = cell;
    if (name !== '' && this.#keys.has(orderKey({ ...cell, name: '' }))) return true;
    if (namespace === '') return false;
    if (this.#keys.has(orderKey({ ...cell, namespace: '' }))) return true;
    return name !== '' && this.#keys.has(orderKey({ ...cell, namespace: '', name: '' }));
  }

  *#urls(cell: Cell): Generator<Cell> {
    for (const verb of [cell.verb, ...this.#verbs]) {
      yield { ...cell, verb };
      for (const length of this.#prefixLengths) {
        // A prefix includes its own beginning too: `/a/*` allows `/a/`.
        if (length <= cell.path.length) yield { ...cell, verb, path: `${cell.path.slice(0, length)}*` };
      }
    }
  }

  *#places(cell: Cell): Generator<Cell> {
    const wildcards = ['*', subresourceWildcard(cell.resource) ?? '*'].filter((each) =>
      this.#resources.has(each),
    );
    const namespaces = cell.namespace === '' ? [''] : [cell.namespace, ''];
    const names = cell.name === '' ? [''] : [cell.name, ''];
    for (const resource of [cell.resource, ...wildcards]) {
      for (const apiGroup of [cell.apiGroup, ...this.#groups]) {
        for (const verb of [cell.verb, ...this.#verbs]) {
          for (const namespace of namespaces) {
            for (const name of names) yield { verb, apiGroup, resource, namespace, name, path: '' };
          }
        }
      }
    }
  }
}

/** The same set as its widest cells: sorted, without repetition and without what another one includes. */
export function widest(cells: readonly Cell[]): Cell[] {
  const set = new CellSet(cells);
  const byKey = new Map(cells.map((cell) => [orderKey(cell), cell]));
  return [...byKey]
    .filter(([, cell]) => !set.includes(cell, true))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, cell]) => cell);
}

/** The cells of one set that another does not grant, the widest only, sorted. */
export function beyond(cells: readonly Cell[], others: readonly Cell[]): Cell[] {
  if (cells.length === 0) return [];
  const set = new CellSet(others);
  return widest(cells.filter((cell) => !set.includes(cell)));
}

/** Whether two sets of widest cells, as {@link widest} gives them, are the same. */
export function isSame(a: readonly Cell[], b: readonly Cell[]): boolean {
  return a.length === b.length && a.every((cell, i) => orderKey(cell) === orderKey(b[i] ?? cell));
}
