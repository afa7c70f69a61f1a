import type { ScopedRule } from '../../approved/cells.ts';
import type { Cell } from '../../policy.ts';
import type { PolicyRule } from '../../types.ts';
import type { ScoreInput } from '../score-subject.ts';
import type { Universe, UniverseResource } from '../universe.ts';

interface Atom {
  /** Says which permission it is. */
  readonly key: string;
  readonly isUsed: boolean;
}

function has(values: readonly string[] | undefined, value: string): boolean {
  return values?.some((each) => each === '*' || each === value) ?? false;
}

function names(rule: PolicyRule, { apiGroup, resource }: UniverseResource): boolean {
  const slash = resource.indexOf('/');
  const wildcard = slash < 0 ? '*' : `*${resource.slice(slash)}`;
  return has(rule.apiGroups, apiGroup) && [resource, wildcard].some((each) => has(rule.resources, each));
}

function places(resource: UniverseResource, scope: string, universe: Universe): readonly string[] {
  if (!resource.isNamespaced) return scope === '*' ? [''] : [];
  return scope === '*' ? [...universe.namespaces] : [scope];
}

function isPlace(cell: Cell, place: string, scope: string): boolean {
  return place === '' || cell.namespace === place || (scope === '*' && cell.namespace === '');
}

function* resourceAtoms({ scope, rule }: ScopedRule, { universe, used }: ScoreInput): Generator<Atom> {
  for (const resource of universe.resources) {
    if (!names(rule, resource)) continue;
    for (const verb of resource.verbs) {
      if (!has(rule.verbs, verb)) continue;
      for (const place of places(resource, scope, universe)) {
        const listed = rule.resourceNames ?? [];
        for (const name of listed.length === 0 ? [undefined] : listed) {
          const isUsed = used.some(
            ({ cell, isAnyName }) =>
              cell.apiGroup === resource.apiGroup &&
              cell.resource === resource.resource &&
              cell.verb === verb &&
              (name === undefined || isAnyName || cell.name === name) &&
              isPlace(cell, place, scope),
          );
          const { apiGroup } = resource;
          yield { key: JSON.stringify([apiGroup, resource.resource, verb, place, name ?? null]), isUsed };
        }
      }
    }
  }
}

function* urlAtoms({ scope, rule }: ScopedRule, { universe, used }: ScoreInput): Generator<Atom> {
  if (scope !== '*') return;
  for (const listed of rule.nonResourceURLs ?? []) {
    for (const url of listed === '*' || listed === '/*' ? universe.urls : [listed]) {
      for (const verb of rule.verbs.includes('*') ? universe.urlVerbs : rule.verbs) {
        const isUsed = used.some(({ cell }) => {
          if (cell.resource !== '' || cell.verb !== verb) return false;
          return url.endsWith('*') ? cell.path.startsWith(url.slice(0, -1)) : cell.path === url;
        });
        yield { key: JSON.stringify([verb, url]), isUsed };
      }
    }
  }
}

/** A second counter, which goes through every permission of a small universe one by one. No defaults. */
export function naiveScore(input: ScoreInput): { readonly granted: number; readonly used: number } {
  const granted = new Set<string>();
  const used = new Set<string>();
  for (const rule of input.granted) {
    for (const { key, isUsed } of [...resourceAtoms(rule, input), ...urlAtoms(rule, input)]) {
      granted.add(key);
      if (isUsed) used.add(key);
    }
  }
  return { granted: granted.size, used: used.size };
}
