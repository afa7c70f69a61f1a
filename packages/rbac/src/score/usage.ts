import type { Cell } from '../policy.ts';
import type { Scopes } from './spread.ts';
import type { Universe, UniverseResource } from './universe.ts';

/** A permission that requests of a subject needed and got. */
export interface UsedCell {
  readonly cell: Cell;
  /** Requests that needed it. */
  readonly count: number;
  /** False where another authorizer allowed all of them. */
  readonly viaRbac: boolean;
  /** Whether it stands for names that were too many to keep: any name may have been used. */
  readonly isAnyName: boolean;
}

interface Places {
  isCluster: boolean;
  readonly namespaces: Set<string>;
}

interface VerbUse {
  /** Whatever the name. */
  readonly all: Places;
  readonly names: Map<string, Places>;
  /** With names that are not known any more. */
  readonly unknownNames: Places;
}

const UNUSED: Readonly<Places> = nowhere();

function nowhere(): Places {
  return { isCluster: false, namespaces: new Set<string>() };
}

function note(places: Places, namespace: string): void {
  if (namespace === '') places.isCluster = true;
  else places.namespaces.add(namespace);
}

function joined(a: Places, b: Places): Places {
  return { isCluster: a.isCluster || b.isCluster, namespaces: new Set([...a.namespaces, ...b.namespaces]) };
}

/** What a subject used, and how much of a grant that is. */
export class Usage {
  readonly #universe: Universe;
  readonly #uses = new Map<UniverseResource, Map<string, VerbUse>>();
  /** Paths by verb. */
  readonly #paths = new Map<string, Set<string>>();
  /** How many namespaces several scopes have together, by their numbers. */
  readonly #unions = new Map<string, number>();
  readonly #numbers = new Map<Scopes, number>();

  constructor(used: Iterable<UsedCell>, universe: Universe) {
    this.#universe = universe;
    for (const each of used) this.#add(each);
  }

  #add({ cell, isAnyName }: UsedCell): void {
    const { verb, apiGroup, resource, namespace, name, path } = cell;
    if (resource === '') {
      const paths = this.#paths.get(verb) ?? new Set<string>();
      this.#paths.set(verb, paths.add(path));
      return;
    }
    const pair = this.#universe.find(apiGroup, resource);
    if (!pair) return;
    const byVerb = this.#uses.get(pair) ?? new Map<string, VerbUse>();
    this.#uses.set(pair, byVerb);
    const use: VerbUse = byVerb.get(verb) ?? {
      all: nowhere(),
      names: new Map<string, Places>(),
      unknownNames: nowhere(),
    };
    byVerb.set(verb, use);
    note(use.all, namespace);
    if (isAnyName) note(use.unknownNames, namespace);
    const places = use.names.get(name) ?? nowhere();
    use.names.set(name, places);
    note(places, namespace);
  }

  /** Where a verb of a resource was used, with one name or with any. */
  #placesOf(resource: UniverseResource, verb: string, name: string | undefined): Readonly<Places> {
    const use = this.#uses.get(resource)?.get(verb);
    if (!use) return UNUSED;
    if (name === undefined) return use.all;
    const named: Readonly<Places> = use.names.get(name) ?? UNUSED;
    const { isCluster, namespaces } = use.unknownNames;
    return isCluster || namespaces.size > 0 ? joined(named, use.unknownNames) : named;
  }

  /** In how many places scopes grant a resource: namespaces, or one where it has none. */
  grantedIn(resource: UniverseResource, scopes: readonly Scopes[]): number {
    const isCluster = scopes.some((each) => each.isCluster);
    if (!resource.isNamespaced) return isCluster ? 1 : 0;
    return isCluster ? this.#universe.namespaceCount : this.#union(scopes);
  }

  #union(scopes: readonly Scopes[]): number {
    const [first] = scopes;
    if (!first) return 0;
    if (scopes.length === 1) return first.namespaces.size;
    const key = scopes.map((each) => this.#numberOf(each)).join();
    const known = this.#unions.get(key);
    if (known !== undefined) return known;
    const { size } = new Set(scopes.flatMap(({ namespaces }) => [...namespaces]));
    this.#unions.set(key, size);
    return size;
  }

  #numberOf(scopes: Scopes): number {
    const known = this.#numbers.get(scopes) ?? this.#numbers.size;
    this.#numbers.set(scopes, known);
    return known;
  }

  /**
   * In how many of these places it was used. A request to the whole cluster uses a grant in the whole cluster wholly;
   * grants in namespaces do not allow it, so that it uses none of them.
   * @param name - `undefined`: with any name
   */
  usedIn(
    { resource, verb, name }: { resource: UniverseResource; verb: string; name: string | undefined },
    scopes: readonly Scopes[],
  ): number {
    const { isCluster, namespaces } = this.#placesOf(resource, verb, name);
    const isGrantedInCluster = scopes.some((each) => each.isCluster);
    if (!resource.isNamespaced) return isGrantedInCluster && (isCluster || namespaces.size > 0) ? 1 : 0;
    if (isGrantedInCluster && isCluster) return this.#universe.namespaceCount;
    let count = 0;
    for (const namespace of namespaces) {
      const isGranted = isGrantedInCluster
        ? this.#universe.namespaces.has(namespace)
        : scopes.some((each) => each.namespaces.has(namespace));
      if (isGranted) count += 1;
    }
    return count;
  }

  /** The namespaces, of those that are known, in which scopes grant a resource that is in namespaces and nobody used it. */
  unusedIn(
    { resource, verb, name }: { resource: UniverseResource; verb: string; name: string | undefined },
    scopes: readonly Scopes[],
  ): string[] {
    const { isCluster, namespaces } = this.#placesOf(resource, verb, name);
    const isGrantedInCluster = scopes.some((each) => each.isCluster);
    if (isGrantedInCluster && isCluster) return [];
    const granted = isGrantedInCluster
      ? this.#universe.namespaces
      : new Set(scopes.flatMap((each) => [...each.namespaces]));
    return [...granted].filter((namespace) => !namespaces.has(namespace));
  }

  /** Whether a path was used, or one under a prefix. */
  usesUrl(url: string, verb: string): boolean {
    const paths = this.#paths.get(verb);
    if (!paths) return false;
    if (!url.endsWith('*')) return paths.has(url);
    const prefix = url.slice(0, -1);
    for (const path of paths) if (path.startsWith(prefix)) return true;
    return false;
  }
}
