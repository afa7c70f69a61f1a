import type { CountedRequest } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { MAX_SUBJECTS } from './cap.ts';
import { observeActivity } from './observe.ts';
import {
  type ActivityState,
  addTally,
  emptyActivity,
  mergeActivity,
  talliesOf,
  type Tally,
  windowFor,
} from './state.ts';
import { need, request, user } from './testing/requests.ts';
import { WINDOW_KINDS, windowKey, windowOf } from './windows.ts';

const HOUR = 3_600_000_000;

function stateOf(requests: readonly CountedRequest[]): ActivityState {
  const states = new Map<string, ActivityState>();
  for (const each of requests) observeActivity(states, each);
  return states.get('default') ?? emptyActivity('default');
}

/** Merges states in a random order and nesting: `picks` chooses which two are next. */
function mergedInTree(states: ActivityState[], picks: readonly number[]): ActivityState {
  const rest = [...states];
  for (const pick of picks) {
    if (rest.length < 2) break;
    const [from] = rest.splice(pick % rest.length, 1);
    const into = rest[(pick >> 8) % rest.length];
    if (from !== undefined && into !== undefined) mergeActivity(into, from);
  }
  const sum = emptyActivity('default');
  for (const state of rest) mergeActivity(sum, state);
  return sum;
}

const requests = fc
  .record({
    receivedAtUs: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
    outcome: fc.constantFrom('allowed', 'denied'),
    client: fc.constantFrom('kubectl', 'helm', 'other'),
    name: fc.constantFrom('alice', 'bob', '__proto__', '\ud800', 'carol'),
    asked: fc.constantFrom('get pods', 'list secrets', 'create pods/exec', 'get /healthz'),
    isImpersonated: fc.boolean(),
  })
  .map(({ name, asked, isImpersonated, ...rest }) =>
    request({
      ...rest,
      need: need(user(name), asked),
      impersonation: isImpersonated ? need(user('mallory'), 'impersonate users') : undefined,
    }),
  );
const picks = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });

describe('merging', () => {
  test('any order, partition and tree of merges gives the same state', () => {
    const shares = fc.array(fc.tuple(requests, fc.nat(7)), { maxLength: 60 });
    fc.assert(
      fc.property(shares, picks, (shared, tree) => {
        const parts = Array.from({ length: 8 }, (_, part) =>
          stateOf(shared.filter(([, share]) => share === part).map(([each]) => each)),
        );
        expect(mergedInTree(parts, tree)).toEqual(stateOf(shared.map(([each]) => each)));
      }),
    );
  });

  test('what is merged stays as it is, and shares nothing with the sum', () => {
    const from = stateOf([request()]);
    const before = structuredClone(from);
    const into = emptyActivity('default');
    mergeActivity(into, from);
    mergeActivity(into, from);
    expect(from).toEqual(before);
    mergeActivity(into, stateOf([request({ receivedAtUs: 5 })]));
    expect(from).toEqual(before);
    expect([...talliesOf(windowFor(into, '1h', 0))]).toEqual([
      ['0200user:alice', { count: 3, firstUs: 0, lastUs: 5 }],
    ]);
  });

  test('a window comes back from its cells', () => {
    fc.assert(
      fc.property(fc.array(requests, { maxLength: 30 }), (seen) => {
        const state = stateOf(seen);
        const copy = emptyActivity('default');
        for (const { kind, number, ...window } of state.windows.values()) {
          for (const [key, tally] of talliesOf({ kind, number, ...window })) {
            expect(addTally(windowFor(copy, kind, number), key, tally)).toBe(true);
          }
        }
        expect(copy).toEqual(state);
      }),
    );
  });

  test('a key of no cell adds nothing', () => {
    const window = windowFor(emptyActivity('default'), '5m', 0);
    expect(addTally(window, '000vuser:alice', { count: 1, firstUs: 0, lastUs: 0 })).toBe(false);
    expect([...talliesOf(window)]).toEqual([]);
  });
});

/** FNV-1a and its final mix again, in another arithmetic. */
function slowHash(text: string): bigint {
  const mask = 0xffff_ffffn;
  let hash = 0x811c_9dc5n;
  for (let i = 0; i < text.length; i += 1) hash = ((hash ^ BigInt(text.charCodeAt(i))) * 0x0100_0193n) & mask;
  hash = ((hash ^ (hash >> 16n)) * 0x85eb_ca6bn) & mask;
  return hash ^ (hash >> 13n);
}

