import type { ScopedRule } from '../../approved/cells.ts';
import type { Cell } from '../../policy.ts';
import type { PolicyRule } from '../../types.ts';
import type { ScoreInput } from '../score-subject.ts';
import type { Universe, UniverseResource } from '../universe.ts';

interface Atom {
  /** Says which permission it is. */
  readonly key: string;
  readonly isUsed: boolean;
  /** Whether every use by this grant would have been logged. */
  readonly isSeen: boolean;
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

function* resourceAtoms(
  { scope, rule }: ScopedRule,
  { universe, used, sightOf }: ScoreInput,
): Generator<Atom> {
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
          const cell = {
            ...{ verb, apiGroup, resource: resource.resource, name: name ?? '', path: '' },
            namespace: '',
          };
          const isOfAll = scope === '*' && place !== '' && ['list', 'watch'].includes(verb);
          const isSeen = [place, ...(isOfAll ? [''] : [])].every(
            (each) => sightOf === undefined || sightOf(cell, [each]) === 'logged',
          );
          yield {
            key: JSON.stringify([apiGroup, resource.resource, verb, place, name ?? null]),
            isUsed,
            isSeen,
          };
        }
      }
    }
  }
}

function* urlAtoms({ scope, rule }: ScopedRule, { universe, used, sightOf }: ScoreInput): Generator<Atom> {
  if (scope !== '*') return;
  for (const listed of rule.nonResourceURLs ?? []) {
    for (const url of listed === '*' || listed === '/*' ? universe.urls : [listed]) {
      for (const verb of rule.verbs.includes('*') ? universe.urlVerbs : rule.verbs) {
        const isUsed = used.some(({ cell }) => {
          if (cell.resource !== '' || cell.verb !== verb) return false;
          return url.endsWith('*') ? cell.path.startsWith(url.slice(0, -1)) : cell.path === url;
        });
        const cell = { verb, apiGroup: '', resource: '', namespace: '', name: '', path: url };
        const isSeen = sightOf === undefined || sightOf(cell) === 'logged';
        yield { key: JSON.stringify([verb, url]), isUsed, isSeen };
      }
    }
  }
}

/** A second counter, which goes through every permission of a small universe one by one. No defaults. */
export function naiveScore(input: ScoreInput): {
  readonly granted: number;
  readonly used: number;
  readonly unobservable: number;
} {
  const granted = new Set<string>();
  const used = new Set<string>();
  const seen = new Set<string>();
  for (const rule of input.granted) {
    for (const { key, isUsed, isSeen } of [...resourceAtoms(rule, input), ...urlAtoms(rule, input)]) {
      granted.add(key);
      if (isUsed) used.add(key);
      if (isSeen) seen.add(key);
    }
  }
  const open = [...granted].filter((key) => !used.has(key));
  return {
    granted: granted.size,
    used: used.size,
    unobservable: open.filter((key) => !seen.has(key)).length,
  };
}
