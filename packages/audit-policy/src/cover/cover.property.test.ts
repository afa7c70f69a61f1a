import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { shadows } from '../lint/checks/w01-shadowed.ts';
import { matchPolicy } from '../match/match-policy.ts';
import { of, policy, rule } from '../testing/build.ts';
import type { AuditPolicy, AuditRule, RequestAttributes, Requester } from '../types.ts';
import { boxesOf, EVERYTHING } from './box.ts';
import { type Coverage, coverageOf } from './cover.ts';

const shadowOf = (made: AuditPolicy, index: number): Coverage =>
  shadows(made)[index] ?? { verdict: 'open', by: [] };

const some = <T>(...values: T[]): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<T[]>([]) },
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }),
  );

const who = {
  users: some('u1', 'u2', '*'),
  userGroups: some('g1', 'g2', 'system:authenticated', 'system:unauthenticated'),
  verbs: some('get', 'list', '*'),
};
const group = fc
  .record({
    group: fc.constantFrom('', 'apps', '*'),
    resources: some('pods', 'pods/log', 'pods/*', '*/log', '*', '*/*', 'nodes', 'a/b/c'),
    resourceNames: some('n1', '*'),
  })
  .map((each) => (each.resources.length === 0 ? { ...each, resourceNames: [] } : each));
const resourceRule = fc.record({
  ...who,
  namespaces: some('', 'ns1', '*'),
  resources: fc.array(group, { maxLength: 2 }),
});
const urlRule = fc.record({ ...who, nonResourceURLs: some('*', '/a', '/a*', '/a/b', '/a/*', '/') });
const rules: fc.Arbitrary<AuditRule[]> = fc.array(
  fc.oneof(resourceRule, urlRule).map((fields) => rule(fields)),
  { minLength: 1, maxLength: 6 },
);

const USERS: readonly (Requester | undefined)[] = [
  undefined,
  ...['u1', 'u2', 'other'].flatMap((username) =>
    ['system:authenticated', 'system:unauthenticated'].flatMap((base) =>
      [[], ['g1'], ['g2'], ['g1', 'g2'], ['g3']].map((more) => ({ username, groups: [base, ...more] })),
    ),
  ),
];
const VERBS = ['get', 'list', 'other'];
const RESOURCES: Partial<RequestAttributes>[] = ['', 'apps', 'other'].flatMap((apiGroup) =>
  ['pods', 'nodes', 'other', 'a'].flatMap((resource) =>
    ['', 'log', 'other', 'b'].flatMap((subresource) =>
      ['', 'ns1', 'other'].flatMap((namespace) =>
        ['', 'n1', 'other'].map((name) => ({
          isResourceRequest: true,
          apiGroup,
          resource,
          subresource,
          namespace,
          name,
        })),
      ),
    ),
  ),
);
const PATHS: Partial<RequestAttributes>[] = ['/', '/a', '/ax', '/a/', '/a/b', '/a/c', '/other'].map(
  (path) => ({ isResourceRequest: false, path }),
);
const NONE = {
  apiGroup: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  path: '',
  isResourceRequest: true,
};
/** Every request of a small world, in which nothing is called `*`. */
const WORLD: readonly RequestAttributes[] = USERS.flatMap((user) =>
  VERBS.flatMap((verb) => [...RESOURCES, ...PATHS].map((what) => ({ ...NONE, ...what, user, verb }))),
);

/** The rules that decide about something in the world. */
function decidersOf(made: AuditPolicy): Set<number | undefined> {
  return new Set(WORLD.map((each) => matchPolicy(made, each).rule));
}

describe('a small world, looked through request by request', () => {
  test('agrees on which rules are never reached', { timeout: 120_000 }, () => {
    const seen = { dead: 0, alive: 0 };
    fc.assert(
      fc.property(rules, (list) => {
        const made = policy(list);
        const deciders = decidersOf(made);
        for (const index of list.keys()) {
          const verdict = shadowOf(made, index).verdict;
          expect(verdict, JSON.stringify(list)).toBe(deciders.has(index) ? 'open' : 'covered');
          seen[deciders.has(index) ? 'alive' : 'dead'] += 1;
        }
        const catchesAll = coverageOf(EVERYTHING, made.rules.flatMap(boxesOf)).verdict === 'covered';
        expect(catchesAll).toBe(!deciders.has(undefined));
      }),
      { numRuns: 100 },
    );
    expect(Math.min(seen.dead, seen.alive)).toBeGreaterThan(20);
  });

  test('agrees that the rules named shadow by themselves', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(rules, (list) => {
        for (const index of list.keys()) {
          const { verdict, by } = shadowOf(policy(list), index);
          if (verdict !== 'covered') continue;
          expect(by.every((each) => each < index)).toBe(true);
          const alone = policy(list.filter((_, i) => by.includes(i) || i === index));
          expect(decidersOf(alone).has(by.length)).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('paths', () => {
  test.each([
    [['/healthz*'], '/healthz/etcd', true],
    [['/healthz'], '/healthz*', false],
    [['/healthz*'], '/healthz*', true],
    [['/a*'], '/a/b*', true],
    [['/a/*', '/a'], '/a*', false],
    [['*'], '/x', true],
  ])('%j hold %s: %s', (earlier, path, isHeld) => {
    const made = policy([{ nonResourceURLs: earlier }, { nonResourceURLs: [path] }]);
    expect(shadowOf(made, 1).verdict).toBe(isHeld ? 'covered' : 'open');
  });
});

test('what is too much to tell is undecided, not covered', () => {
  const boxes = policy([{ verbs: ['get'] }, { users: ['u1'] }]).rules.flatMap(boxesOf);
  expect(coverageOf(EVERYTHING, boxes, { steps: 3 }).verdict).toBe('undecided');
});

test('many rules of many values take few steps', () => {
  const names = Array.from({ length: 60 }, (_, i) => `r${i}`);
  const many = names.map((name, i) => ({
    users: [`u${i}`],
    verbs: ['get', 'list'],
    resources: [of([name, `${name}/status`], `g${i % 7}`)],
  }));
  const made = policy([...many, {}, { users: ['u3'], verbs: ['get'] }]);
  expect(shadowOf(made, 60).verdict).toBe('open');
  expect(shadowOf(made, 61)).toEqual({ verdict: 'covered', by: [60] });
});
