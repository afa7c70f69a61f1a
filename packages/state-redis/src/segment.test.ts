import { MAX_SUBJECTS, observeActivity, type ActivityState } from '@leastwise/activity';
import type { CountedRequest } from '@leastwise/audit-event';
import { CAPS, type ClusterState, emptyCluster } from '@leastwise/rbac';
import { Malformed } from '@leastwise/state';
import {
  daysOf,
  deltasOf,
  identityOf,
  matchesOf,
  plainDays,
  plainTold,
  type SampleRequest,
} from '@leastwise/state/conformance';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { encodeSegment, readSegment, type SegmentContent } from './segment.ts';

const HOUR_US = 3_600_000_000;
const text = fc.string({ unit: 'binary', maxLength: 6 });

const request = fc.record({
  identity: fc.nat().map((n) => identityOf(n)),
  us: fc.integer({ min: 1, max: 2 ** 52 }),
  cluster: text,
  subject: fc.record({
    kind: fc.constantFrom('User' as const, 'ServiceAccount' as const),
    namespace: text,
    name: text,
  }),
  verb: text,
  name: text,
  namespace: text,
  auditID: text,
  group: text,
  binding: fc.option(text, { nil: undefined }),
  isDenied: fc.boolean(),
});

function clustersOf(requests: readonly SampleRequest[]): ReadonlyMap<string, ClusterState> {
  return deltasOf(requests, { isCounted: () => false }).clusters;
}

function activityOf(
  requests: readonly { us: number; user: string; cluster: string }[],
): Map<string, ActivityState> {
  const permission = { verb: 'get', apiGroup: '', resource: 'pods', namespace: 'a', name: 'x', path: '' };
  const activity = new Map<string, ActivityState>();
  for (const [n, { us, user, cluster }] of requests.entries()) {
    const counted: CountedRequest = {
      cluster,
      identity: identityOf(n),
      auditID: '',
      receivedAtUs: us,
      outcome: n % 3 === 0 ? 'denied' : 'allowed',
      client: 'kubectl',
      need: {
        subject: { kind: 'User', namespace: '', name: user },
        groups: [],
        permissions: [permission],
        viaRbac: true,
        grantingGroup: '',
      },
      impersonation: undefined,
      namespaceLife: undefined,
    };
    observeActivity(activity, counted, ['5m']);
  }
  return activity;
}

/** What is between two clusters that came another way is their keys: of rules, which are made anew. */
function plain({ clusters, activity }: SegmentContent): unknown {
  const rules = (set: ClusterState['subjects'] extends ReadonlyMap<string, infer S> ? S : never): unknown =>
    [set.allowed, set.denied].map(({ rules: all, overflow }) => [[...all.values()], overflow]);
  return [
    [...clusters].map(([name, { subjects, ...rest }]) => [
      name,
      rest,
      [...subjects].map(([key, state]) => [key, state.subject, rules(state)]),
    ]),
    activity,
  ];
}

