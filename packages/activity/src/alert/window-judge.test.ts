import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { cellCodeOf } from '../cell.ts';
import { createCalendar } from '../detect/index.ts';
import { MAX_WINDOW_MATCHES, observeMatches } from '../matches/index.ts';
import { type ActivityWindow, addTo, emptyActivity, tallyFor, windowFor } from '../state.ts';
import { windowStartUs } from '../windows.ts';
import { WindowJudge } from './window-judge.ts';

const calendar = createCalendar('UTC');
if (calendar === undefined) throw new Error('UTC is not known');
const options = { calendar };

/** Monday, 2 March 2026, 00:00 UTC. */
const MONDAY = Date.UTC(2026, 2, 2) / 300_000;
const DAY = 288;
const HOUR = 12;

interface Asked {
  readonly subject: string;
  readonly verb: string;
  readonly resource: string;
  readonly count: number;
  readonly denied?: boolean;
}

function windowOfAsked(number: number, asked: readonly Asked[]): ActivityWindow {
  const window = windowFor(emptyActivity('prod'), '5m', number);
  for (const { subject, verb, resource, count, denied = false } of asked) {
    const permission = { verb, apiGroup: '', resource, namespace: 'shop', name: '', path: '' };
    const code = cellCodeOf(permission, denied ? 'denied' : 'allowed', 'kubectl');
    const tally = tallyFor(window, subject, code);
    const atUs = windowStartUs('5m', number);
    addTo(tally, { count, firstUs: atUs, lastUs: atUs });
  }
  return window;
}

const PODS = { verb: 'get', resource: 'pods' };

/** A person at work from nine to five, Monday to Friday. */
function atWork(number: number): readonly Asked[] {
  const day = Math.floor((number - MONDAY) / DAY) % 7;
  const hour = Math.floor((number % DAY) / HOUR);
  return day < 5 && hour >= 9 && hour < 17
    ? [
        { subject: 'user:alice', ...PODS, count: 4 + (number % 5) },
        { subject: 'user:alice', verb: 'update', resource: 'configmaps', count: 1 },
      ]
    : [];
}

/** A CI account that deploys every night at two, in earnest. */
function nightly(number: number): readonly Asked[] {
  const isTwo = Math.floor((number % DAY) / HOUR) === 2;
  return isTwo
    ? [{ subject: 'serviceaccount:ci:deployer', verb: 'create', resource: 'pods', count: 60 }]
    : [];
}

/** An API server is never quite silent. */
function kubelet(number: number): readonly Asked[] {
  return [{ subject: 'user:system:node:a', ...PODS, count: 5 + (number % 3) }];
}

function weeks(
  count: number,
  more: (number: number) => readonly Asked[] = () => [],
): Map<number, readonly Asked[]> {
  return new Map(
    Array.from({ length: count * 7 * DAY }, (_, n) => {
      const number = MONDAY + n;
      return [number, [...atWork(number), ...nightly(number), ...kubelet(number), ...more(number)]];
    }),
  );
}

function judgeAll(judge: WindowJudge, asked: ReadonlyMap<number, readonly Asked[]>): string[] {
  return [...asked].flatMap(([number, each]) =>
    judge
      .judge(number, each.length === 0 ? undefined : windowOfAsked(number, each))
      .map(({ kind, says }) => `${kind} ${says}`),
  );
}

/** A window in which a detection found something of subjects, a second apart. */
function windowOfFinds(number: number, subjects: readonly string[]): ActivityWindow {
  const activity = new Map([['prod', emptyActivity('prod')]]);
  for (const [n, subject] of subjects.entries()) {
    const us = windowStartUs('5m', number) + n * 1_000_000;
    observeMatches(activity, {
      cluster: 'prod',
      found: {
        subject,
        as: '',
        matches: [{ id: 'D07', severity: 'CRITICAL', says: `${subject}: list secrets` }],
      },
      run: { count: 2, firstUs: us, lastUs: us, samples: [{ us, auditID: `id-${n}` }] },
      hasWindows: true,
    });
  }
  return windowFor(activity.get('prod') ?? emptyActivity('prod'), '5m', number);
}

