import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ScopedRule } from './approved/cells.ts';
import { isGranted, ruleOf } from './approved/cells.ts';
import { DAY_US, dayOf } from './evidence.ts';
import { arbitraryRequest, permission, request, stateOf, T0 } from './testing/requests.ts';
import type { PolicyRule, SubjectState } from './types.ts';
import { MAX_LOOKED_INTO, permissionUses } from './unused.ts';

const TODAY = dayOf(T0);

function rule(verbs: string, resources: string, more: Partial<PolicyRule> = {}): PolicyRule {
  return { verbs: verbs.split(','), apiGroups: [''], resources: resources.split(','), ...more };
}

function used(...asked: readonly (readonly [what: string, daysAgo: number])[]): SubjectState {
  const requests = asked.map(([what, daysAgo]) =>
    request({ permissions: [permission(what)], us: T0 - daysAgo * DAY_US }),
  );
  const [state] = stateOf(requests).subjects.values();
  if (!state) throw new Error('nobody asked for anything');
  return state;
}

/** `list secrets in ns1: never`. */
function told(state: SubjectState, ...granted: readonly ScopedRule[]): string[] {
  return permissionUses(state, granted).permissions.map(({ verb, resource, namespace, lastDay }) => {
    const when = lastDay === undefined ? 'never' : `${TODAY - lastDay} days ago`;
    return `${verb} ${resource} in ${namespace === '' ? '*' : namespace}: ${when}`;
  });
}

describe('the use of what is held', () => {
  test('is the last day on which it was used, whatever the name', () => {
    const state = used(['get pods ns1 a', 7], ['get pods ns1 b', 3], ['get pods ns2 c', 1]);
    expect(told(state, { scope: 'ns1', rule: rule('get,list', 'pods') })).toEqual([
      'get pods in ns1: 3 days ago',
      'list pods in ns1: never',
    ]);
    expect(told(state, { scope: '*', rule: rule('get', 'pods', { resourceNames: ['zzz'] }) })).toEqual([
      'get pods in *: 1 days ago',
    ]);
  });

  test('is never one of another verb, group, resource, subresource or namespace', () => {
    const state = used(['get pods ns1 a', 1], ['get pods/log ns1 a', 1], ['list apps:deployments ns1', 1]);
    const granted = [
      { scope: 'ns2', rule: rule('get', 'pods') },
      { scope: 'ns1', rule: rule('get', 'secrets,pods/exec,pods/*') },
      { scope: 'ns1', rule: rule('list', 'deployments') },
    ];
    expect(told(state, ...granted).every((each) => each.endsWith('never'))).toBe(true);
  });

  test('of a wide permission is that of all in it', () => {
    const state = used(['get pods ns1 a', 4], ['get pods/log ns1 a', 2], ['list secrets - -', 9]);
    expect(told(state, { scope: '*', rule: rule('*', 'pods,*/log,*/status,secrets') })).toEqual([
      '* pods in *: 4 days ago',
      '* */log in *: 2 days ago',
      '* */status in *: never',
      '* secrets in *: 9 days ago',
    ]);
    expect(told(state, { scope: '*', rule: rule('get', '*', { apiGroups: ['*'] }) })).toEqual([
      'get * in *: 2 days ago',
    ]);
    // A request to the whole cluster is allowed by no RoleBinding.
    expect(told(state, { scope: 'ns1', rule: rule('list', 'secrets') })).toEqual([
      'list secrets in ns1: never',
    ]);
  });

  test('counts what a request needs besides, and requests whose names are too many to keep', () => {
    expect(
      told(used(['get pods/exec ns1 a', 1]), { scope: 'ns1', rule: rule('create', 'pods/exec') }),
    ).toEqual(['create pods/exec in ns1: 1 days ago']);
    const flood = Array.from({ length: 400 }, (_, n) => [`get secrets ns1 s${n}`, n === 3 ? 0 : 5] as const);
    expect(told(used(...flood), { scope: 'ns1', rule: rule('get', 'secrets') })).toEqual([
      'get secrets in ns1: 0 days ago',
    ]);
  });

  test('of URLs is nothing that is told here, and a permission that two rules give is told once', () => {
    const state = used(['get /metrics', 1], ['get pods ns1 a', 1]);
    const urls: PolicyRule = { verbs: ['get'], nonResourceURLs: ['/metrics'] };
    const both = rule('get', 'pods');
    expect(
      told(state, { scope: '*', rule: urls }, { scope: '*', rule: both }, { scope: '*', rule: both }),
    ).toEqual(['get pods in *: 1 days ago']);
  });

  test('counts what it does not look into', () => {
    const wide = rule('get,list', Array.from({ length: MAX_LOOKED_INTO }, (_, n) => `r${n}`).join(','));
    const uses = permissionUses(used(['get pods ns1 a', 1]), [{ scope: '*', rule: wide }]);
    expect([uses.permissions.length, uses.more]).toEqual([MAX_LOOKED_INTO, MAX_LOOKED_INTO]);
  });

  test('is known of every permission that some counted request needed', () => {
    const granted: fc.Arbitrary<ScopedRule> = fc.record({
      scope: fc.constantFrom('*', 'ns1', 'ns2'),
      rule: fc.record({
        verbs: fc.uniqueArray(fc.constantFrom('get', 'list', 'create', '*'), { minLength: 1 }),
        apiGroups: fc.uniqueArray(fc.constantFrom('', 'apps', '*'), { minLength: 1 }),
        resources: fc.uniqueArray(fc.constantFrom('pods', 'secrets', 'deployments', '*', '*/log'), {
          minLength: 1,
        }),
      }),
    });
    fc.assert(
      fc.property(fc.array(arbitraryRequest, { minLength: 1, maxLength: 12 }), granted, (requests, each) => {
        for (const state of stateOf(requests).subjects.values()) {
          for (const { lastDay, namespace, ...of } of permissionUses(state, [each]).permissions) {
            if (lastDay !== undefined) continue;
            const scope = namespace === '' ? '*' : namespace;
            const alone = { verbs: [of.verb], apiGroups: [of.apiGroup], resources: [of.resource] };
            for (const { need, outcome } of requests.filter(
              (one) => one.need.subject.name === state.subject.name,
            )) {
              for (const cell of outcome === 'allowed' ? need.permissions : []) {
                expect(isGranted([ruleOf(cell)], [{ scope, rule: alone }])).toBe(false);
              }
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
