import type { ScopedRule } from '../approved/cells.ts';
import type { PolicyRule } from '../types.ts';

/** Where a rule holds: in the whole cluster, or in some namespaces. */
export interface Scopes {
  readonly isCluster: boolean;
  readonly namespaces: ReadonlySet<string>;
}

/** A rule with all the places in which it holds. */
export interface SpreadRule {
  readonly rule: PolicyRule;
  readonly scopes: Scopes;
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** The rule with its lists sorted, so that rules that say the same are the same. */
function canonical(rule: PolicyRule): PolicyRule {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  return {
    ...(apiGroups ? { apiGroups: sorted(apiGroups) } : {}),
    ...(resources ? { resources: sorted(resources) } : {}),
    ...(resourceNames && resourceNames.length > 0 ? { resourceNames: sorted(resourceNames) } : {}),
    ...(nonResourceURLs ? { nonResourceURLs: sorted(nonResourceURLs) } : {}),
    verbs: sorted(verbs),
  };
}

/** Rules that say the same, each once, with sorted lists and all their scopes: what is bound in many namespaces is looked at once. */
export function spreadRules(granted: Iterable<ScopedRule>): SpreadRule[] {
  const byObject = new Map<PolicyRule, Set<string>>();
  for (const { scope, rule } of granted) {
    const scopes = byObject.get(rule);
    if (scopes) scopes.add(scope);
    else byObject.set(rule, new Set([scope]));
  }
  const byContent = new Map<string, { rule: PolicyRule; scopes: Set<string> }>();
  for (const [rule, scopes] of byObject) {
    const own = canonical(rule);
    const key = JSON.stringify(own);
    const same = byContent.get(key);
    if (same) for (const scope of scopes) same.scopes.add(scope);
    else byContent.set(key, { rule: own, scopes });
  }
  return [...byContent]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { rule, scopes }]) => {
      const namespaces = new Set([...scopes].filter((scope) => scope !== '*'));
      return { rule, scopes: { isCluster: scopes.has('*'), namespaces } };
    });
}
