import { describe, expect, test } from 'vitest';

import type { DetectionFinding, Detections } from '../detect/index.ts';
import { detectedIn, detectionNotes } from './detections.ts';
import { MONDAY_9_US } from './testing/events.ts';

const DAY_US = 86_400_000_000;
const HOUR_US = 3_600_000_000;
const MONDAY = Math.floor(MONDAY_9_US / DAY_US);

/** A secret that alice changed on a day at some hour, changed as given. */
function finding(day: number, hour: number, overrides: Partial<DetectionFinding> = {}): DetectionFinding {
  const startUs = MONDAY_9_US + day * DAY_US + hour * HOUR_US;
  return {
    id: 'D12',
    kind: 'event',
    severity: 'LOW',
    title: 'Secret changed',
    subject: { kind: 'User', namespace: '', name: 'alice' },
    startUs,
    endUs: startUs + 1,
    says: `alice: on day ${day} at ${hour}`,
    as: '',
    count: 1,
    samples: [{ us: startUs, auditID: `id-${day}-${hour}` }],
    ...overrides,
  };
}

function whys(findings: readonly DetectionFinding[], fromDay?: number, toDay?: number): string[] {
  return detectedIn(findings, { fromDay, toDay }).map(({ why }) => why);
}

describe('findings in a report', () => {
  test('are one for a subject, a detection and a day: the gravest, with how often it was found', () => {
    const bob = { kind: 'User', namespace: '', name: 'bob' } as const;
    const all = [
      finding(0, 0),
      finding(0, 1, { severity: 'MEDIUM', count: 3 }),
      finding(0, 2, { severity: 'MEDIUM' }),
      finding(0, 3, { subject: bob }),
      finding(0, 4, { id: 'D13' }),
      finding(1, 0),
    ];
    expect(detectedIn(all, {}).map(({ why, severity, times, days }) => [why, severity, times, days])).toEqual(
      [
        ['alice: on day 0 at 1; 5 such on that day.', 'medium', 5, 1],
        ['alice: on day 1 at 0.', 'low', 1, 1],
        ['alice: on day 0 at 3.', 'low', 1, 1],
        ['alice: on day 0 at 4.', 'low', 1, 1],
      ],
    );
  });

  test('that come on three days are one habit; two days are none', () => {
    const days = (count: number): DetectionFinding[] =>
      Array.from({ length: count }, (_, day) => finding(day, 0, { count: 1000 }));
    expect(whys(days(2))).toHaveLength(2);
    const [habit, ...others] = detectedIn(days(4), {});
    expect(others).toEqual([]);
    expect(habit).toMatchObject({
      why: 'alice: on day 0 at 0; 1,000 such on that day, 3,000 on 3 other days.',
      times: 4000,
      days: 4,
      auditIDs: ['id-0-0'],
    });
  });

  test('of a habit are told by the gravest day', () => {
    const all = [finding(0, 0), finding(1, 0, { severity: 'HIGH' }), finding(2, 0)];
    expect(detectedIn(all, {})).toMatchObject([{ severity: 'high', atUs: MONDAY_9_US + DAY_US }]);
  });

  test.each(['spike', 'hours'] as const)('of kind %s are told on each day', (kind) => {
    expect(whys([0, 1, 2, 3].map((day) => finding(day, 0, { kind })))).toHaveLength(4);
  });

  test('are those that begin in the period', () => {
    const all = [finding(0, 0), finding(1, 0), finding(2, 0)];
    expect(whys(all, MONDAY + 1, MONDAY + 1)).toEqual(['alice: on day 1 at 0.']);
    expect(whys(all, MONDAY + 1)).toHaveLength(2);
    expect(whys(all, undefined, MONDAY)).toHaveLength(1);
  });

  test('name the person in whose name it was done, for a pseudonym to take the place', () => {
    const others = (as: string): unknown => detectedIn([finding(0, 0, { as })], {})[0]?.others;
    expect(others('bob')).toEqual([{ kind: 'User', namespace: '', name: 'bob' }]);
    expect([others(''), others('system:serviceaccount:ns:bot'), others('system:masters')]).toEqual([
      [],
      [],
      [],
    ]);
  });
});

describe('what detections could not see', () => {
  const nothing: Detections = { findings: [], beyond: new Map(), gaps: [], days: 30, newestDay: MONDAY };
  const rest = (changed: Partial<Detections>): string[] =>
    detectionNotes({ ...nothing, ...changed }).slice(1);

  test('is what needs bodies or addresses, in one sentence', () => {
    expect(detectionNotes(nothing)).toEqual([
      'Blind, since bodies are not decoded: D19, D21, D23, D24, D25, D36, D43; since source addresses are not: D02, D39.',
    ]);
  });

  test('is what is learnt first, where the log is short', () => {
    expect(rest({ days: 1 })[0]).toMatch(/^The log has 1 day: spikes/);
    expect(rest({ days: 7 })[0]).toMatch(/^The log has 7 days: spikes/);
    expect(rest({ days: 8 })).toEqual([]);
    expect(rest({ days: 0 })).toEqual([]);
  });

  test('is the time before baselines, where the log is long', () => {
    expect(rest({ days: 45 })).toEqual([]);
    expect(rest({ days: 46 })).toEqual([
      'Spikes and unusual hours were looked for from 2026-10-03 on: the last 45 days.',
    ]);
  });

  test('is when the log was silent', () => {
    const gap = { startUs: MONDAY_9_US, endUs: MONDAY_9_US + 1.5 * HOUR_US };
    expect(rest({ gaps: [gap] })[0]).toMatch(
      /^The log is silent once for more than an hour, 1\.5 hours in all/,
    );
    expect(rest({ gaps: [gap, gap] })[0]).toMatch(/^The log is silent 2 times .* 3\.0 hours in all/);
  });

  test('is what is beyond the bounds of a detection', () => {
    expect(
      rest({
        beyond: new Map([
          ['D53', 1234],
          ['D04', 1],
        ]),
      }),
    ).toEqual([
      '1 request was beyond what detection D04 tells apart.',
      '1,234 requests were beyond what detection D53 tells apart.',
    ]);
  });
});
