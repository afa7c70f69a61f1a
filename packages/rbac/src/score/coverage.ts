import { boxesOf, type ResourceBox } from '../diff/box.ts';
import { STANDARD_VERBS } from './built-in.ts';
import type { Scopes, SpreadRule } from './spread.ts';
import { isAnyUrl, isOversize, type Universe, type UniverseResource } from './universe.ts';

/** Where one verb of one resource is granted. */
export interface Grants {
  /** For any name, by the rules that do so. */
  readonly unnamed: Scopes[];
  readonly named: Map<string, Scopes[]>;
}

/** Below zero, rules are not taken apart any more. */
interface CountingBudget {
  steps: number;
}

/** What some rules grant, in the cells of a universe. */
export class Coverage {
  readonly resources = new Map<UniverseResource, Map<string, Grants>>();
  /** By path or prefix, the verbs. */
  readonly urls = new Map<string, Set<string>>();
  /** At least as many cells as the rules have that were too much to take apart; some may be counted twice. */
  beyond = 0n;
  /** Those rules. */
  readonly oversize: ResourceBox[] = [];
  readonly #universe: Universe;
  readonly #budget: CountingBudget;

  constructor(rules: readonly SpreadRule[], universe: Universe, budget: CountingBudget) {
    this.#universe = universe;
    this.#budget = budget;
    for (const { rule, scopes } of rules) {
      const { resources, urls } = boxesOf([{ scope: '*', rule }]);
      for (const box of resources) this.#addResources(box, scopes);
      if (scopes.isCluster) for (const box of urls) this.#addUrls(box.verbs, box.urls);
    }
  }

  #addResources(box: ResourceBox, scopes: Scopes): void {
    const { groups, resources, verbs, names } = box;
    if (groups.size * resources.size === 0) return;
    if (isOversize(box) || !this.#universe.knows(box)) {
      const any = this.#universe.resourceCount;
      const pairs =
        BigInt(groups.has('*') ? any : groups.size) * BigInt(resources.has('*') ? any : resources.size);
      const ofAny = verbs.has('*') ? STANDARD_VERBS.length : verbs.size;
      this.#addBeyond(pairs * BigInt(ofAny), box, scopes);
      return;
    }
    const cells: (readonly [UniverseResource, string])[] = [];
    for (const resource of this.#universe.of(box)) {
      for (const verb of resource.verbs) {
        if (verbs.has('*') || verbs.has(verb)) cells.push([resource, verb]);
      }
    }
    const cost = cells.length * Math.max(1, names.size);
    if (cost > this.#budget.steps) {
      this.#addBeyond(BigInt(cells.length), box, scopes);
      return;
    }
    this.#budget.steps -= cost;
    for (const [resource, verb] of cells) this.#addCell(this.#grantsOf(resource, verb), names, scopes);
  }

  #addBeyond(cells: bigint, box: ResourceBox, { isCluster, namespaces }: Scopes): void {
    const places = isCluster ? this.#universe.namespaceCount : namespaces.size;
    this.oversize.push(box);
    this.beyond += cells * BigInt(Math.max(1, box.names.size)) * BigInt(places);
  }

  #grantsOf(resource: UniverseResource, verb: string): Grants {
    let byVerb = this.resources.get(resource);
    if (!byVerb) this.resources.set(resource, (byVerb = new Map<string, Grants>()));
    let grants = byVerb.get(verb);
    if (!grants) byVerb.set(verb, (grants = { unnamed: [], named: new Map() }));
    return grants;
  }

  #addCell(grants: Grants, names: ReadonlySet<string>, scopes: Scopes): void {
    if (names.size === 0) grants.unnamed.push(scopes);
    for (const name of names) {
      const known = grants.named.get(name);
      if (known) known.push(scopes);
      else grants.named.set(name, [scopes]);
    }
  }

  #addUrls(verbs: ReadonlySet<string>, urls: ReadonlySet<string>): void {
    const { urlVerbs, urls: allUrls } = this.#universe;
    const expandedVerbs = verbs.has('*') ? urlVerbs : verbs;
    const expanded = new Set([...urls].flatMap((url) => (isAnyUrl(url) ? [...allUrls] : [url])));
    const cost = expanded.size * expandedVerbs.size;
    if (cost > this.#budget.steps) {
      this.beyond += BigInt(cost);
      return;
    }
    this.#budget.steps -= cost;
    for (const url of expanded) {
      const known = this.urls.get(url) ?? new Set<string>();
      this.urls.set(url, known);
      for (const verb of expandedVerbs) known.add(verb);
    }
  }
}
