import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { TraceShape } from './trace.ts';
import { type ActivityDay, dayFor, mergeDay, type TraceLimits, trimDay } from './activity-day.ts';
import { readClientKey } from './client-key.ts';
import { observeTrace, type SeenTrace } from './trace-reader.ts';

const DAY = 20_000;
const START_US = DAY * 86_400_000_000;
const LIMITS: TraceLimits = { ofActor: 4, ofDay: 9 };

const HINTS: TraceShape['hints'] = {
  ...{ fieldManager: '', force: '', involvedName: '', nodeName: '', container: '', command: [] },
  ...{ isDryRun: false, isWatch: false, isContinued: false, hasLabelSelector: false },
  ...{ isFollowing: false, isPrevious: false, hasStdin: false, hasTerminal: false },
};

const requests = fc.array(
  fc.record({
    actor: fc.constantFrom('user:a', 'user:b', 'user:c', 'serviceaccount:ci:bot'),
    second: fc.nat(40),
    verb: fc.constantFrom('get', 'delete'),
    isRefused: fc.boolean(),
    isKubectl: fc.constantFrom(true, true, true, false),
    path: fc.constantFrom('', '', '/version'),
    stages: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 40, size: 'max' },
);

type Request = typeof requests extends fc.Arbitrary<readonly (infer T)[]> ? T : never;

function seenOf(
  { actor, second, verb, isRefused, isKubectl, path }: Request,
  n: number,
  isNew: boolean,
): SeenTrace {
  const shape: TraceShape = {
    ...{
      outcome: isRefused ? 'denied' : 'allowed',
      verbClass: verb === 'get' ? 'read' : 'delete',
      verb,
      path,
    },
    ...{ resource: path === '' ? 'pods' : '', namespace: 'web', name: '', as: '', hints: HINTS },
    ...{ isKubectl, isStart: false, code: isNew ? 101 : 200, stageRank: isNew ? 1 : 2 },
  };
  return {
    traced: { actor, client: 'c', isMaster: second === 7, shape },
    ...{ atUs: START_US + second * 1_000_000, auditID: `id-${n % 3}`, identity: { hi: n, lo: n }, isNew },
  };
}

/** All events in their order: the stages of a request, of which one counts. */
function eventsOf(all: readonly Request[]): SeenTrace[] {
  return all.flatMap((each, n) =>
    Array.from({ length: each.stages }, (_, stage) => seenOf(each, n, stage === 0)),
  );
}

function dayOf(events: readonly SeenTrace[], limits = LIMITS): ActivityDay {
  const day = dayFor(new Map(), DAY, limits);
  for (const event of events) observeTrace(day, event);
  return day;
}

function plain(day: ActivityDay): unknown {
  trimDay(day);
  return [
    day.otherClients,
    [...day.actors.other.tempos],
    day.actors.entries().map(([key, actor]) => ({
      key,
      ...actor,
      tempos: [...actor.tempos].sort(([a], [b]) => a - b),
      clients: actor.clients.entries(),
      verbs: [...actor.verbs].sort(([a], [b]) => (a < b ? -1 : 1)),
      namespaces: actor.namespaces.entries(),
      used: actor.used.entries(),
      traces: [...actor.traces].sort(([a], [b]) => (a < b ? -1 : 1)),
    })),
  ];
}

describe('a day', () => {
  test('is the same however its events are cut into parts, and in whatever order these are merged', () => {
    fc.assert(
      fc.property(requests, fc.infiniteStream(fc.nat(3)), fc.infiniteStream(fc.nat()), (all, cuts, keys) => {
        const parts: SeenTrace[][] = [[], [], [], []];
        for (const event of eventsOf(all)) parts[Number(cuts.next().value)]?.push(event);
        const sum = dayFor(new Map(), DAY, LIMITS);
        const order = parts
          .map((part) => [Number(keys.next().value), part] as const)
          .sort(([a], [b]) => a - b);
        for (const [, part] of order) mergeDay(sum, dayOf(part));
        expect(plain(sum)).toEqual(plain(dayOf(eventsOf(all))));
      }),
    );
  });

  test('keeps no more than its limits, and what was done before all else', () => {
    fc.assert(
      fc.property(requests, (all) => {
        const day = dayOf(eventsOf(all));
        trimDay(day);
        const kept = day.actors.entries().map(([, { traces }]) => [...traces.values()]);
        expect(kept.every(({ length }) => length <= LIMITS.ofActor)).toBe(true);
        expect(kept.flat().length).toBeLessThanOrEqual(LIMITS.ofDay);
        const whole = dayOf(eventsOf(all), { ofActor: Infinity, ofDay: Infinity });
        const isDone = ({ shape }: { readonly shape: TraceShape }): boolean =>
          shape.outcome === 'allowed' && shape.verb === 'delete' && shape.path === '';
        const done = whole.actors
          .entries()
          .map(([, { traces }]) => [...traces.values()].filter(isDone).length);
        const wanted = done.reduce((sum, count) => sum + Math.min(count, LIMITS.ofActor), 0);
        expect(kept.flat().filter(isDone)).toHaveLength(Math.min(wanted, LIMITS.ofDay));
      }),
    );
  });

  test('counts every request once, whatever is kept of it', () => {
    fc.assert(
      fc.property(requests, (all) => {
        const day = dayOf(eventsOf(all));
        const told = all.filter(({ isKubectl, path }) => isKubectl && path === '').length;
        const counted = [...day.actors.values()].flatMap(({ tempos }) => [...tempos.values()]);
        expect(counted.reduce((sum, { requests: count }) => sum + count, 0)).toBe(told);
        expect(day.otherClients.requests).toBe(all.filter(({ isKubectl }) => !isKubectl).length);
      }),
    );
  });

  test('does not grow by a flood of refusals of one actor', () => {
    const flood = Array.from({ length: 500 }, (_, n) =>
      seenOf(
        { actor: 'user:a', second: n, verb: 'delete', isRefused: true, isKubectl: true, path: '', stages: 1 },
        n,
        true,
      ),
    );
    const day = dayOf(flood);
    expect(day.actors.get('user:a')?.traces.size).toBeLessThanOrEqual(2 * LIMITS.ofActor);
    expect(day.actors.get('user:a')?.verbs.get('delete')).toEqual({ requests: 500, refused: 500 });
  });
});

test.each(['', 'null', '{}', '[]', '["kubectl","a","b","c"]', '["nobody","a","b","c",false]', '[1,2,3,4,5]'])(
  'no client has the key %j',
  (key) => {
    expect(readClientKey(key)).toBeUndefined();
  },
);
