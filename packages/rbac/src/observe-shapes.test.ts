import type { CountedRequest } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { observe, type Observations, type ObserveOptions } from './observe.ts';
import { APP, binding, permission, request, T0 } from './testing/requests.ts';

/** What every request of one shape says. */
const habit = fc.record({
  subject: fc.constantFrom(APP, { ...APP, name: 'x'.repeat(5000) }),
  verb: fc.constantFrom('get', 'list', 'create'),
  resource: fc.constantFrom('pods', 'secrets', 'apps:deployments'),
  namespace: fc.constantFrom('ns1', 'ns2', '-'),
  name: fc.nat(400),
  outcome: fc.constantFrom('allowed', 'denied'),
  group: fc.constantFrom('', 'devs'),
  granted: fc.constantFrom('', 'ns1/a Role/r', '/b ClusterRole/r'),
  extra: fc.constantFrom('', 'impersonation', 'life'),
});

type Drawn = typeof habit extends fc.Arbitrary<infer T> ? T : never;
type Habit = Omit<Drawn, 'resource'> & { readonly resource: string };

function requestOf(each: Habit, us: number, cluster: string, shape: object | undefined): CountedRequest {
  const asked = permission(`${each.verb} ${each.resource} ${each.namespace} n${each.name}`);
  const life = { namespace: 'ns1', change: 'deleted' } as const;
  const made = request({
    cluster,
    subject: each.subject,
    permissions: each.verb === 'create' ? [asked, { ...asked, verb: 'update' }] : [asked],
    outcome: each.outcome,
    us,
    auditID: `a${us % 7}`,
    grantingGroup: each.group,
    grantingBinding: each.granted === '' ? undefined : binding(each.granted),
    namespaceLife: each.extra === 'life' && each.outcome === 'allowed' ? life : undefined,
  });
  const impersonation = each.extra === 'impersonation' ? { ...made.need, subject: APP } : undefined;
  return { ...made, impersonation, shape };
}

/** The tokens of requests that differ in names only. */
function createPatterns(): (each: Habit) => object | undefined {
  const patterns = new Map<string, object>();
  return (each) => {
    const key = JSON.stringify({ ...each, name: 0 });
    const pattern = patterns.get(key) ?? {};
    patterns.set(key, pattern);
    return each.extra === 'impersonation' ? undefined : pattern;
  };
}

function observed(
  requests: readonly CountedRequest[],
  isNew: readonly boolean[],
  options: ObserveOptions,
): Observations[] {
  // Two batches, as a worker makes them: what was remembered in the first is of no use in the second.
  const batches = [0, 1].map((): Observations => new Map());
  requests.forEach((each, i) => {
    const batch = batches[i * 2 < requests.length ? 0 : 1];
    if (batch) observe(batch, each, isNew[i] ?? true, options);
  });
  return batches;
}

describe('requests that share a shape', () => {
  test('make the same of the state as if nobody knew that they do', () => {
    let repeats = 0;
    fc.assert(
      fc.property(
        fc.array(habit, { minLength: 1, maxLength: 6 }),
        fc.array(
          fc.record({
            which: fc.nat(),
            us: fc.nat(3 * 86_400_000_000),
            isNew: fc.boolean(),
            cluster: fc.constantFrom('default', 'other'),
          }),
          { minLength: 30, maxLength: 120 },
        ),
        fc.constantFrom('denied', 'allowed'),
        fc.boolean(),
        (few, steps, deniedAs, hasPatterns) => {
          const habits = few.flatMap((each) => [each, { ...each, name: each.name + 1 }]);
          const shapes = habits.map(() => ({}));
          const patternOf = createPatterns();
          const made = (isKnown: boolean): CountedRequest[] =>
            steps.map(({ which, us, cluster }) => {
              const place = which % habits.length;
              const habit = habits[place] as Habit;
              const shape = isKnown ? shapes[place] : undefined;
              const pattern = isKnown && hasPatterns ? patternOf(habit) : undefined;
              return { ...requestOf(habit, T0 + us, cluster, shape), pattern };
            });
          const isNew = steps.map((each) => each.isNew);
          repeats += Math.max(steps.length - habits.length, 0);
          expect(observed(made(true), isNew, { deniedAs })).toEqual(
            observed(made(false), isNew, { deniedAs }),
          );
        },
      ),
      { numRuns: 300 },
    );
    expect(repeats).toBeGreaterThan(1000);
  });

  // More names than a rule keeps, and more refused rules than a set keeps: what was remembered has had to leave.
  test.each(['allowed', 'denied'] as const)(
    'that are %s also where caps push out what was remembered',
    (outcome) => {
      const habits = Array.from({ length: 700 }, (_, i): Habit => ({
        subject: APP,
        verb: 'get',
        resource: i % 2 === 0 ? 'pods' : `apps:kind${i % 120}`,
        namespace: 'ns1',
        name: i,
        outcome,
        group: '',
        granted: i % 3 === 0 ? '/b ClusterRole/r' : '',
        extra: '',
      }));
      const shapes = habits.map(() => ({}));
      const patternOf = createPatterns();
      const order = [...habits.keys(), ...habits.keys(), ...[...habits.keys()].reverse()];
      const made = (isKnown: boolean): CountedRequest[] =>
        order.map((place, i) => {
          const habit = habits[place] as Habit;
          const shape = isKnown ? shapes[place] : undefined;
          const pattern = isKnown ? patternOf(habit) : undefined;
          return { ...requestOf(habit, T0 + i, 'default', shape), pattern };
        });
      const options = { deniedAs: 'denied' } as const;
      expect(observed(made(true), [], options)).toEqual(observed(made(false), [], options));
    },
  );
});
