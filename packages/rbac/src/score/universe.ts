import { boxesOf, type ResourceBox, subresourceWildcard } from '../diff/box.ts';
import type { Cell } from '../policy.ts';
import type { PolicyRule, RbacObject } from '../types.ts';
import {
  ASKED_RESOURCES,
  BUILT_IN_RESOURCES,
  BUILT_IN_URLS,
  type KnownResource,
  STANDARD_VERBS,
} from './built-in.ts';
import { spreadRules } from './spread.ts';

/** What a universe is made of. */
export interface UniverseInput {
  /** What the cluster's discovery lists; without it, what Kubernetes serves by default. */
  readonly discovery?: readonly KnownResource[] | undefined;
  /** Namespaces of the cluster, as far as they are known besides. */
  readonly namespaces?: Iterable<string>;
  /** All RBAC of the cluster: what it names exists. */
  readonly rbac: readonly RbacObject[];
  /** Everything that anybody used: it exists. */
  readonly used: Iterable<Cell>;
}

/** A resource with all verbs that are known of it. */
export interface UniverseResource {
  readonly apiGroup: string;
  readonly resource: string;
  readonly isNamespaced: boolean;
  readonly verbs: ReadonlySet<string>;
}

/** The most pairs of group and resource that one rule, and all rules together, may bring in by naming them. */
const MAX_RULE_PAIRS = 10_000;
const MAX_NAMED_PAIRS = 100_000;

interface Growing extends UniverseResource {
  readonly verbs: Set<string>;
}

interface Sight {
  inNamespace: boolean;
  isClusterItem: boolean;
}

