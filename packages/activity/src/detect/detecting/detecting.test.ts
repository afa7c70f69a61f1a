import type { AuditEvent } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { DetectionFinding } from './finding.ts';
import {
  asked,
  CI,
  DAY_US,
  detected,
  heartbeat,
  HOUR_US,
  many,
  MINUTE_US,
  MONDAY_US,
  nightly,
  office,
  refusedDeletes,
  REFUSED,
} from './testing/weeks.ts';

const WINDOW_US = 5 * MINUTE_US;
const DAYS = 35;
const SECRETS = '/api/v1/namespaces/web/secrets';
const PODS = '/api/v1/namespaces/web/pods';

/** Five weeks of two people at their desks, a nightly job, and a cluster that is alive. */
const QUIET: readonly AuditEvent[] = [
  ...heartbeat(MONDAY_US, MONDAY_US + DAYS * DAY_US),
  ...office('alice', DAYS),
  ...office('bob', DAYS),
  ...nightly(DAYS),
];

function at(day: number, hour: number): number {
  return MONDAY_US + day * DAY_US + hour * HOUR_US;
}

function found(events: readonly AuditEvent[], id: string): DetectionFinding[] {
  return detected(events).findings.filter((each) => each.id === id);
}

describe('five weeks of office hours and a nightly job', () => {
  test('have no spike and no unusual hour', () => {
    const ids = detected(QUIET).findings.map(({ id }) => id);
    expect(ids.filter((id) => id === 'D50' || id === 'D51')).toEqual([]);
  });

  test('a burst of refused deletions is a spike of its window of five minutes', () => {
    const burst = at(33, 3) + 7 * MINUTE_US;
    const [spike, ...others] = found([...QUIET, ...refusedDeletes('bob', 30, burst)], 'D50');
    expect(others).toEqual([]);
    expect(spike).toMatchObject({
      kind: 'spike',
      severity: 'HIGH',
      subject: { kind: 'User', namespace: '', name: 'bob' },
      startUs: burst - 2 * MINUTE_US,
      endUs: burst + 3 * MINUTE_US,
      says: expect.stringMatching(
        /^bob, delete pods: 30 in 5 min; usual at Sat 03:00 is <0.1, .*; p<1e-\d+$/,
      ) as string,
    });
    expect(spike?.samples).toHaveLength(3);
    for (const { us } of spike?.samples ?? []) expect(us >= burst && us < burst + 30_000_000).toBe(true);
  });

  test('changes at three in the night are an unusual hour of a person, not of the job', () => {
    const night = (who: string): AuditEvent[] =>
      many(4, (name, us) => asked(who, `patch ${PODS}/${name}`, us), at(31, 4));
    const hours = found([...QUIET, ...night('alice'), ...night(CI)], 'D51');
    expect(hours.map(({ subject, startUs, endUs }) => [subject?.name, startUs, endUs])).toEqual([
      ['alice', at(31, 4), at(31, 5)],
    ]);
    expect(hours[0]?.says).toContain('alice: 4 changes, exec or secrets at Thu 04:00 (UTC)');
  });

  test('what somebody did on most days is no news, and a new verb on a resource is, of a known subject', () => {
    const fresh = [
      asked('alice', `get ${SECRETS}/s`, at(30, 10)),
      asked('carol', `get ${SECRETS}/s`, at(30, 10)),
    ];
    const all = detected([...QUIET, ...fresh]).findings.filter(({ id }) => id === 'D09' || id === 'D52');
    // Nothing is told of the first week of carol.
    expect(all.map(({ id, kind, says }) => [id, kind, says])).toEqual([
      ['D09', 'event', 'alice: get secrets web/s; by kubectl, which is new'],
      ['D52', 'first-seen', 'alice: get secrets web/s; for the first time'],
    ]);
  });
});

describe('a spike', () => {
  const of = (day: number): DetectionFinding[] =>
    found(
      [
        ...heartbeat(at(0, 0), at(20, 0)),
        asked('eve', `get ${PODS}/p`, at(0, 9)),
        ...refusedDeletes('eve', 30, at(day, 3)),
      ],
      'D50',
    );

  test('is none in the first seven days of a subject', () => {
    expect(of(7)).toEqual([]);
    expect(of(8)).toHaveLength(1);
  });

  test('is none before the source was alive for seven days: silence is not quiet', () => {
    const alive = [...heartbeat(at(0, 0), at(2, 0)), ...heartbeat(at(8, 0), at(20, 0))];
    const since = (day: number): number =>
      found(
        [...alive, asked('eve', `get ${PODS}/p`, at(0, 9)), ...refusedDeletes('eve', 30, at(day, 15))],
        'D50',
      ).length;
    expect([since(9), since(12), since(13)]).toEqual([0, 0, 1]);
  });
});