describe('a segment', () => {
  test('is read as it was written, whatever the names are', () => {
    const window = fc.record({ us: fc.integer({ min: 0, max: 5 * HOUR_US }), user: text, cluster: text });
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 30 }),
        fc.array(window, { maxLength: 30 }),
        (all, windows) => {
          const content = { clusters: clustersOf(all), activity: activityOf(windows) };
          expect(plain(readSegment(encodeSegment(content)))).toEqual(plain(content));
        },
      ),
    );
  });

  test('holds what caps have summed up', () => {
    const crowd = Array.from({ length: CAPS.deniedRules + 5 }, (_, n) => ({
      identity: identityOf(n),
      verb: `verb-${n}`,
      isDenied: true,
    }));
    const names = Array.from({ length: CAPS.deniedNames + 5 }, (_, n) => ({
      identity: identityOf(n),
      subject: { kind: 'User', namespace: '', name: 'other' } as const,
      name: `name-${n}`,
      isDenied: true,
    }));
    const users = Array.from({ length: MAX_SUBJECTS + 5 }, (_, n) => ({
      us: n,
      user: `user-${n}`,
      cluster: 'default',
    }));
    const clusters = new Map(clustersOf([...crowd, ...names]));
    const full = clusters.get('default') ?? emptyCluster('default');
    clusters.set('default', { ...full, namespacesOverflow: true });
    const content = { clusters, activity: activityOf(users) };
    const read = readSegment(encodeSegment(content));
    expect(plain(read)).toEqual(plain(content));
    const [window] = [...(read.activity.get('default')?.windows.values() ?? [])];
    expect(window?.other.size).toBeGreaterThan(0);
  });

  test('has the days of people, and leaves them out for those who look at windows', () => {
    const activity = daysOf(
      ['a', '__proto__', '"\\\n', '\ud800'].map((name, n) => ({
        ...{ n, us: 20_000 * 24 * HOUR_US + n, name, namespace: name, actor: `user:${name}` },
        ...{ command: [name], cluster: name, isKubectl: n !== 1 },
      })),
    );
    const bytes = encodeSegment({ clusters: new Map(), activity });
    expect(plainDays(readSegment(bytes).activity.values())).toEqual(plainDays(activity.values()));
    expect(plainDays(readSegment(bytes, 'windows').activity.values())).toEqual([]);
  });

  test('has what detections found, and of it the windows alone for those who look at these', () => {
    const activity = matchesOf(
      ['a', '__proto__', '"\\\n', '\ud800', ''].map((name, n) => ({
        ...{ n, us: 20_000 * 24 * HOUR_US + n, subject: name === '' ? '' : `user:${name}`, says: name },
        ...{ cluster: name, severity: n === 1 ? ('LOW' as const) : ('HIGH' as const), as: name },
        ...(n === 2 ? { firstSeenKey: name, severityIfKnown: 'LOW' as const } : {}),
      })),
    );
    const bytes = encodeSegment({ clusters: new Map(), activity });
    const read = [...readSegment(bytes).activity.values()];
    expect(plainDays(read)).toEqual(plainDays(activity.values()));
    expect(plainTold(read)).toEqual(plainTold(activity.values()));
    expect(plainTold(read)).toHaveLength(3);
    const windows = [...readSegment(bytes, 'windows').activity.values()];
    expect([plainDays(windows), plainTold(windows)]).toEqual([[], plainTold(read)]);
  });

  test.each([
    ['days', ',[],[]]'],
    ['finds', ',[]]'],
  ])('of a version before there were %s is read', (_, end) => {
    const activity = activityOf([{ us: HOUR_US, user: 'a', cluster: 'c' }]);
    const text = encodeSegment({ clusters: new Map(), activity }).toString();
    expect(text.endsWith(end)).toBe(true);
    const before = Buffer.from(`${text.slice(0, -end.length)}]`);
    expect(readSegment(before).activity).toEqual(readSegment(Buffer.from(text)).activity);
  });

  test('leaves hours out: they follow from the rest', () => {
    const activity = activityOf([{ us: HOUR_US, user: 'a', cluster: 'c' }]);
    const both = new Map(activity);
    const state = activity.get('c');
    const windows = new Map(state?.windows);
    windows.set('1h/1', { kind: '1h', number: 1, subjects: new Map(), other: new Map() });
    both.set('c', { cluster: 'c', windows, days: new Map() });
    const clusters = new Map<string, ClusterState>();
    expect(encodeSegment({ clusters, activity: both })).toEqual(encodeSegment({ clusters, activity }));
  });

  test.each([
    ['no JSON', '[[],['],
    ['a list too few', '[[]]'],
    ['a list too many', '[[],[],[],[],[]]'],
    ['half a find', '[[],[],[],[["x",[1,"user:a",[["D14",[1,2]],[]]],[]]]]'],
    ['a find of no detection', '[[],[],[],[["x",[1,"user:a",[["x"],[]]],[]]]]'],
    ['half a find of a window', '[[],[],[],[["x",[],[1,[0,"D14","user:a"]]]]]'],
    ['half an actor of a day', '[[],[],[["x",[1,[0,0,[]],["user:a"]]]]]'],
    ['half a tempo of a day', '[[],[],[["x",[1,[0,0,[1,2]]]]]]'],
    ['a cluster that is no list', '[["x"],[]]'],
    ['a subject of an unknown kind', '[[["x",1,1,0,null,[],[["Robot","","",null,null,[],[]]]]],[]]'],
    ['half a namespace', '[[["x",1,1,0,null,["y",1],[]]],[]]'],
    [
      'a rule without evidence',
      '[[["x",1,1,0,null,[],[["User","","a",null,null,[["get","","","",null,"n"]],[]]]]],[]]',
    ],
    ['half a cell of a window', '[[],[["x",[1,[],"a",[0,1]]]]]'],
  ])('with %s is refused', (_, bytes) => {
    expect(() => readSegment(Buffer.from(bytes))).toThrow(Malformed);
  });
});