describe('more subjects than the cap', () => {
  const EXTRA = 40;
  const names = Array.from({ length: MAX_SUBJECTS + EXTRA }, (_, i) => `flood-${i}`);
  const rank = new Map(names.map((name) => [name, slowHash(`user:${name}`)]));
  const ranked = names.toSorted((a, b) => ((rank.get(a) ?? 0n) < (rank.get(b) ?? 0n) ? -1 : 1));
  const beyond = new Set(ranked.slice(MAX_SUBJECTS));
  /** Those around the cap: whether they stay is what order could change. */
  const edge = ranked.slice(MAX_SUBJECTS - EXTRA);

  const ofName = (name: string, us: number, asked = 'get pods', client: 'kubectl' | 'helm' = 'kubectl') =>
    request({ receivedAtUs: us, client, need: need(user(name), asked) });

  /** By hand: what each cell has to hold, from all requests at once. */
  function expected(seen: readonly CountedRequest[]): Map<string, Map<string, Tally>> {
    const windows = new Map<string, Map<string, Tally>>();
    for (const each of seen) {
      const { name } = each.need.subject;
      const verb = each.need.permissions[0]?.verb === 'get' ? '0' : '4';
      const client = each.client === 'kubectl' ? '0' : '1';
      const cell = beyond.has(name) ? `${verb}20v` : `${verb}20${client}user:${name}`;
      for (const kind of WINDOW_KINDS) {
        const key = windowKey(kind, windowOf(kind, each.receivedAtUs));
        const cells = windows.get(key) ?? new Map<string, Tally>();
        const known = cells.get(cell) ?? { count: 0, firstUs: Infinity, lastUs: -Infinity };
        const [firstUs, lastUs] = [
          Math.min(known.firstUs, each.receivedAtUs),
          Math.max(known.lastUs, each.receivedAtUs),
        ];
        windows.set(key, cells.set(cell, { count: known.count + 1, firstUs, lastUs }));
      }
    }
    return windows;
  }

  function cellsOf(state: ActivityState): Map<string, Map<string, Tally>> {
    return new Map(Array.from(state.windows, ([key, window]) => [key, new Map(talliesOf(window))]));
  }

  test('any order, partition and tree of merges keeps the same subjects and loses no request', () => {
    const again = fc.tuple(
      fc.constantFrom(...edge),
      fc.nat(1000),
      fc.constantFrom('get pods', 'delete pods'),
      fc.constantFrom('kubectl' as const, 'helm' as const),
    );
    const base = fc.shuffledSubarray(names, { minLength: names.length });
    fc.assert(
      fc.property(base, fc.array(again, { maxLength: 100 }), fc.nat(), picks, (order, more, salt, tree) => {
        const seen = [
          ...more.slice(0, 50).map((each) => ofName(...each)),
          ...order.map((name, i) => ofName(name, i)),
          ...more.slice(50).map((each) => ofName(...each)),
        ];
        const parts = Array.from({ length: 4 }, (_, part) =>
          stateOf(seen.filter((_each, i) => ((i * 2654435761 + salt) >>> 7) % 4 === part)),
        );
        const wanted = expected(seen);
        expect(cellsOf(stateOf(seen))).toEqual(wanted);
        expect(cellsOf(stateOf(seen.toReversed()))).toEqual(wanted);
        expect(cellsOf(mergedInTree(parts, tree))).toEqual(wanted);
      }),
      { numRuns: 15 },
    );
  });

  test('a subject that left and is seen again is counted in `other`, each request once', () => {
    const [last = ''] = [...beyond];
    const before = [1, 2, 3].map((us) => ofName(last, us));
    const after = [7, 8].map((us) => ofName(last, us, 'get pods', 'helm'));
    const others = names.filter((name) => !beyond.has(name)).map((name) => ofName(name, 5));
    const window = windowFor(stateOf([...before, ...others, ...after]), '5m', 0);
    expect(window.subjects.size).toBe(MAX_SUBJECTS);
    expect([...talliesOf(window)].filter(([key]) => key.endsWith('v'))).toEqual([
      ['020v', { count: 5, firstUs: 1, lastUs: 8 }],
    ]);
  });

  test('a full window that was copied elsewhere goes on in the same way', () => {
    const half = names.length >> 1;
    const seen = names.map((name) => ofName(name, 5));
    const state = structuredClone(stateOf(seen.slice(0, -half)));
    mergeActivity(state, structuredClone(stateOf(seen.slice(half))));
    const twice = seen.slice(half, -half);
    expect(cellsOf(state)).toEqual(expected([...seen, ...twice]));
  });

  test('windows are capped each for itself', () => {
    const state = stateOf([...names.map((name) => ofName(name, 5)), ofName([...beyond][0] ?? '', 2 * HOUR)]);
    expect(windowFor(state, '1h', 2).other.size).toBe(0);
    expect(windowFor(state, '1h', 2).subjects.size).toBe(1);
  });
});
