// `leastwise report kubectl` over two weeks: it names who did what, and tells a burst in the night from a day's work.
import { beforeAll, describe, expect, test } from 'vitest';

import { leastwise } from '../integration/support/leastwise.ts';
import { linesIn, RECORDINGS } from '../integration/support/real-logs.ts';
import { ownFolder, written } from '../integration/support/folders.ts';
import { type Burst, spreadOverTwoWeeks, type TwoWeeks } from './two-weeks.ts';

const folder = ownFolder();

interface Row {
  readonly severity: string;
  readonly at: string;
  readonly until: string | null;
  readonly who: string;
  readonly title: string;
  readonly why: string;
  readonly detection: string | null;
  readonly times: number;
  readonly days: number;
  readonly auditIDs: readonly string[];
}

interface Json {
  readonly people: readonly { readonly name: string; readonly kind: string }[];
  readonly unusual: readonly Row[];
  readonly moreUnusual: number;
  readonly blindSpots: readonly string[];
}

const WINDOW_MS = 300_000;

describe.each(RECORDINGS)('two weeks of %s', (_, recording) => {
  let weeks: TwoWeeks;
  let report: Json;
  let path: string;

  async function reported(...flags: string[]): Promise<string> {
    const { code, stdout, stderr } = await leastwise(['report', 'kubectl', '-f', path, ...flags]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  }

  beforeAll(async () => {
    weeks = spreadOverTwoWeeks(await linesIn(recording));
    path = await written(folder('audit.log'), weeks.log);
    report = JSON.parse(await reported('-o', 'json', '--office-hours', '8-18')) as Json;
  });

  function rowsOf(detection: string | null, who?: string): Row[] {
    return report.unusual.filter(
      (row) => row.detection === detection && (who === undefined || row.who === who),
    );
  }

  /** Whether a window of five minutes is one that a burst is in. */
  function isIn({ at, until }: Row, { fromUs, toUs }: Burst): boolean {
    const [start, end] = [Date.parse(at), Date.parse(until ?? '')];
    return end - start === WINDOW_MS && start * 1000 <= toUs && fromUs < end * 1000;
  }

  test('names everybody who used kubectl', () => {
    expect(report.people.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'person admin',
      'person breakglass',
      'person dana@example.com',
      'person eri@example.com',
      'person intruder',
      'serviceaccount system:serviceaccount:alpha-pay:ci-bot',
    ]);
  });

  test('names the intruder with the bursts of refused deletions, of each night', () => {
    expect(rowsOf(null, 'intruder')).toMatchObject([
      { severity: 'high', title: '5 bursts of refused deletions' },
      { severity: 'medium', title: 'Tried to list the secrets of all namespaces' },
    ]);
    const refused = rowsOf('D03', 'intruder');
    expect(refused).toHaveLength(weeks.nights.length);
    for (const [index, bursts] of weeks.nights.entries()) {
      const row = refused[index];
      expect(row && bursts.some((burst) => isIn(row, burst))).toBe(true);
      expect(row?.auditIDs.length).toBeGreaterThan(0);
    }
  });

  test('tells the second night as a spike, in the window of five minutes that the burst is in', () => {
    const [row, ...others] = rowsOf('D50');
    expect(others).toEqual([]);
    expect(row).toMatchObject({ who: 'intruder', severity: 'high', times: expect.any(Number) as number });
    const [first] = weeks.nights[1] ?? [];
    expect(row && first && isIn(row, first)).toBe(true);
    expect(row?.why).toMatch(
      /^intruder, delete (?:secrets|pods): \d+ in 5 min; usual at Thu 03:00 is .*; p<1e-\d+/,
    );
  });

  test('tells no spike and no unusual hour of office hours and the nightly job', () => {
    const quiet = ['dana@example.com', 'eri@example.com', 'system:serviceaccount:alpha-pay:ci-bot'];
    expect(rowsOf('D50').filter(({ who }) => quiet.includes(who))).toEqual([]);
    expect(rowsOf('D51')).toEqual([]);
  });

  test('names who acted in the name of somebody else', () => {
    const rows = report.unusual.filter(({ title }) => title === 'Acted in the name of somebody else');
    expect(rows).toMatchObject([
      { who: 'breakglass', why: expect.stringContaining('--as dana@example.com') as string },
    ]);
  });

  test('has one finding for each subject, detection and day', () => {
    const keys = report.unusual.map(({ detection, who, at }) =>
      detection === null ? '' : `${detection} ${who} ${at.slice(0, 10)}`,
    );
    const found = keys.filter((key) => key !== '');
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBeGreaterThan(5);
  });

  test('tells a habit once, with the number of its days', () => {
    const [row, ...others] = rowsOf('D26', 'eri@example.com');
    expect(others).toEqual([]);
    expect(row).toMatchObject({ days: 10, why: expect.stringContaining(' on 9 other days.') as string });
  });

  test('says which detections were blind', () => {
    expect(report.blindSpots).toContain(
      'Blind, since bodies are not decoded: D19, D21, D23, D24, D25, D36, D43; since source addresses are not: D02, D39.',
    );
  });

  test('is the same bytes in any order of the log', async () => {
    const before = await reported('-o', 'json');
    const lines = weeks.log.trimEnd().split('\n');
    path = await written(folder('audit.log'), `${lines.toReversed().join('\n')}\n`);
    // The other forms are made of the same report.
    expect(await reported('-o', 'json')).toBe(before);
  });

  test('has no findings of detections where they are left out, and says so', async () => {
    const without = JSON.parse(await reported('-o', 'json', '--no-detections')) as Json;
    expect(without.unusual.filter(({ detection }) => detection !== null)).toEqual([]);
    expect(without.blindSpots).toContain('Detections were left out.');
  });

  test('tells of a day what it knows by the days before', async () => {
    const night = JSON.parse(
      await reported('-o', 'json', '--from', '2026-03-12', '--to', '2026-03-12'),
    ) as Json;
    const days = new Set(night.unusual.map(({ at }) => at.slice(0, 10)));
    expect([...days]).toEqual(['2026-03-12']);
    expect(night.unusual.map(({ detection, who }) => `${String(detection)} ${who}`)).toContain(
      'D50 intruder',
    );
  });
});
