import type { CountedRequest } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import { observeActivity } from './observe.ts';
import { type ActivityState, talliesOf } from './state.ts';
import { need, request, user } from './testing/requests.ts';
import { windowKey } from './windows.ts';

const HOUR = 3_600_000_000;

function observed(...requests: CountedRequest[]): Map<string, ActivityState> {
  const states = new Map<string, ActivityState>();
  for (const each of requests) observeActivity(states, each);
  return states;
}

function counts(
  states: Map<string, ActivityState>,
  key: string,
  cluster = 'default',
): Record<string, number> {
  const window = states.get(cluster)?.windows.get(key);
  const cells = window === undefined ? [] : [...talliesOf(window)];
  return Object.fromEntries(cells.map(([cell, tally]) => [cell, tally.count]));
}

describe('observeActivity', () => {
  test('a request counts once in its window of each kind', () => {
    const states = observed(request({ receivedAtUs: HOUR - 1 }), request({ receivedAtUs: HOUR }));
    const windows = [...(states.get('default')?.windows.keys() ?? [])];
    expect(windows.sort()).toEqual(['1h/0', '1h/1', '5m/11', '5m/12']);
    for (const key of windows) expect(counts(states, key)).toEqual({ '0200user:alice': 1 });
  });

  test('a cell knows how many, the first and the last, in whatever order they come', () => {
    const states = observed(...[7, 3, 5].map((receivedAtUs) => request({ receivedAtUs })));
    const window = states.get('default')?.windows.get(windowKey('1h', 0));
    expect(window && [...talliesOf(window)]).toEqual([
      ['0200user:alice', { count: 3, firstUs: 3, lastUs: 7 }],
    ]);
  });

  test('verb, resource, outcome, client and subject are told apart, and clusters too', () => {
    const states = observed(
      request(),
      request({ need: need(user('alice'), 'delete pods') }),
      request({ need: need(user('alice'), 'get secrets') }),
      request({ outcome: 'denied' }),
      request({ client: 'helm' }),
      request({ need: need({ kind: 'Group', namespace: '', name: 'alice' }, 'get pods') }),
      request({ need: need({ kind: 'ServiceAccount', namespace: 'a', name: 'alice' }, 'get pods') }),
      request({ need: need({ kind: 'ServiceAccount', namespace: 'b', name: 'alice' }, 'get pods') }),
      request({ need: need(user('bob'), 'get pods') }),
      request({ cluster: '__proto__' }),
    );
    expect(counts(states, '1h/0')).toEqual({
      '0200user:alice': 1,
      '4200user:alice': 1,
      '0000user:alice': 1,
      '0210user:alice': 1,
      '0201user:alice': 1,
      '0200group:alice': 1,
      '0200serviceaccount:a:alice': 1,
      '0200serviceaccount:b:alice': 1,
      '0200user:bob': 1,
    });
    expect(counts(states, '1h/0', '__proto__')).toEqual({ '0200user:alice': 1 });
  });

  test('a request that needed several permissions counts once, as what it asked for', () => {
    const patch = need(user('alice'), 'patch apps:deployments', 'create apps:deployments');
    expect(counts(observed(request({ need: patch })), '5m/0')).toEqual({ '3300user:alice': 1 });
  });

  test('who acts as somebody else is seen: an allowed impersonation, whatever becomes of the request', () => {
    const states = observed(
      request({
        outcome: 'denied',
        need: need(user('admin'), 'delete secrets'),
        impersonation: need(user('mallory'), 'impersonate users', 'impersonate groups'),
      }),
    );
    expect(counts(states, '5m/0')).toEqual({ '4010user:admin': 1, '7g00user:mallory': 1 });
  });

  test('a need without a permission is no activity', () => {
    expect(counts(observed(request({ need: need(user('alice')) })), '5m/0')).toEqual({});
  });

  test('names that would be other things as keys of objects are names', () => {
    const names = ['__proto__', 'constructor', '', ' ', 'a:b', '\ud800', '\udc00'];
    const states = observed(...names.map((name) => request({ need: need(user(name), 'get pods') })));
    const window = states.get('default')?.windows.get('5m/0');
    expect([...(window?.subjects.keys() ?? [])]).toEqual(names.map((name) => `user:${name}`));
    expect(window && new Set(Array.from(talliesOf(window), ([key]) => key)).size).toBe(names.length);
  });

  test('a long name has a short stand-in, the same as in evidence', () => {
    const name = 'x'.repeat(10_000);
    const states = observed(
      request({ need: need(user('y'.repeat(1024)), 'get pods') }),
      request({ need: need(user(name), 'get pods') }),
      request({ need: need({ kind: 'ServiceAccount', namespace: name, name: 'a' }, 'get pods') }),
    );
    // SHA-256 of 10,000 times `x`.
    const standIn = '\uffff' + 'e4ee97ec252749d2096447e849628d0d7734f51700416eefbb33574bf0b3ee75';
    expect([...(states.get('default')?.windows.get('5m/0')?.subjects.keys() ?? [])]).toEqual([
      `user:${'y'.repeat(1024)}`,
      `user:${standIn}`,
      `serviceaccount:${standIn}:a`,
    ]);
  });

  test('more subjects than are remembered are still told apart', () => {
    const states = new Map<string, ActivityState>();
    const name = (each: number): string => `user-${each % 1500}`;
    for (let each = 0; each < 9000; each += 1) {
      observeActivity(states, request({ cluster: `c${each % 6}`, need: need(user(name(each)), 'get pods') }));
      const account = { kind: 'ServiceAccount', namespace: `n${each % 4}`, name: name(each % 7) } as const;
      observeActivity(states, request({ cluster: 'accounts', need: need(account, 'get pods') }));
    }
    expect(Object.keys(counts(states, '1h/0', 'c0'))).toHaveLength(250);
    expect(new Set(Object.values(counts(states, '1h/0', 'c5')))).toEqual(new Set([6]));
    expect(Object.keys(counts(states, '1h/0', 'accounts'))).toHaveLength(28);
  });
});
