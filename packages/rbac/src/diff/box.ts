import type { PolicyRule } from '../types.ts';

/**
 * What one rule grants on resources, as the product of its lists without repetition; `*` in a list stands alone.
 */
export interface ResourceBox {
  /** `*` for the whole cluster, else one namespace. */
  readonly scope: string;
  readonly groups: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  readonly verbs: ReadonlySet<string>;
  /** Empty: any name, and none. */
  readonly names: ReadonlySet<string>;
}

/** What one rule grants on URLs, cluster-wide. */
export interface UrlBox {
  readonly verbs: ReadonlySet<string>;
  /** Paths, or prefixes that end in one `*`. */
  readonly urls: ReadonlySet<string>;
}

/** Everything that a subject is granted, in boxes. */
export interface Boxes {
  readonly resources: readonly ResourceBox[];
  readonly urls: readonly UrlBox[];
}

function unlessStar(values: readonly string[] | undefined): ReadonlySet<string> {
  return new Set(values?.includes('*') ? ['*'] : values);
}

/** The wildcard that includes a subresource, `*` and its own path; `undefined` for a resource. */
export function subresourceWildcard(resource: string): string | undefined {
  const slash = resource.indexOf('/');
  return slash < 0 ? undefined : `*${resource.slice(slash)}`;
}

function oneStar(url: string): string {
  let end = url.length;
  while (end > 1 && url[end - 1] === '*' && url[end - 2] === '*') end -= 1;
  return url.slice(0, end);
}

/** Whether a path or prefix includes another, as the API server's escalation check has it. */
export function urlCovers(owner: string, url: string): boolean {
  return owner === url || (owner.endsWith('*') && url.startsWith(owner.slice(0, -1)));
}

/** Turns rules with their scopes into boxes. URLs count where the whole cluster is granted only. */
export function boxesOf(granted: Iterable<{ readonly scope: string; readonly rule: PolicyRule }>): Boxes {
  const resources: ResourceBox[] = [];
  const urls: UrlBox[] = [];
  for (const { scope, rule } of granted) {
    const verbs = unlessStar(rule.verbs);
    resources.push({
      scope,
      groups: unlessStar(rule.apiGroups),
      resources: unlessStar(rule.resources),
      verbs,
      names: new Set(rule.resourceNames),
    });
    if (scope === '*') urls.push({ verbs, urls: new Set((rule.nonResourceURLs ?? []).map(oneStar)) });
  }
  return { resources, urls };
}
