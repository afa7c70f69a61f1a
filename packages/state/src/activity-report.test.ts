// A report of a state is the report of the log, to the byte.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import {
  activityReport,
  ActivityReportBuilder,
  createCalendar,
  dayFindings,
  Detecting,
  type DetectionFinding,
  KEPT_DETECTIONS,
  TRACE_RETENTION,
} from '@leastwise/activity';
import { attribute, type AuditEvent, createAttributeContext, RecordReader } from '@leastwise/audit-event';
import { firstDaysIn } from '@leastwise/rbac';
import { createRandom } from '@leastwise/testkit';
import { describe, expect, it } from 'vitest';

import { plainDays } from './conformance/days.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { Gathering } from './gathering.ts';
import { useFolder } from './testing/folder.ts';

const OPTIONS = { cluster: 'main', officeHours: { from: 8, to: 18 } };

function recorded(): AuditEvent[] {
  const events: AuditEvent[] = [];
  const reader = new RecordReader({
    event: (event) => {
      events.push(event);
    },
    skipped: () => undefined,
    bad: () => undefined,
  });
  reader.push(gunzipSync(readFileSync(new URL('../../../examples/audit.log.gz', import.meta.url))));
  reader.end();
  return events;
}

function ofLog(events: readonly AuditEvent[]): string {
  const builder = new ActivityReportBuilder({ ...OPTIONS, seen: new FingerprintSet() });
  const context = createAttributeContext({ keyHex: '0001020304050607' });
  for (const event of events) builder.add(event, attribute(event, 'main', context));
  return JSON.stringify(builder.build());
}

const DAY_US = 86_400_000_000;

/** The findings of detections that a state keeps, as they are found in the log. */
function foundInLog(events: readonly AuditEvent[]): DetectionFinding[] {
  const calendar = createCalendar('UTC');
  if (calendar === undefined) throw new Error('UTC is not known');
  const context = createAttributeContext({ keyHex: '0001020304050607' });
  // Different texts are counted by windows alone, which are not asked about.
  const hash = (): { hi: number; lo: number } => ({ hi: 0, lo: 0 });
  const detecting = new Detecting({ calendar, hash, seen: new FingerprintSet() });
  for (const event of events) detecting.add(event, attribute(event, 'main', context));
  const ids = KEPT_DETECTIONS.map(({ id }) => id);
  return detecting.detections().findings.filter(({ id }) => ids.includes(id));
}

/** The recording once more on later days; then service accounts have other programs, and no pods. */
function againOn(events: readonly AuditEvent[], days: number, isOdd: boolean): AuditEvent[] {
  return events.map((event) => ({
    ...event,
    shape: undefined,
    auditID: `${event.auditID}+${days}`,
    receivedAtUs: event.receivedAtUs + days * DAY_US,
    ...(isOdd ? { userAgent: 'Curl/8.5', user: { ...event.user, extra: [] } } : {}),
  }));
}

describe('the report of a state', () => {
  const folder = useFolder();
  const events = recorded();
  const wanted = ofLog(events);

  /** What a state keeps of events in some order, in portions of some size. */
  async function stored(all: readonly AuditEvent[], at: string, sizeOf: () => number) {
    for (let from = 0; from < all.length;) {
      // Opened anew for each portion, as `run` does.
      await using store = await openEmbeddedStore({ dir: at });
      const claim = await store.claim('log');
      const gathering = new Gathering(claim, { hasWindows: true, observe: { deniedAs: 'denied' } });
      const size = sizeOf();
      for (const event of all.slice(from, from + size)) gathering.add(event, 'main');
      from += size;
      const batch = { claim, from: claim.position, to: String(from), deltas: gathering.take() };
      expect(await store.applyBatch(batch)).toBe('applied');
    }
    await using store = await openEmbeddedStore({ dir: at });
    return await store.whole();
  }

  it.each([1, 2, 3])('is that of the log, in any order, with copies, in any portions: %i', async (seed) => {
    const random = createRandom(seed);
    const copies = events.filter(() => random.next() < 0.1);
    const shuffled = random.shuffle([...events, ...copies]);
    const sizeOf = (): number => 1 + Math.floor(random.next() * shuffled.length * 0.4);
    const { activity, clusters } = await stored(shuffled, `${folder.dir}/${seed}`, sizeOf);
    expect(plainDays(activity)).not.toEqual([]);
    const [state] = activity;
    const days = state?.days ?? new Map<number, never>();
    expect(JSON.stringify(activityReport(days.values(), OPTIONS))).toBe(wanted);
    expect(wanted).toContain('kubectl');
    const [cluster] = clusters;
    if (cluster === undefined) throw new Error('no cluster');
    const found = dayFindings(days.values(), firstDaysIn(cluster));
    expect(found.findings).toEqual(foundInLog(shuffled));
    expect(new Set(found.findings.map(({ id }) => id)).size).toBeGreaterThan(5);
    expect(found.beyond.size).toBe(0);
  });

  it('has what was refused before anybody was asked, of programs too, once for all copies', async () => {
    const [any] = events;
    if (any === undefined) throw new Error('no events');
    const refused: AuditEvent = {
      ...{ ...any, shape: undefined, auditID: 'r1', code: 403, decision: '', userAgent: 'bot/1' },
      user: { ...any.user, username: 'system:serviceaccount:ci:bot', groups: [] },
      statusMessage: 'users "root" is forbidden: User "bot" cannot impersonate resource "users"',
    };
    const more = [refused, refused, { ...refused, auditID: 'r2' }];
    // Of a cluster of which no request is counted, too.
    for (const all of [[any, ...more], more]) {
      const { activity } = await stored(all, `${folder.dir}/refused-${all.length}`, () => 1);
      const { findings } = dayFindings(activity[0]?.days.values() ?? [], () => Infinity);
      const refusals = findings.filter(({ id }) => id === 'D29');
      expect(refusals).toMatchObject([{ severity: 'HIGH', count: 2 }]);
      expect(findings).toEqual(foundInLog(all));
    }
  });

  it('has what is new by the days before it, as the log has', async () => {
    const all = [0, 8, 20, 33].flatMap((day) => againOn(events, day, day === 33));
    const random = createRandom(4);
    const shuffled = random.shuffle(all);
    const { activity, clusters } = await stored(shuffled, `${folder.dir}/weeks`, () => 5000);
    const [state] = activity;
    const [cluster] = clusters;
    if (state === undefined || cluster === undefined) throw new Error('no cluster');
    const newest = Math.max(...state.days.keys());
    const isKept = ({ startUs }: DetectionFinding): boolean =>
      startUs >= (newest - TRACE_RETENTION.days + 1) * DAY_US;
    const found = dayFindings(state.days.values(), firstDaysIn(cluster)).findings.filter(isKept);
    expect(found).toEqual(foundInLog(shuffled).filter(isKept));
    expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(['D06', 'D09', 'D35']));
  });
});
