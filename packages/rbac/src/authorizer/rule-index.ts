import type { Permission } from '@leastwise/audit-event';

import type { PolicyRule } from '../types.ts';

/** Exact values; `undefined` stands for `*`. */
type Matcher = ReadonlySet<string> | undefined;

interface ResourceMatcher {
  readonly verbs: Matcher;
  readonly groups: Matcher;
  /** `undefined`: any name, and none. */
  readonly names: Matcher;
}

function matcher(values: readonly string[] | undefined): Matcher {
  return values?.includes('*') ? undefined : new Set(values);
}

function matches(values: Matcher, value: string): boolean {
  return values === undefined || values.has(value);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function withoutStars(pattern: string): string {
  let end = pattern.length;
  while (end > 0 && pattern[end - 1] === '*') end -= 1;
  return pattern.slice(0, end);
}

/**
 * The rules of one role, indexed by what they name: linear in the rules' size, and a request looks at
 * the rules on its own resource or path only.
 */
export class RuleIndex {
  readonly #byResource = new Map<string, ResourceMatcher[]>();
  /** Saves most roles a look-up of a text that has to be put together first. */
  #hasSubresourceWildcard = false;
  readonly #byUrl = new Map<string, Matcher[]>();
  readonly #urlPrefixes: { readonly prefix: string; readonly verbs: Matcher }[] = [];

  constructor(rules: readonly PolicyRule[]) {
    for (const rule of rules) this.#add(rule);
  }

  #add(rule: PolicyRule): void {
    const verbs = matcher(rule.verbs);
    const names =
      rule.resourceNames && rule.resourceNames.length > 0 ? new Set(rule.resourceNames) : undefined;
    const compiled = { verbs, groups: matcher(rule.apiGroups), names };
    for (const resource of new Set(rule.resources)) {
      push(this.#byResource, resource, compiled);
      if (resource.startsWith('*/')) this.#hasSubresourceWildcard = true;
    }
    for (const url of new Set(rule.nonResourceURLs)) {
      if (url.endsWith('*')) this.#urlPrefixes.push({ prefix: withoutStars(url), verbs });
      else push(this.#byUrl, url, verbs);
    }
  }

  /**
   * Whether a rule allows a resource request: verb and group exact or `*`; resource exact, or `*`, which
   * includes subresources, or `*` and its very subresource; name among the resourceNames, if there are any.
   * @see kubernetes pkg/apis/rbac/v1/evaluation_helpers.go
   */
  allowsResource(permission: Permission): boolean {
    const { resource } = permission;
    if (this.#allowsAs(resource, permission) || this.#allowsAs('*', permission)) return true;
    if (!this.#hasSubresourceWildcard) return false;
    const slash = resource.indexOf('/');
    return (
      slash >= 0 && slash + 1 < resource.length && this.#allowsAs(`*${resource.slice(slash)}`, permission)
    );
  }

  #allowsAs(listed: string, { verb, apiGroup, name }: Permission): boolean {
    const rules = this.#byResource.get(listed);
    if (!rules) return false;
    for (const rule of rules) {
      if (matches(rule.verbs, verb) && matches(rule.groups, apiGroup) && matches(rule.names, name))
        return true;
    }
    return false;
  }

  /** Whether a rule allows a non-resource request: verb exact or `*`; path exact or under a trailing `*`. */
  allowsUrl({ verb, path }: Permission): boolean {
    if (this.#byUrl.get(path)?.some((verbs) => matches(verbs, verb))) return true;
    return this.#urlPrefixes.some(({ prefix, verbs }) => path.startsWith(prefix) && matches(verbs, verb));
  }
}