function pairKey(apiGroup: string, resource: string): string {
  return `${apiGroup}\0${resource}`;
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Whether a rule names more pairs than are looked at one by one. */
export function isOversize({ groups, resources }: ResourceBox): boolean {
  return groups.size * resources.size > MAX_RULE_PAIRS;
}

/** Whether a URL of a rule stands for all of them. */
export function isAnyUrl(url: string): boolean {
  return url === '*' || url === '/*';
}

/** Everything that could be granted in one cluster: what wildcards stand for, and what there is to count. */
export class Universe {
  readonly #pairs = new Map<string, Growing>();
  readonly #byGroup = new Map<string, Growing[]>();
  readonly #byResource = new Map<string, Growing[]>();
  /** By `*` and a subresource. */
  readonly #bySubresource = new Map<string, Growing[]>();
  readonly #namespaces: Set<string>;
  readonly #urls = new Set(BUILT_IN_URLS);
  readonly #urlVerbs = new Set(['get']);

  constructor({ discovery, namespaces = [], rbac, used }: UniverseInput) {
    this.#namespaces = new Set(namespaces);
    for (const each of [...(discovery ?? BUILT_IN_RESOURCES), ...ASKED_RESOURCES])
      this.#add(each, each.verbs);
    this.#addUsed([...used]);
    for (const { kind, metadata } of rbac) {
      if (kind === 'RoleBinding' && metadata.namespace) this.#namespaces.add(metadata.namespace);
    }
    const rules = rbac.flatMap((object) => ('rules' in object ? object.rules : []));
    this.#addRules(rules);
    this.#namespaces.delete('');
  }

  get namespaces(): ReadonlySet<string> {
    return this.#namespaces;
  }

  /** How many namespaces a grant in the whole cluster holds in: one at least, known or not. */
  get namespaceCount(): number {
    return Math.max(1, this.#namespaces.size);
  }

  get resourceCount(): number {
    return this.#pairs.size;
  }

  get resources(): Iterable<UniverseResource> {
    return this.#pairs.values();
  }

  /** Paths, and prefixes that end in `*` but for those that stand for all. */
  get urls(): ReadonlySet<string> {
    return this.#urls;
  }

  get urlVerbs(): ReadonlySet<string> {
    return this.#urlVerbs;
  }

  find(apiGroup: string, resource: string): UniverseResource | undefined {
    return this.#pairs.get(pairKey(apiGroup, resource));
  }

  /** The resources that a rule is about, each once. */
  of(box: ResourceBox): ReadonlySet<UniverseResource> {
    return this.#matching(box);
  }

  /** Whether all that a rule names is in it; else there was too much. */
  knows(box: ResourceBox): boolean {
    return this.#unknownIn(box).next().done === true;
  }

  #matching(box: { groups: ReadonlySet<string>; resources: Iterable<string> }): Set<Growing> {
    const { groups, resources } = box;
    const found = new Set<Growing>();
    const isAnyGroup = groups.has('*');
    for (const resource of resources) {
      for (const pair of this.#candidates(resource, groups)) {
        if (isAnyGroup || groups.has(pair.apiGroup)) found.add(pair);
      }
    }
    return found;
  }

  #candidates(resource: string, groups: ReadonlySet<string>): readonly Growing[] {
    if (resource === '*') {
      if (groups.has('*')) return [...this.#pairs.values()];
      return [...groups].flatMap((group) => this.#byGroup.get(group) ?? []);
    }
    const listed = resource.startsWith('*/') ? this.#bySubresource : this.#byResource;
    return listed.get(resource) ?? [];
  }

  #add(
    what: Pick<UniverseResource, 'apiGroup' | 'resource' | 'isNamespaced'>,
    verbs: Iterable<string>,
  ): void {
    const { apiGroup, resource, isNamespaced } = what;
    const key = pairKey(apiGroup, resource);
    let pair = this.#pairs.get(key);
    if (!pair) {
      pair = { apiGroup, resource, isNamespaced, verbs: new Set() };
      this.#pairs.set(key, pair);
      push(this.#byGroup, apiGroup, pair);
      push(this.#byResource, resource, pair);
      const wildcard = subresourceWildcard(resource);
      if (wildcard !== undefined) push(this.#bySubresource, wildcard, pair);
    }
    for (const verb of verbs) pair.verbs.add(verb);
  }

  /** What nothing else tells of: it is of namespaces, unless an object of it was asked for without one. */
  #addUsed(used: readonly Cell[]): void {
    const sights = new Map<string, Sight>();
    for (const { verb, apiGroup, resource, namespace, name, path } of used) {
      if (resource === '') {
        this.#urls.add(path);
        this.#urlVerbs.add(verb);
        continue;
      }
      if (namespace !== '') this.#namespaces.add(namespace);
      const key = pairKey(apiGroup, resource);
      const sight = sights.get(key) ?? { inNamespace: false, isClusterItem: false };
      sights.set(key, sight);
      if (namespace !== '') sight.inNamespace = true;
      else if (name !== '') sight.isClusterItem = true;
    }
    for (const { verb, apiGroup, resource } of used) {
      if (resource === '') continue;
      const key = pairKey(apiGroup, resource);
      const { inNamespace = false, isClusterItem = false } = sights.get(key) ?? {};
      const isNamespaced = inNamespace || !isClusterItem;
      if (!this.#pairs.has(key)) this.#add({ apiGroup, resource, isNamespaced }, STANDARD_VERBS);
      this.#add({ apiGroup, resource, isNamespaced }, [verb]);
    }
  }

  #addRules(rules: readonly PolicyRule[]): void {
    // Sorted, so that what is left out, where there is too much, does not depend on their order.
    const distinct = spreadRules(rules.map((rule) => ({ scope: '*', rule })));
    const { resources, urls } = boxesOf(distinct.map(({ rule }) => ({ scope: '*', rule })));
    for (const box of urls) {
      for (const url of box.urls) if (!isAnyUrl(url)) this.#urls.add(url);
      if (box.urls.size > 0) for (const verb of box.verbs) if (verb !== '*') this.#urlVerbs.add(verb);
    }
    const boxes = resources.filter((box) => !isOversize(box));
    // What rules spell out first, so that whether a wildcard stands for something does not depend on their order.
    this.#addPairs(boxes, (group, resource) => group !== '*' && !resource.startsWith('*'));
    this.#addPairs(boxes, (group, resource) => group === '*' || resource.startsWith('*'));
    this.#addVerbs(boxes);
  }

  /*
   * A rule multiplies its lists, and most products do not exist: what is known in one of its groups is not taken to
   * be in the others. What is known in none of them is taken to be in all. A wildcard that stands for nothing known is
   * a resource of its own.
   */
  #addPairs(boxes: readonly ResourceBox[], isConcerned: (group: string, resource: string) => boolean): void {
    const added = new Map<string, readonly [string, string]>();
    for (const box of boxes) {
      for (const [group, resource] of this.#unknownIn(box)) {
        if (!isConcerned(group, resource)) continue;
        if (added.size >= MAX_NAMED_PAIRS) break;
        added.set(pairKey(group, resource), [group, resource]);
      }
    }
    for (const [apiGroup, resource] of added.values()) {
      this.#add({ apiGroup, resource, isNamespaced: true }, STANDARD_VERBS);
    }
  }

  *#unknownIn({ groups, resources }: ResourceBox): Generator<readonly [group: string, resource: string]> {
    for (const resource of resources) {
      // An empty resource would read as a URL; no request is for one.
      if (resource === '') continue;
      if (resource !== '*' && this.#matching({ groups, resources: [resource] }).size > 0) continue;
      for (const group of groups) {
        const isKnown = resource === '*' && (group === '*' || this.#byGroup.has(group));
        if (!isKnown) yield [group, resource];
      }
    }
  }

  /** Verbs beyond the eight belong to what a rule names them for; in a wildcard's rule only where nobody else knows them. */
  #addVerbs(boxes: readonly ResourceBox[]): void {
    const known = new Set([...this.#pairs.values()].flatMap(({ verbs }) => [...verbs]));
    const added: (readonly [Growing, string])[] = [];
    for (const box of boxes) {
      const special = [...box.verbs].filter((verb) => verb !== '*' && !STANDARD_VERBS.includes(verb));
      if (special.length === 0) continue;
      const isWild = box.groups.has('*') || [...box.resources].some((resource) => resource.startsWith('*'));
      for (const verb of special) {
        if (isWild && known.has(verb)) continue;
        for (const pair of this.#matching(box)) added.push([pair, verb]);
      }
    }
    for (const [pair, verb] of added) pair.verbs.add(verb);
  }
}
