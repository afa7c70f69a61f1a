// A report of a state is the report of the log, to the byte.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import { activityReport, ActivityReportBuilder } from '@leastwise/activity';
import { attribute, type AuditEvent, createAttributeContext, RecordReader } from '@leastwise/audit-event';
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

describe('the report of a state', () => {
  const folder = useFolder();
  const events = recorded();
  const wanted = ofLog(events);

  it.each([1, 2, 3])('is that of the log, in any order, with copies, in any portions: %i', async (seed) => {
    const random = createRandom(seed);
    const copies = events.filter(() => random.next() < 0.1);
    const shuffled = random.shuffle([...events, ...copies]);
    const at = `${folder.dir}/${seed}`;
    for (let from = 0; from < shuffled.length;) {
      // Opened anew for each portion, as `run` does.
      await using store = await openEmbeddedStore({ dir: at });
      const claim = await store.claim('log');
      const gathering = new Gathering(claim, { hasWindows: true, observe: { deniedAs: 'denied' } });
      const size = 1 + Math.floor(random.next() * shuffled.length * 0.4);
      for (const event of shuffled.slice(from, from + size)) gathering.add(event, 'main');
      from += size;
      const batch = { claim, from: claim.position, to: String(from), deltas: gathering.take() };
      expect(await store.applyBatch(batch)).toBe('applied');
    }
    await using store = await openEmbeddedStore({ dir: at });
    const states = await store.activity();
    expect(plainDays(states)).not.toEqual([]);
    const [state] = states;
    expect(JSON.stringify(activityReport(state?.days.values() ?? [], OPTIONS))).toBe(wanted);
    expect(wanted).toContain('kubectl');
  });
});
