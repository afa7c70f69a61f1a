import { type Boxes, type ResourceBox, subresourceWildcard, type UrlBox, urlCovers } from './box.ts';
import type { Grant } from './grant.ts';

/** How much one comparison may still do and list; below zero it is incomplete. */
export interface Budget {
  steps: number;
  grants: number;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Boxes by what they name, so that a grant is held against those only that may include it. */
class Owners {
  readonly #byResource = new Map<string, ResourceBox[]>();
  readonly #byUrl = new Map<string, UrlBox[]>();
  readonly #prefixes: { readonly url: string; readonly box: UrlBox }[] = [];

  constructor({ resources, urls }: Boxes) {
    for (const box of resources) for (const resource of box.resources) push(this.#byResource, resource, box);
    for (const box of urls) {
      for (const url of box.urls) {
        if (url.endsWith('*')) this.#prefixes.push({ url, box });
        else push(this.#byUrl, url, box);
      }
    }
  }

  ofResource(resource: string, scope: string): ResourceBox[] {
    const wildcard = subresourceWildcard(resource) ?? '*';
    return [...new Set([resource, wildcard, '*'])]
      .flatMap((each) => this.#byResource.get(each) ?? [])
      .filter((box) => box.scope === '*' || box.scope === scope);
  }

  ofUrl(url: string): UrlBox[] {
    const under = this.#prefixes.filter((prefix) => urlCovers(prefix.url, url)).map(({ box }) => box);
    return [...(this.#byUrl.get(url) ?? []), ...under];
  }

  get prefixes(): number {
    return this.#prefixes.length;
  }
}

function has(values: ReadonlySet<string>, value: string): boolean {
  return values.has('*') || values.has(value);
}

interface ValueClass {
  readonly values: string[];
  readonly owners: readonly ResourceBox[];
}

/*
 * Values of a list that the same owners include behave alike: going by classes of them keeps the product
 * of a rule's lists from being walked value by value where nothing is to be listed.
 */
function classes(
  values: ReadonlySet<string>,
  owners: readonly ResourceBox[],
  listOf: (owner: ResourceBox) => ReadonlySet<string>,
): ValueClass[] {
  const found = new Map<string, ValueClass>();
  for (const value of values) {
    const indices = [...owners.keys()].filter((i) => has(listOf(owners[i] ?? NO_BOX), value));
    const key = indices.join();
    const same = found.get(key);
    if (same) same.values.push(value);
    else found.set(key, { values: [value], owners: indices.map((i) => owners[i] ?? NO_BOX) });
  }
  return [...found.values()];
}

const NONE: ReadonlySet<string> = new Set();
const NO_BOX: ResourceBox = { scope: '', groups: NONE, resources: NONE, verbs: NONE, names: NONE };

/** The names that no owner grants; `''` stands for any name, which only owners of any name include. */
function namesLeft(names: ReadonlySet<string>, owners: readonly ResourceBox[]): readonly string[] {
  if (owners.some((owner) => owner.names.size === 0)) return [];
  if (names.size === 0) return [''];
  return [...names].filter((name) => !owners.some((owner) => owner.names.has(name)));
}

function* resourceGrants(box: ResourceBox, owners: Owners, budget: Budget): Generator<Grant> {
  for (const resource of box.resources) {
    const relevant = owners.ofResource(resource, box.scope);
    budget.steps -= 1 + box.groups.size * relevant.length;
    if (budget.steps < 0) return;
    for (const groups of classes(box.groups, relevant, (owner) => owner.groups)) {
      budget.steps -= box.verbs.size * groups.owners.length;
      if (budget.steps < 0) return;
      for (const verbs of classes(box.verbs, groups.owners, (owner) => owner.verbs)) {
        budget.steps -= (1 + box.names.size) * (1 + verbs.owners.length);
        if (budget.steps < 0) return;
        for (const name of namesLeft(box.names, verbs.owners)) {
          for (const apiGroup of groups.values) {
            for (const verb of verbs.values)
              yield { scope: box.scope, verb, apiGroup, resource, name, path: '' };
          }
        }
      }
    }
  }
}

function* urlGrants(box: UrlBox, owners: Owners, budget: Budget): Generator<Grant> {
  for (const path of box.urls) {
    const relevant = owners.ofUrl(path);
    budget.steps -= 1 + owners.prefixes + box.verbs.size * relevant.length;
    if (budget.steps < 0) return;
    for (const verb of box.verbs) {
      if (relevant.some(({ verbs }) => has(verbs, verb))) continue;
      yield { scope: '*', verb, apiGroup: '', resource: '', name: '', path };
    }
  }
}

/**
 * What `boxes` grant and `owners` do not, broken down so far that one rule of the owners includes a grant
 * wholly or none includes any of it for good: an unnamed grant is included by an unnamed rule only, a
 * wildcard by the same or a wider wildcard only. Ends early when the budget is used up.
 * @see kubernetes component-helpers auth/rbac/validation/policy_comparator.go, `Covers`
 */
export function* uncovered(boxes: Boxes, owned: Boxes, budget: Budget): Generator<Grant> {
  const owners = new Owners(owned);
  const parts = [
    ...boxes.resources.map((box) => resourceGrants(box, owners, budget)),
    ...boxes.urls.map((box) => urlGrants(box, owners, budget)),
  ];
  for (const part of parts) {
    for (const grant of part) {
      budget.grants -= 1;
      if (budget.grants < 0) return;
      yield grant;
    }
  }
}
