import { subresourceWildcard } from './box.ts';

/** One thing that RBAC allows, broken down so far that there is one value of each. Values may be RBAC's wildcards. */
export interface Grant {
  /** `*` for the whole cluster, else one namespace. */
  readonly scope: string;
  readonly verb: string;
  readonly apiGroup: string;
  /** As rules have it: `pods`, `pods/log`, `*` or `*` and a subresource; `''` for a URL. */
  readonly resource: string;
  /** `''`: any name, and none. A rule's resourceName that is empty itself is shown so as well. */
  readonly name: string;
  /** A URL path or a prefix that ends in `*`; `''` for resources. */
  readonly path: string;
}

/** Compares as code units do. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order in which grants are listed: by scope, URL, group, resource, verb, name. */
function compareGrants(a: Grant, b: Grant): number {
  return (
    byCodeUnits(a.scope, b.scope) ||
    byCodeUnits(a.path, b.path) ||
    byCodeUnits(a.apiGroup, b.apiGroup) ||
    byCodeUnits(a.resource, b.resource) ||
    byCodeUnits(a.verb, b.verb) ||
    byCodeUnits(a.name, b.name)
  );
}

function keyOf(parts: readonly string[]): string {
  return JSON.stringify(parts);
}

function keyOfGrant({ scope, verb, apiGroup, resource, name, path }: Grant): string {
  return keyOf([scope, verb, apiGroup, resource, name, path]);
}

function* widerUrls({ verb, path }: Grant): Generator<string> {
  for (const wider of new Set([verb, '*'])) {
    yield keyOf(['*', wider, '', '', '', path]);
    // A prefix includes the path that it is, without its star.
    for (let end = 0; end <= path.length; end += 1) {
      yield keyOf(['*', wider, '', '', '', `${path.slice(0, end)}*`]);
    }
  }
}

function* widerResources(grant: Grant): Generator<string> {
  const wildcard = subresourceWildcard(grant.resource) ?? '*';
  for (const scope of new Set([grant.scope, '*'])) {
    for (const verb of new Set([grant.verb, '*'])) {
      for (const apiGroup of new Set([grant.apiGroup, '*'])) {
        for (const resource of new Set([grant.resource, wildcard, '*'])) {
          for (const name of new Set([grant.name, '']))
            yield keyOf([scope, verb, apiGroup, resource, name, '']);
        }
      }
    }
  }
}

function isIncluded(grant: Grant, own: string, keys: ReadonlyMap<string, Grant>): boolean {
  for (const key of grant.resource === '' ? widerUrls(grant) : widerResources(grant)) {
    if (key !== own && keys.has(key)) return true;
  }
  return false;
}

/** The same grants, sorted, without repetition and without what another of them includes. */
export function widestGrants(grants: Iterable<Grant>): Grant[] {
  const byKey = new Map<string, Grant>();
  for (const grant of grants) byKey.set(keyOfGrant(grant), grant);
  return [...byKey]
    .filter(([key, grant]) => !isIncluded(grant, key, byKey))
    .map(([, grant]) => grant)
    .sort(compareGrants);
}
