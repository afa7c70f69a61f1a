import type { Cell } from '../policy.ts';
import type { Grants } from './coverage.ts';
import type { Scopes } from './spread.ts';
import type { Universe, UniverseResource } from './universe.ts';
import type { Usage } from './usage.ts';

/** Whether the requests that use a permission would have been logged: all of them, some, or none. */
export type Sight = 'logged' | 'partly' | 'hidden';

/**
 * Asks that of a cell of one subject.
 * @param places - the namespaces of the requests, `''` for those without one; without it wherever the cell grants
 */
export type SightOf = (cell: Cell, places?: readonly string[]) => Sight;

/** The verbs that requests to all namespaces at once may have. */
const OF_ALL_NAMESPACES: readonly string[] = ['list', 'watch'];

/** Counts the granted cells of which no use is known and not every use would have been seen. */
export class Blindness {
  readonly #sightOf: SightOf;
  readonly #universe: Universe;
  readonly #usage: Usage;

  constructor(sightOf: SightOf, universe: Universe, usage: Usage) {
    this.#sightOf = sightOf;
    this.#universe = universe;
    this.#usage = usage;
  }

  /** How many of the places in which one verb of a resource is granted, for all names together. */
  countIn(resource: UniverseResource, verb: string, { unnamed, named }: Grants): number {
    let count = this.#countOf({ resource, verb, name: undefined }, unnamed);
    for (const [name, scopes] of named) count += this.#countOf({ resource, verb, name }, scopes);
    return count;
  }

  /** Whether a URL or prefix is so; nobody used it. */
  hidesUrl(path: string, verb: string): boolean {
    const cell = { verb, apiGroup: '', resource: '', namespace: '', name: '', path };
    return this.#sightOf(cell) !== 'logged';
  }

  #countOf(
    what: { readonly resource: UniverseResource; readonly verb: string; readonly name: string | undefined },
    scopes: readonly Scopes[],
  ): number {
    const { resource, verb, name = '' } = what;
    const open = this.#usage.grantedIn(resource, scopes) - this.#usage.usedIn(what, scopes);
    if (open === 0) return 0;
    const cell = {
      verb,
      apiGroup: resource.apiGroup,
      resource: resource.resource,
      namespace: '',
      name,
      path: '',
    };
    const whole = this.#sightOf(cell, resource.isNamespaced ? undefined : ['']);
    if (whole === 'logged') return 0;
    if (whole === 'hidden' || !resource.isNamespaced) return open;
    // Of a cluster of which no namespace is known, the one place has no name.
    const isGrantedInCluster = scopes.some(({ isCluster }) => isCluster);
    if (isGrantedInCluster && this.#universe.namespaces.size === 0) return open;
    return this.#usage
      .unusedIn(what, scopes)
      .filter((namespace) => this.#sightOf(cell, requestsFor(verb, namespace, scopes)) !== 'logged').length;
  }
}

/** Where requests may be made that use a grant in one namespace: where only the whole cluster is granted, in all at once, too. */
function requestsFor(verb: string, namespace: string, scopes: readonly Scopes[]): readonly string[] {
  const isOwn = scopes.some(({ namespaces }) => namespaces.has(namespace));
  return isOwn || !OF_ALL_NAMESPACES.includes(verb) ? [namespace] : [namespace, ''];
}
