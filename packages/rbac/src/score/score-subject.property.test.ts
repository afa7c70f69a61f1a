import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ScopedRule } from '../approved/cells.ts';
import type { Cell } from '../policy.ts';
import { ALICE, permission } from '../testing/requests.ts';
import type { ClusterRole, RbacObject } from '../types.ts';
import type { KnownResource } from './built-in.ts';
import { type ScoreInput, scoreSubject } from './score-subject.ts';
import type { Sight, SightOf } from './sight.ts';
import { naiveScore } from './testing/naive-score.ts';
import { Universe } from './universe.ts';
import type { UsedCell } from './usage.ts';

const DISCOVERY: readonly KnownResource[] = [
  { apiGroup: '', resource: 'pods', isNamespaced: true, verbs: ['get', 'list', 'create'] },
  { apiGroup: '', resource: 'pods/log', isNamespaced: true, verbs: ['get'] },
  { apiGroup: '', resource: 'nodes', isNamespaced: false, verbs: ['get', 'list'] },
  { apiGroup: 'apps', resource: 'deployments', isNamespaced: true, verbs: ['get', 'list', 'create'] },
  { apiGroup: 'apps', resource: 'deployments/scale', isNamespaced: true, verbs: ['get', 'update'] },
];
const VERBS = ['get', 'list', 'create', 'update', 'use', '*'];
const NAMESPACES = ['ns1', 'ns2', 'ns3'];

const some = (values: readonly string[], maxLength = 2) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength });

const arbitraryRule: fc.Arbitrary<ScopedRule> = fc.record({
  scope: fc.constantFrom('*', ...NAMESPACES),
  rule: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record(
        {
          verbs: some(VERBS, 3),
          apiGroups: some(['', 'apps', 'x.io', '*']),
          resources: some(['pods', 'pods/log', 'nodes', 'deployments', 'things', '*', '*/log', '*/scale'], 3),
          resourceNames: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
        },
        { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        verbs: some(['get', 'post', '*']),
        nonResourceURLs: some(['/metrics', '/x/*', '/x/y', '*', '/*']),
      }),
    },
  ),
});

const arbitraryCell: fc.Arbitrary<Cell> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        fc.constantFrom('get', 'list', 'create', 'use'),
        fc.constantFrom(
          'pods',
          'pods/log',
          'nodes',
          'apps:deployments',
          'apps:deployments/scale',
          'x.io:things',
        ),
        fc.constantFrom('-', ...NAMESPACES),
        fc.constantFrom('-', 'a', 'b'),
      )
      .map((words) => permission(words.join(' '))),
  },
  { weight: 1, arbitrary: fc.constantFrom('get /metrics', 'get /x/y', 'post /x/z').map(permission) },
);

const arbitraryUsed: fc.Arbitrary<UsedCell[]> = fc.uniqueArray(
  fc.record({
    cell: arbitraryCell,
    count: fc.constant(1),
    viaRbac: fc.boolean(),
    isAnyName: fc.constantFrom(false, false, false, true),
  }),
  { maxLength: 8, selector: ({ cell }) => JSON.stringify(cell) },
);

function rbacOf(rules: readonly ScopedRule[]): RbacObject[] {
  return rules.map(({ rule }, i): ClusterRole => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `r${String(i)}` },
    rules: [rule],
  }));
}

function inputOf(
  granted: readonly ScopedRule[],
  used: readonly UsedCell[],
  others: readonly ScopedRule[] = [],
): ScoreInput {
  const universe = new Universe({
    discovery: DISCOVERY,
    namespaces: NAMESPACES,
    rbac: rbacOf([...granted, ...others]),
    used: used.map(({ cell }) => cell),
  });
  return { subject: ALICE, granted, defaults: [], used, universe };
}

const VERBS_SEEN = ['get', 'list', 'create', 'update', 'use', 'post'];

/**
 * An audit policy that hides requests by verb, resource, name and place alone: what is `hidden` wholly, one namespace
 * (`''`: requests to all of them at once), and names.
 */
const arbitrarySight: fc.Arbitrary<SightOf> = fc
  .record({
    hidden: fc.subarray(VERBS_SEEN),
    resource: fc.constantFrom('', 'pods', 'things', 'deployments/scale'),
    places: fc.subarray(['', ...NAMESPACES]),
    names: fc.subarray(['a', 'b']),
  })
  .map(({ hidden, resource, places, names }): SightOf => {
    const everywhere = ['', ...NAMESPACES, 'another'];
    return (cell, at) => {
      if (cell.resource === '') return hidden.includes(cell.verb) ? 'hidden' : 'logged';
      if (resource !== '' && cell.resource !== resource) return 'logged';
      const asked = at ?? (cell.namespace === '' ? everywhere : [cell.namespace]);
      const all = cell.name === '' ? ['a', 'b', 'another'] : [cell.name];
      const seen = asked.flatMap((place) =>
        all.map((name) => !(hidden.includes(cell.verb) || places.includes(place) || names.includes(name))),
      );
      const sights: Sight = seen.every(Boolean) ? 'logged' : seen.some(Boolean) ? 'partly' : 'hidden';
      return sights;
    };
  });

