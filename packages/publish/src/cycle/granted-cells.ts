import type { Cell, GrantedRule, PolicyRule } from '@leastwise/rbac';

/** A rule, and where it holds. */
export type ScopedRule = Pick<GrantedRule, 'scope' | 'rule'>;

/** What rules multiply to, each in the one place in which it holds. */
export function* grantedCells(granted: readonly ScopedRule[]): Generator<Cell> {
  for (const { scope, rule } of granted) {
    const namespace = scope === '*' ? '' : scope;
    for (const verb of rule.verbs) {
      for (const apiGroup of rule.apiGroups ?? []) {
        for (const resource of rule.resources ?? []) {
          for (const name of namesIn(rule)) yield { verb, apiGroup, resource, namespace, name, path: '' };
        }
      }
      for (const path of urlsIn({ scope, rule })) {
        yield { verb, apiGroup: '', resource: '', namespace: '', name: '', path };
      }
    }
  }
}

/** How many cells {@link grantedCells} gives for one rule. */
export function grantSize({ scope, rule }: ScopedRule): number {
  const targets = (rule.apiGroups?.length ?? 0) * (rule.resources?.length ?? 0) * namesIn(rule).length;
  return rule.verbs.length * (targets + urlsIn({ scope, rule }).length);
}

function namesIn({ resourceNames = [] }: PolicyRule): readonly string[] {
  return resourceNames.length === 0 ? [''] : resourceNames;
}

/** No RoleBinding grants a URL. */
function urlsIn({ scope, rule }: ScopedRule): readonly string[] {
  return scope === '*' ? (rule.nonResourceURLs ?? []) : [];
}