describe('windows as they are closed', () => {
  test('tell of grave detections in single requests, of everybody, with how many and where to look', () => {
    const judge = new WindowJudge(options);
    const found = judge.judge(MONDAY, windowOfFinds(MONDAY, ['user:b', 'user:a', 'user:b', '']));
    expect(found).toEqual(
      [
        ['a', 'user:a: list secrets; 2 such in 5 min, the first has auditID id-1'],
        ['b', 'user:b: list secrets; 4 such in 5 min, the first has auditID id-0'],
      ].map(([name, says]) => ({
        ...{ id: 'D07', kind: 'event', severity: 'CRITICAL', about: '', says },
        subject: { kind: 'User', namespace: '', name },
        startUs: windowStartUs('5m', MONDAY),
        endUs: windowStartUs('5m', MONDAY + 1),
      })),
    );
    expect(judge.beyond).toBe(0);
  });

  test('count the finds of a crowd, and tell of none that came late', () => {
    const judge = new WindowJudge(options);
    const crowd = Array.from({ length: MAX_WINDOW_MATCHES + 7 }, (_, n) => `user:u${n}`);
    expect(judge.judge(MONDAY, windowOfFinds(MONDAY, crowd))).toHaveLength(MAX_WINDOW_MATCHES);
    expect(judge.beyond).toBe(14);
    judge.learnLate(MONDAY, windowOfFinds(MONDAY, ['user:a']));
    expect(judge.judge(MONDAY + 1, undefined)).toEqual([]);
  });

  test('tell nothing of office hours and of what a program does each night', () => {
    expect(judgeAll(new WindowJudge(options), weeks(3))).toEqual([]);
  });

  test('tell of a spike, with the numbers that it was judged by, once an hour', () => {
    const burst = MONDAY + 15 * DAY + 10 * HOUR;
    const found = judgeAll(
      new WindowJudge(options),
      weeks(3, (number) =>
        number >= burst && number < burst + 3
          ? [{ subject: 'user:alice', verb: 'delete', resource: 'pods', count: 40 }]
          : [],
      ),
    );
    expect(found).toEqual([
      'first alice, delete pods: for the first time in 30 days; known for 15 days',
      'spike alice, delete pods: 40 in 5 min; usual at Tue 10:00 is <0.1, highest at this hour 0, overall 0; p<1e-37',
    ]);
  });

  test('tell of the first change of a kind, once in a month, and not of reading or of who is new', () => {
    const later = MONDAY + 9 * DAY + 10 * HOUR;
    const first = { subject: 'user:alice', verb: 'delete', resource: 'secrets', count: 1 };
    const reading = { subject: 'user:alice', verb: 'list', resource: 'nodes', count: 1 };
    const found = judgeAll(
      new WindowJudge(options),
      weeks(6, (number) => {
        if (number === later || number === later + DAY) return [first, reading];
        return number === later + 32 * DAY || number === MONDAY + 2 * DAY ? [first] : [];
      }),
    );
    // The first one was in alice's first week; the one before the last is more than thirty days back.
    expect(found.filter((each) => each.startsWith('first'))).toEqual([
      'first alice, delete secrets: for the first time in 30 days; known for 41 days',
    ]);
  });

  test('tell of a person who changes things at an hour of no day before', () => {
    const night = MONDAY + 30 * DAY + 3 * HOUR;
    const found = judgeAll(
      new WindowJudge(options),
      weeks(5, (number) =>
        number === night ? [{ subject: 'user:alice', verb: 'update', resource: 'configmaps', count: 4 }] : [],
      ),
    );
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^hours alice: 4 changes, exec or secrets at Wed 03:00 \(UTC\); /);
  });

  test('tell of a burst of refused changes by a subject that nobody knows yet', () => {
    const asked = (count: number): Asked => ({
      subject: 'user:mallory',
      verb: 'delete',
      resource: 'pods',
      count,
      denied: true,
    });
    const judge = new WindowJudge(options);
    expect(judge.judge(MONDAY, windowOfAsked(MONDAY, [asked(10)]))).toEqual([]);
    expect(
      judge.judge(MONDAY + 1, windowOfAsked(MONDAY + 1, [asked(6), { ...asked(5), resource: 'secrets' }])),
    ).toMatchObject([
      {
        id: 'refused-burst',
        kind: 'refused',
        severity: 'MEDIUM',
        about: 'delete',
        subject: { kind: 'User', name: 'mallory' },
        startUs: windowStartUs('5m', MONDAY + 1),
        endUs: windowStartUs('5m', MONDAY + 2),
        says: 'mallory, delete: 11 refused in 5 min; more than 10 are told',
      },
    ]);
  });

  test('tell nothing of the parts of Kubernetes itself', () => {
    const asked = {
      subject: 'user:system:kube-scheduler',
      verb: 'delete',
      resource: 'pods',
      count: 500,
      denied: true,
    };
    expect(new WindowJudge(options).judge(MONDAY, windowOfAsked(MONDAY, [asked]))).toEqual([]);
  });

  test('learn what comes late, and never tell it', () => {
    const judge = new WindowJudge(options);
    judgeAll(judge, weeks(2));
    const last = judge.last ?? 0;
    const late = windowOfAsked(last - 3, [{ subject: 'user:alice', ...PODS, count: 10_000 }]);
    judge.takeChanged();
    judge.learnLate(last - 3, late);
    expect([...judge.takeChanged().keys()]).toEqual(['sread pods user:alice', 'huser:alice']);
    expect(judge.last).toBe(last);
  });

  test('go on where others stopped, by what those remembered', { timeout: 60_000 }, () => {
    const burst = MONDAY + 15 * DAY + 10 * HOUR;
    const all = [
      ...weeks(3, (number) =>
        number === burst ? [{ subject: 'user:alice', verb: 'delete', resource: 'pods', count: 40 }] : [],
      ),
    ];
    const wanted = judgeAll(new WindowJudge(options), new Map(all));
    expect(wanted).toHaveLength(2);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: all.length }), { minLength: 1, maxLength: 4 }), (cuts) => {
        const stored = new Map<string, Uint8Array>();
        const found: string[] = [];
        const at = [0, ...cuts.sort((a, b) => a - b), all.length];
        for (const [index, from] of at.slice(0, -1).entries()) {
          const judge = new WindowJudge(options, stored);
          expect(judge.unreadable).toBe(0);
          found.push(...judgeAll(judge, new Map(all.slice(from, at[index + 1]))));
          for (const [field, value] of judge.takeChanged()) stored.set(field, value);
        }
        expect(found).toEqual(wanted);
      }),
      { numRuns: 5 },
    );
  });

  test('judge a window once that was judged and not noted as such', () => {
    const judge = new WindowJudge(options);
    const burst = MONDAY + 15 * DAY + 10 * HOUR;
    const all = weeks(3, (number) =>
      number === burst ? [{ subject: 'user:alice', verb: 'delete', resource: 'pods', count: 40 }] : [],
    );
    judgeAll(judge, new Map([...all].filter(([number]) => number < burst)));
    const stored = judge.takeChanged();
    const asked = windowOfAsked(burst, all.get(burst) ?? []);
    expect(judge.judge(burst, asked)).toHaveLength(2);
    // All of it was stored but the cluster's own field.
    const after = judge.takeChanged();
    after.delete('m');
    const again = new WindowJudge(options, new Map([...stored, ...after]));
    expect(again.judge(burst, asked)).toEqual([]);
  });

  test('give refused requests no room, so that nobody hides a first use behind them', () => {
    const judge = new WindowJudge(options);
    judge.judge(MONDAY, windowOfAsked(MONDAY, [{ subject: 'user:alice', ...PODS, count: 1 }]));
    const resources = ['pods', 'secrets', 'nodes', 'configmaps', 'events', 'roles', 'leases', 'services'];
    const verbs = ['get', 'create', 'update', 'delete', 'deletecollection', 'watch'];
    for (let number = MONDAY + 1; number < MONDAY + 10; number += 1) {
      const flood = Array.from({ length: 1900 }, (_, n) => ({
        subject: `user:m${String(n)}`,
        verb: verbs[n % verbs.length] ?? '',
        resource: resources[number % resources.length] ?? '',
        count: 1,
        denied: true,
      }));
      judge.judge(number, windowOfAsked(number, flood));
    }
    expect(judge.beyond).toBe(0);
    expect([...judge.takeChanged().keys()]).toEqual([
      'm',
      'fuser:alice',
      'sread pods user:alice',
      'huser:alice',
    ]);
    const later = MONDAY + 9 * DAY;
    const first = { subject: 'user:alice', verb: 'delete', resource: 'secrets', count: 1 };
    expect(judge.judge(later, windowOfAsked(later, [first])).map(({ kind }) => kind)).toEqual(['first']);
  });

  test('learn anew what cannot be read, and say of how much', () => {
    const judge = new WindowJudge(options);
    judgeAll(judge, weeks(1));
    const stored = judge.takeChanged();
    stored.set('sread pods user:alice', Buffer.from('x'));
    stored.set('huser:alice', Buffer.from('{'));
    stored.set('?', Buffer.from('1'));
    stored.set('fuser:bob', Buffer.alloc(0));
    const again = new WindowJudge(options, stored);
    expect([again.unreadable, again.last]).toEqual([3, judge.last]);
  });

  test('remember no more than there is room for, and forget who is gone', () => {
    const judge = new WindowJudge(options);
    const crowd = Array.from({ length: 1200 }, (_, n) => ({
      subject: `user:u${String(n)}`,
      ...PODS,
      count: 1,
    }));
    judge.judge(MONDAY + 1, windowOfAsked(MONDAY + 1, crowd));
    expect(judge.beyond).toBe(200);
    const fields = [...judge.takeChanged().keys()];
    expect(fields.filter((field) => field.startsWith('f'))).toHaveLength(1000);
    expect(judge.judge(MONDAY + 60 * DAY, undefined)).toEqual([]);
    const gone = [...judge.takeChanged()].filter(([, value]) => value.length === 0).map(([field]) => field);
    expect(gone.sort()).toEqual(fields.filter((field) => field !== 'm').sort());
  });
});
