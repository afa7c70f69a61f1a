import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { permission } from '../../testing/requests.ts';
import {
  explainFirstSeen,
  firstSeenKeyOf,
  type FirstSeenState,
  forgetBefore,
  HORIZON_DAYS,
  MAX_KEYS,
  mergeFirstSeen,
  newFirstSeenState,
  observeFirstSeen,
  SETTLING_DAYS,
} from './first-seen.ts';

function stateOf(seen: readonly (readonly [key: string, day: number])[]): FirstSeenState {
  const state = newFirstSeenState();
  for (const [key, day] of seen) observeFirstSeen(state, key, day);
  return state;
}

describe('what a subject does for the first time', () => {
  test('is told from its eighth day on', () => {
    const state = stateOf([['get pods', 100]]);
    expect(observeFirstSeen(state, 'get secrets', 100 + SETTLING_DAYS - 1)).toBe('settling');
    expect(observeFirstSeen(state, 'get secrets', 100 + SETTLING_DAYS)).toBe('known');
    expect(observeFirstSeen(state, 'list secrets', 100 + SETTLING_DAYS)).toBe('first-seen');
    expect(observeFirstSeen(state, 'list secrets', 100 + SETTLING_DAYS)).toBe('known');
  });

  test('is new again when it was not seen for longer than the horizon', () => {
    const state = stateOf([['get pods', 100]]);
    expect(observeFirstSeen(state, 'get pods', 100 + HORIZON_DAYS)).toBe('known');
    expect(observeFirstSeen(state, 'get pods', 101 + 2 * HORIZON_DAYS)).toBe('first-seen');
  });

  test('is nothing that came late', () => {
    const state = stateOf([
      ['get pods', 100],
      ['get secrets', 120],
    ]);
    expect(observeFirstSeen(state, 'get secrets', 110)).toBe('known');
    expect(state.days.get('get secrets')).toBe(120);
    expect(observeFirstSeen(state, 'delete pods', 90)).toBe('settling');
  });

  test('is bounded in number: what the cap forgot is unknown, not new', () => {
    const state = stateOf([['get pods', 1]]);
    for (let i = 0; i < 3 * MAX_KEYS; i += 1) observeFirstSeen(state, `get things-${i}`, 20);
    expect(state.days.size).toBe(MAX_KEYS);
    expect(state.overflowDay).toBe(20);
    const verdicts = Array.from({ length: 50 }, (_, i) => observeFirstSeen(state, `get new-${i}`, 21));
    expect(new Set(verdicts)).toEqual(new Set(['unknown']));
    // A month after the flood there is room again.
    expect(observeFirstSeen(state, 'get new', 21 + HORIZON_DAYS + 1)).toBe('first-seen');
  });

  test('is made room for by what is older than the horizon, without an overflow', () => {
    const state = newFirstSeenState();
    for (let i = 0; i < MAX_KEYS; i += 1) observeFirstSeen(state, `k${i}`, 1);
    expect(observeFirstSeen(state, 'later', 40)).toBe('first-seen');
    expect([state.days.size, state.overflowDay]).toEqual([1, -Infinity]);
  });
});

test('a cap that was reached before is kept after what is old was forgotten', () => {
  const state = newFirstSeenState();
  const sizes = new Set<number>();
  for (const day of [20, 60, 61, 120]) {
    for (let i = 0; i < MAX_KEYS + 300; i += 1) {
      observeFirstSeen(state, `${day}-${i}`, day);
      sizes.add(state.days.size);
    }
  }
  expect(Math.max(...sizes)).toBe(MAX_KEYS);
  expect(Math.min(...state.days.values())).toBe(120);
});

describe('merging', () => {
  const days = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 1500 }).map((n) => `k${n}`),
      fc.nat(20),
    ),
    {
      maxLength: 1800,
    },
  );

  test('is the same in any order and any parts, beyond the cap too', () => {
    fc.assert(
      fc.property(days, days, (some, others) => {
        const whole = stateOf([...some, ...others]);
        const left = stateOf(some);
        mergeFirstSeen(left, stateOf(others));
        const right = stateOf(others);
        mergeFirstSeen(right, stateOf(some));
        const keysOf = (state: FirstSeenState): string[] => [...state.days.keys()].sort();
        expect(keysOf(left)).toEqual(keysOf(whole));
        expect(new Map([...left.days].sort())).toEqual(new Map([...right.days].sort()));
        expect([left.firstDay, left.overflowDay >= 0]).toEqual([whole.firstDay, whole.overflowDay >= 0]);
      }),
      { numRuns: 30 },
    );
  });

  test('with nothing changes nothing', () => {
    const state = stateOf([['get pods', 3]]);
    mergeFirstSeen(state, newFirstSeenState());
    expect(state).toEqual(stateOf([['get pods', 3]]));
  });

  test('what is forgotten is what is old', () => {
    const state = stateOf([
      ['a', 3],
      ['b', 4],
    ]);
    forgetBefore(state, 4);
    expect([...state.days]).toEqual([['b', 4]]);
  });
});

describe('the key of a request', () => {
  test('is verb and resource of an allowed one, and classes of a refused one', () => {
    expect(firstSeenKeyOf(permission('get apps:deployments'), 'allowed')).toBe('get apps/deployments');
    expect(firstSeenKeyOf(permission('create pods/exec'), 'allowed')).toBe('create pods/exec');
    expect(firstSeenKeyOf(permission('get apps:deployments'), 'denied')).toBe('denied read workloads');
    expect(firstSeenKeyOf(permission('get made-up:things'), 'denied')).toBe('denied read custom');
  });

  test('is of a bounded length, and one for all paths', () => {
    expect(firstSeenKeyOf(permission(`get x:${'y'.repeat(5000)}`), 'allowed').length).toBeLessThan(100);
    expect(firstSeenKeyOf(permission('get /metrics'), 'allowed')).toBe('get non-resource');
  });
});

test('the sentence says since when the subject is known', () => {
  const state = stateOf([
    ['a', 3],
    ['b', 4],
  ]);
  expect(explainFirstSeen('alice', 'get secrets', state, 40)).toBe(
    'alice: get secrets, for the first time in 30 days; known since 37 days, with 2 other things done',
  );
});
