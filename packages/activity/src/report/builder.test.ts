import type { AuditEvent } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { MAX_ACTORS } from '../traces/activity-day.ts';
import type { Detected } from './detected.ts';
import { as, asked, builderOf, MONDAY_9_US, REFUSED, reported } from './testing/events.ts';

const PODS = '/api/v1/namespaces/web/pods';
const SECRETS = '/api/v1/namespaces/web/secrets';
const NOON_DAY = Math.floor(MONDAY_9_US / 86_400_000_000);
const DAY_SECONDS = 86_400;

/** What a detector found, changed as given. */
function detected(overrides: Partial<Detected> = {}): Detected {
  return {
    severity: 'low',
    atUs: 0,
    untilUs: 300_000_000,
    subject: undefined,
    others: [],
    title: 'Spike',
    why: '212 in 5 min.',
    detection: 'D50',
    times: 1,
    days: 1,
    auditIDs: [],
    ...overrides,
  };
}

const uris = fc.constantFrom(
  `get ${PODS}/a`,
  `list ${PODS}`,
  `delete ${PODS}/a`,
  `get ${SECRETS}/s`,
  'list /api/v1/secrets',
  `create ${PODS}/a/exec?command=sh`,
  `patch ${PODS}/a?fieldManager=kubectl-edit`,
  'patch /api/v1/nodes/n',
  'get /version',
);
const events = fc.array(
  fc
    .record({
      what: uris,
      at: fc.nat({ max: 400 }),
      user: fc.constantFrom('alice', 'bob', 'system:serviceaccount:ci:bot', 'system:node:n'),
      isRefused: fc.boolean(),
      as: fc.constantFrom('', '', 'carol'),
      userAgent: fc.constantFrom('kubectl/v1.34.1 (linux/amd64)', 'helm/3.14', 'kubectl-dispatcher/v1.0'),
    })
    .map(({ what, at, user, isRefused, as: name, userAgent }) =>
      asked(what, at, { user, userAgent, ...(isRefused ? REFUSED : {}), ...(name === '' ? {} : as(name)) }),
    ),
  { maxLength: 40 },
);

/** All stages of a long request, as some are logged twice. */
function withStages(all: readonly AuditEvent[]): AuditEvent[] {
  return all.flatMap((event) => [event, { ...event, stage: 'ResponseStarted' as const, code: 101 }, event]);
}