const RULES = fc.array(arbitraryRule, { maxLength: 4 });

describe('the score, for any grants and any use', () => {
  test('counts what going through every permission one by one counts', () => {
    fc.assert(
      fc.property(RULES, arbitraryUsed, (granted, used) => {
        const input = inputOf(granted, used);
        const score = scoreSubject(input);
        const naive = naiveScore(input);
        expect([score.granted, score.used]).toEqual([BigInt(naive.granted), BigInt(naive.used)]);
        expect(score.isAtLeast).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  test('is 100 if and only if every granted permission was used', () => {
    fc.assert(
      fc.property(RULES, arbitraryUsed, (granted, used) => {
        const input = inputOf(granted, used);
        const { score } = scoreSubject(input);
        const naive = naiveScore(input);
        fc.pre(score !== undefined);
        expect(score === 100).toBe(naive.used === naive.granted);
      }),
      { numRuns: 300 },
    );
  });

  test('is not raised by a further grant that is not used, and not lowered by its removal', () => {
    fc.assert(
      fc.property(RULES, arbitraryUsed, arbitraryRule, (granted, used, unused) => {
        const { universe } = inputOf(granted, used, [unused]);
        const ofRules = (rules: readonly ScopedRule[]) =>
          scoreSubject({ subject: ALICE, granted: rules, defaults: [], used, universe });
        fc.pre(ofRules([unused]).used === 0n);
        const [without, withIt] = [ofRules(granted), ofRules([...granted, unused])];
        const [lower, higher] = [withIt.score, without.score];
        fc.pre(lower !== undefined && higher !== undefined);
        expect(lower).toBeLessThanOrEqual(higher);
        expect(withIt.used).toBe(without.used);
        expect(withIt.granted).toBeGreaterThanOrEqual(without.granted);
      }),
      { numRuns: 500 },
    );
  });

  test('leaves out what is not observable, as going through every permission one by one does', () => {
    let seen = 0;
    fc.assert(
      fc.property(RULES, arbitraryUsed, arbitrarySight, (granted, used, sightOf) => {
        const input = { ...inputOf(granted, used), sightOf };
        const score = scoreSubject(input);
        const naive = naiveScore(input);
        if (naive.unobservable > 0) seen += 1;
        expect([score.granted, score.used, score.unobservable]).toEqual([
          BigInt(naive.granted),
          BigInt(naive.used),
          BigInt(naive.unobservable),
        ]);
        const judged = naive.granted - naive.unobservable;
        if (judged > 0) expect(score.score).toBe(Math.floor((naive.used * 100) / judged));
        else if (naive.unobservable > 0) expect(score.score).toBeUndefined();
      }),
      { numRuns: 400 },
    );
    expect(seen).toBeGreaterThan(50);
  });

  test('is not raised by a further unused grant where the audit policy is known', () => {
    fc.assert(
      fc.property(RULES, arbitraryUsed, arbitraryRule, arbitrarySight, (granted, used, unused, sightOf) => {
        const { universe } = inputOf(granted, used, [unused]);
        const ofRules = (rules: readonly ScopedRule[]) =>
          scoreSubject({ subject: ALICE, granted: rules, defaults: [], used, universe, sightOf });
        fc.pre(ofRules([unused]).used === 0n);
        const [lower, higher] = [ofRules([...granted, unused]).score, ofRules(granted).score];
        fc.pre(lower !== undefined && higher !== undefined);
        expect(lower).toBeLessThanOrEqual(higher);
      }),
      { numRuns: 400 },
    );
  });

  test('is what it was where everything is logged', () => {
    fc.assert(
      fc.property(RULES, arbitraryUsed, (granted, used) => {
        const input = inputOf(granted, used);
        expect(scoreSubject({ ...input, sightOf: () => 'logged' })).toEqual(scoreSubject(input));
        const { score, used: seen, sensitiveExcess } = scoreSubject({ ...input, sightOf: () => 'hidden' });
        // What was used was seen; there is nothing unused beside it.
        expect(score === undefined || score === 100).toBe(true);
        expect(seen).toBe(scoreSubject(input).used);
        expect(sensitiveExcess).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('is the same in any order of rules and uses', () => {
    fc.assert(
      fc.property(RULES, arbitraryUsed, (granted, used) => {
        const forth = inputOf(granted, used);
        const back = inputOf([...granted].reverse(), [...used].reverse());
        expect(scoreSubject(back)).toEqual(scoreSubject(forth));
      }),
    );
  });
});