describe('the log', () => {
  test('is silent where nothing came for more than an hour', () => {
    const events = [
      ...heartbeat(at(0, 0), at(0, 5)),
      ...heartbeat(at(0, 5) + 50 * MINUTE_US, at(1, 0)),
      ...heartbeat(at(1, 8), at(2, 0)),
    ];
    const { gaps, days } = detected(events);
    expect(days).toBe(2);
    expect(gaps).toEqual([{ startUs: at(1, 0) - WINDOW_US, endUs: at(1, 8) }]);
  });

  test('of nothing has no findings', () => {
    expect(detected([])).toMatchObject({ findings: [], gaps: [], days: 0 });
  });
});

describe('a finding', () => {
  test('of single events is one for a subject and a day, with the first few auditIDs', () => {
    const execs = [at(0, 9), at(0, 17), at(1, 9), at(0, 10), at(0, 11)].map((us) =>
      asked('alice', `create ${PODS}/p/exec?command=id`, us, { code: 101 }),
    );
    expect(
      found(execs, 'D14').map(({ startUs, endUs, count, samples }) => [
        startUs,
        endUs,
        count,
        samples.length,
      ]),
    ).toEqual([
      [at(0, 9), at(0, 17) + 1, 4, 3],
      [at(1, 9), at(1, 9) + 1, 1, 1],
    ]);
  });

  test('is of who sent the requests, and knows in whose name', () => {
    const as = { username: 'system:kube-controller-manager', uid: '', groups: [], extra: [] };
    const [finding] = found([asked('alice', `get ${PODS}/p`, at(0, 9), { impersonatedUser: as })], 'D29');
    expect(finding).toMatchObject({ subject: { name: 'alice' }, as: as.username });
  });

  test('of a window names who it is about', () => {
    const refused = refusedDeletes('eve', 12, at(0, 3));
    expect(found(refused, 'D03')).toMatchObject([
      {
        kind: 'window',
        startUs: at(0, 3),
        endUs: at(0, 3) + WINDOW_US,
        says: 'eve: 12 refused, of about 12 different paths, in 5 min; more than 10 are told',
      },
    ]);
    expect(found(refusedDeletes('eve', 10, at(0, 3)), 'D03')).toEqual([]);
  });

  test('holds where its key is known too, if the catalogue says so', () => {
    const review = 'create /apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const daily = (who: string): AuditEvent[] =>
      Array.from({ length: 10 }, (_, day) => asked(who, review, at(day, 9)));
    expect(found(daily(CI), 'D06')).toHaveLength(10);
    expect(found(daily('alice'), 'D06')).toEqual([]);
  });

  test('is none of a part of the system', () => {
    const flood = many(
      500,
      (name, us) => asked('system:kube-scheduler', `create ${PODS}/${name}/binding`, us),
      at(10, 3),
    );
    expect(found([...heartbeat(at(0, 0), at(11, 0)), ...flood], 'D50')).toEqual([]);
  });
});

describe('what is found', () => {
  const requests = fc.record({
    who: fc.constantFrom('alice', 'bob', CI, 'system:node:n', ''),
    what: fc.constantFrom(
      `delete ${PODS}/NAME`,
      `get ${SECRETS}/NAME`,
      'list /api/v1/secrets',
      `create ${PODS}/NAME/exec?command=sh`,
      'create /apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      'get /metrics',
    ),
    hours: fc.nat({ max: 24 * 60 }),
    isRefused: fc.boolean(),
    copies: fc.integer({ min: 1, max: 40 }),
  });
  const logs = fc
    .array(requests, { maxLength: 12 })
    .map((all) =>
      all.flatMap(({ who, what, hours, isRefused, copies }) =>
        many(
          copies,
          (name, us) => asked(who, what.replace('NAME', name), us, isRefused ? REFUSED : {}),
          MONDAY_US + hours * HOUR_US,
        ),
      ),
    );

  test('is the same in any order of the events, and however often each comes', () => {
    fc.assert(
      fc.property(logs, fc.infiniteStream(fc.nat()), (events, keys) => {
        const all = [...heartbeat(MONDAY_US, MONDAY_US + 3 * DAY_US), ...events];
        const key = new Map(all.map((event) => [event, keys.next().value as number]));
        const shuffled = [...all, ...events].sort((a, b) => (key.get(a) ?? 0) - (key.get(b) ?? 0));
        expect(detected(shuffled)).toEqual(detected(all));
      }),
      { numRuns: 60 },
    );
  });
});