describe('a report', () => {
  test('is the same in any order, and however often and in how many stages an event comes', () => {
    fc.assert(
      fc.property(events, fc.boolean(), fc.infiniteStream(fc.nat()), (all, hasAllClients, keys) => {
        const options = { hasAllClients, officeHours: { from: 8, to: 18 } };
        const key = new Map(withStages(all).map((event) => [event, keys.next().value as number]));
        const shuffled = withStages(all).sort((a, b) => (key.get(a) ?? 0) - (key.get(b) ?? 0));
        expect(reported(shuffled, options)).toEqual(reported(all, options));
      }),
    );
  });

  test('adds up: requests of people and others are all that was asked with kubectl', () => {
    fc.assert(
      fc.property(events, (all) => {
        const { people, totals } = reported(all);
        const sum = (of: (person: (typeof people)[number]) => number) =>
          people.reduce((n, person) => n + of(person), 0);
        expect(sum(({ requests }) => requests)).toBe(totals.requests);
        expect(sum(({ verbs }) => verbs.reduce((n, { requests }) => n + requests, 0))).toBe(totals.requests);
        expect(sum(({ refused }) => refused)).toBe(totals.refused);
        expect(people.every(({ name }) => !name.startsWith('system:node'))).toBe(true);
      }),
    );
  });

  test('leaves the requests of other clients out, and says how many', () => {
    const all = [asked(`get ${PODS}/a`), asked(`get ${PODS}/b`, 1, { userAgent: 'curl/8', ...REFUSED })];
    const report = reported(all);
    expect(report.totals.requests).toBe(1);
    expect(report.blindSpots[0]).toBe(
      '1 request of people came with clients other than kubectl (1 of them refused) and are not in this report.',
    );
    const [person] = reported(all, { hasAllClients: true }).people;
    expect(person?.commands.rows.map(({ text }) => text)).toEqual([
      'get pods -n web',
      'kubectl get pods -n web',
    ]);
  });

  test('has service accounts that used kubectl, and no others', () => {
    const account = { user: 'system:serviceaccount:ci:bot' };
    const all = [
      asked(`get ${PODS}/a`, 0, account),
      asked(`get ${PODS}/a`, 1, {
        user: 'system:serviceaccount:ci:operator',
        userAgent: 'manager/v1 (linux/amd64)',
      }),
    ];
    expect(reported(all, { hasAllClients: true }).people.map(({ name, kind }) => [name, kind])).toEqual([
      ['system:serviceaccount:ci:bot', 'serviceaccount'],
    ]);
  });

  test('counts the period alone; what came before tells what was done for the first time', () => {
    const all = [
      asked(`get ${PODS}/a`, -DAY_SECONDS),
      asked(`get ${PODS}/a`, 1),
      asked(`delete ${PODS}/a`, 2),
      asked(`delete ${PODS}/b`, DAY_SECONDS),
    ];
    const report = reported(all, { fromDay: NOON_DAY, toDay: NOON_DAY });
    expect(report.period).toEqual({ from: '2026-11-16', to: '2026-11-16' });
    expect(report.totals.requests).toBe(2);
    expect(report.people[0]?.firstSeen).toEqual([
      { verb: 'delete', resource: 'pods', firstUs: MONDAY_9_US + 2_000_000 },
    ]);
    expect(reported(all).people[0]?.firstSeen).toBeUndefined();
  });

  test('tells office hours in the zone that is given', () => {
    const timeOf = (us: number) => ({ day: NOON_DAY, hour: us === MONDAY_9_US ? 18 : 17 });
    const all = [asked(`delete ${PODS}/a`), asked(`delete ${PODS}/b`, 900)];
    const report = reported(all, { officeHours: { from: 8, to: 18 }, timeZone: { name: 'There', timeOf } });
    expect(report.people[0]?.offHours).toEqual({ requests: 1, refused: 0, changes: 1 });
    expect(report.heat[0]?.requests[18]).toBe(1);
    expect(report.unusual.map(({ title }) => title)).toEqual(['Changes outside of office hours']);
  });

  test('keeps what was done when a flood of refusals is too much to tell apart', () => {
    const flood = Array.from({ length: 25_000 }, (_, index) =>
      asked(`delete ${PODS}/p${index}`, index / 1000, REFUSED),
    );
    const { people, blindSpots } = reported([...flood, asked(`create ${PODS}/a/exec?command=id`, 100)]);
    expect(people[0]?.execs.rows.map(({ text }) => text)).toEqual(['kubectl exec pods -n web -- id']);
    expect([people[0]?.requests, people[0]?.untold]).toEqual([25_001, 15_001]);
    expect(blindSpots[0]).toContain('15,001 requests');
  });

  test('tells so many actors apart, the same ones in any order, and sums the others up', () => {
    const all = Array.from({ length: MAX_ACTORS + 50 }, (_, index) =>
      asked(`get ${PODS}/a`, index, { user: `u${index}` }),
    );
    const report = reported(all);
    expect([report.people.length, report.others]).toEqual([MAX_ACTORS, { requests: 50, refused: 0 }]);
    expect(reported(all.toReversed())).toEqual(report);
  });

  test('puts changes of one kind right after each other into one row, in time', () => {
    const all = [
      ...Array.from({ length: 12 }, (_, index) => asked(`delete ${SECRETS}/s${index}`, index, REFUSED)),
      asked(`patch ${PODS}/a?fieldManager=kubectl-edit`, 5, { user: 'bob', code: 409 }),
      asked(`delete ${SECRETS}/s1`, 300, REFUSED),
    ];
    expect(
      reported(all).changes.map(({ who, text, count, outcome, code }) => [who, text, count, outcome, code]),
    ).toEqual([
      ['alice', 'kubectl delete secrets -n web', 12, 'refused', 403],
      ['bob', 'kubectl edit pods/a -n web', 1, 'failed', 409],
      ['alice', 'kubectl delete secrets/s1 -n web', 1, 'refused', 403],
    ]);
  });

  test('takes a dry run and a review for no change', () => {
    const all = [
      asked(`delete ${PODS}/a?dryRun=All`),
      asked('create /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 9),
    ];
    expect(reported(all).changes).toEqual([]);
  });
});

describe('what is unusual', () => {
  test('ten refused deletions are a burst, nine are none', () => {
    const deletes = (count: number) =>
      reported(Array.from({ length: count }, (_, index) => asked(`delete ${PODS}/p${index}`, index, REFUSED)))
        .unusual;
    expect(deletes(9)).toEqual([]);
    expect(deletes(10)).toMatchObject([
      {
        severity: 'high',
        atUs: MONDAY_9_US,
        who: 'alice',
        title: 'Burst of refused deletions',
        why: '10 deletions were refused within 9 seconds: 10 pods in web.',
      },
    ]);
  });

  test.each([
    ['medium', 'Tried to list the secrets of all namespaces', asked('list /api/v1/secrets', 0, REFUSED)],
    ['high', 'Listed the secrets of all namespaces', asked('list /api/v1/secrets')],
    ['medium', 'Acted in the name of somebody else', asked(`get ${PODS}/a`, 0, as('bob'))],
    ['medium', 'Works as system:masters', asked(`get ${PODS}/a`, 0, { groups: ['system:masters'] })],
    [
      'high',
      'Reached for credentials or a way out of a pod',
      asked(`create ${PODS}/a/exec?command=cat&command=/var/run/secrets/kubernetes.io/serviceaccount/token`),
    ],
  ])('%s: %s', (severity, title, event) => {
    expect(reported([event]).unusual).toMatchObject([{ severity, title, who: 'alice' }]);
  });

  test('is not said twice of what a detection found of the same actor', () => {
    const builder = builderOf([
      asked('list /api/v1/secrets'),
      asked('list /api/v1/secrets', 9, { user: 'bob' }),
    ]);
    const subject = { kind: 'User', namespace: '', name: 'alice' } as const;
    const titles = (detection: string): string[] =>
      builder.build([detected({ subject, detection })]).unusual.map(({ who, title }) => `${who}: ${title}`);
    const listed = 'Listed the secrets of all namespaces';
    expect(titles('D07')).toEqual([`bob: ${listed}`, 'alice: Spike']);
    expect(titles('D08')).toEqual([`alice: ${listed}`, `bob: ${listed}`, 'alice: Spike']);
  });

  test('what detectors found stands among it, the gravest first', () => {
    const subject = { kind: 'User', namespace: '', name: 'bob' } as const;
    const found = detected({ severity: 'high', atUs: 1, subject });
    const { unusual } = builderOf([asked(`get ${PODS}/a`, 0, as('bob'))]).build([found]);
    expect(unusual.map(({ who, title }) => [who, title])).toEqual([
      ['bob', 'Spike'],
      ['alice', 'Acted in the name of somebody else'],
    ]);
  });
});

describe('pseudonyms', () => {
  const pseudonymOf = (name: string): string => `person-${name.length}`;
  const all = [
    asked(`get ${PODS}/a`, 0, { user: 'dana@example.com', ...as('eri lang, DC=x') }),
    asked(`delete /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/dana@example.com`, 20, {
      user: 'carol-x',
    }),
    asked(`create ${PODS}/a/exec?command=su&command=dana@example.com`, 40, { user: 'carol-x' }),
    asked(`list /api/v1/namespaces/carol-x/pods`, 60, { user: 'carol-x' }),
  ];

  test('stand in the place of names wherever these stand as words', () => {
    const subject = { kind: 'User', namespace: '', name: 'zoe.z' } as const;
    const other = { kind: 'User', namespace: '', name: 'yan' } as const;
    const why = 'zoe.z did what carol-x, and dana@example.com, did, as yan.';
    const report = builderOf(all, { pseudonymOf }).build([detected({ subject, why, others: [other] })]);
    const text = JSON.stringify(report);
    for (const name of ['dana@example.com', 'eri lang', 'carol-x', 'zoe.z']) expect(text).not.toContain(name);
    expect(report.isPseudonymous).toBe(true);
    expect(report.unusual.map((row) => row.why)).toContain(
      'person-5 did what person-7, and person-16, did, as person-3.',
    );
    expect(report.people.map(({ name }) => name)).toEqual(['person-7', 'person-16']);
  });

  test('leave service accounts their names', () => {
    const account = { user: 'system:serviceaccount:ci:bot' };
    expect(reported([asked(`get ${PODS}/a`, 0, account)], { pseudonymOf }).people[0]?.name).toBe(
      'system:serviceaccount:ci:bot',
    );
  });
});
