import { boxesOf, subresourceWildcard, urlCovers } from '../diff/box.ts';
import { type Budget, uncovered } from '../diff/uncovered.ts';
import type { Cell } from '../policy.ts';
import type { PolicyRule } from '../types.ts';
import { widest } from './cell-set.ts';

/** A rule, and where it holds: `*` for the whole cluster, else one namespace. */
export interface ScopedRule {
  readonly scope: string;
  readonly rule: PolicyRule;
}

/** How many cells a rule multiplies to, URLs included. Linear in the rule's size. */
export function cellCount({
  verbs,
  apiGroups,
  resources,
  resourceNames,
  nonResourceURLs,
}: PolicyRule): number {
  const targets =
    (apiGroups?.length ?? 0) * (resources?.length ?? 0) * Math.max(1, resourceNames?.length ?? 0);
  return verbs.length * (targets + (nonResourceURLs?.length ?? 0));
}

/**
 * Every cell that rules multiply to. URLs count in the whole cluster only, as the API server has it. A resourceName
 * that is empty itself, which allows requests without a name and no others, is none: no cell can say that.
 */
export function cellsOf(granted: Iterable<ScopedRule>): Cell[] {
  const { resources, urls } = boxesOf(granted);
  const cells: Cell[] = [];
  for (const { scope, groups, resources: listed, verbs, names } of resources) {
    const namespace = scope === '*' ? '' : scope;
    for (const apiGroup of groups) {
      for (const resource of listed) {
        // An empty resource would read as a URL; no request is for one.
        if (resource === '') continue;
        for (const verb of verbs) {
          if (names.size === 0) cells.push({ verb, apiGroup, resource, namespace, name: '', path: '' });
          for (const name of names) {
            if (name !== '') cells.push({ verb, apiGroup, resource, namespace, name, path: '' });
          }
        }
      }
    }
  }
  for (const box of urls) {
    for (const path of box.urls) {
      if (path === '') continue;
      for (const verb of box.verbs)
        cells.push({ verb, apiGroup: '', resource: '', namespace: '', name: '', path });
    }
  }
  return cells;
}

/** How much one look at rules may do; beyond, nothing is taken for granted. */
const MAX_STEPS = 50_000_000;

/** A rule that grants one cell and nothing else. */
export function ruleOf({ verb, apiGroup, resource, namespace, name, path }: Cell): ScopedRule {
  const scope = namespace === '' ? '*' : namespace;
  if (resource === '') return { scope, rule: { nonResourceURLs: [path], verbs: [verb] } };
  const names = name === '' ? {} : { resourceNames: [name] };
  return { scope, rule: { apiGroups: [apiGroup], resources: [resource], ...names, verbs: [verb] } };
}

/** Whether rules grant everything that other rules do, without multiplying either of them. */
export function isGranted(needed: readonly ScopedRule[], granted: readonly ScopedRule[]): boolean {
  const budget: Budget = { steps: MAX_STEPS, grants: 1 };
  const { done } = uncovered(boxesOf(needed), boxesOf(granted), budget).next();
  return done === true && budget.steps >= 0;
}

/** The common part of two values of which `any` stands for all; `undefined` where there is none. */
function meetText(a: string, b: string, any: string): string | undefined {
  if (a === b || b === any) return a;
  return a === any ? b : undefined;
}

function meetResource(a: string, b: string): string | undefined {
  const met = meetText(a, b, '*');
  if (met !== undefined) return met;
  if (subresourceWildcard(a) === b) return a;
  return subresourceWildcard(b) === a ? b : undefined;
}

function meetPath(a: string, b: string): string | undefined {
  if (urlCovers(a, b)) return b;
  return urlCovers(b, a) ? a : undefined;
}

/** What two cells both grant, which is one cell again or nothing. */
function meetOf(a: Cell, b: Cell): Cell | undefined {
  if ((a.resource === '') !== (b.resource === '')) return undefined;
  const verb = meetText(a.verb, b.verb, '*');
  const apiGroup = meetText(a.apiGroup, b.apiGroup, '*');
  const resource = meetResource(a.resource, b.resource);
  const namespace = meetText(a.namespace, b.namespace, '');
  const name = meetText(a.name, b.name, '');
  const path = a.resource === '' ? meetPath(a.path, b.path) : '';
  if (verb === undefined || apiGroup === undefined || resource === undefined) return undefined;
  if (namespace === undefined || name === undefined || path === undefined) return undefined;
  return { verb, apiGroup, resource, namespace, name, path };
}

function placeKey({ verb, apiGroup, resource, namespace }: Omit<Cell, 'name' | 'path'>): string {
  return `${verb}\0${apiGroup}\0${resource}\0${namespace}`;
}

function push(map: Map<string, Cell[]>, key: string, cell: Cell): void {
  const list = map.get(key);
  if (list) list.push(cell);
  else map.set(key, [cell]);
}

/** Finds the cells that may have something in common with another one without looking at all of them. */
class CellIndex {
  readonly #all: readonly Cell[];
  readonly #byResource = new Map<string, Cell[]>();
  readonly #byPlace = new Map<string, Cell[]>();

  constructor(cells: readonly Cell[]) {
    this.#all = cells;
    for (const cell of cells) {
      push(this.#byResource, cell.resource, cell);
      push(this.#byPlace, placeKey(cell), cell);
    }
  }

  near(cell: Cell): readonly Cell[] {
    const { verb, apiGroup, resource, namespace } = cell;
    if (resource.startsWith('*')) return this.#all;
    const resources =
      resource === '' ? [''] : [...new Set([resource, subresourceWildcard(resource) ?? '*', '*'])];
    const isWide = resource === '' || verb === '*' || apiGroup === '*' || namespace === '';
    if (isWide) return resources.flatMap((each) => this.#byResource.get(each) ?? []);
    const found: Cell[] = [];
    for (const each of resources) {
      for (const ofVerb of [verb, '*']) {
        for (const ofGroup of [apiGroup, '*']) {
          for (const ofNamespace of [namespace, '']) {
            const key = placeKey({ verb: ofVerb, apiGroup: ofGroup, resource: each, namespace: ofNamespace });
            for (const near of this.#byPlace.get(key) ?? []) found.push(near);
          }
        }
      }
    }
    return found;
  }
}

/**
 * What two sets both grant, as {@link widest} gives it: a wildcard of one is narrowed to what the other has of it.
 * @remarks Fast where the cells of `left` are mostly without wildcards, as observed ones are.
 */
export function meet(left: readonly Cell[], right: readonly Cell[]): Cell[] {
  const index = new CellIndex(right);
  const met: Cell[] = [];
  for (const cell of left) {
    for (const near of index.near(cell)) {
      const common = meetOf(cell, near);
      if (common) met.push(common);
    }
  }
  return widest(met);
}
