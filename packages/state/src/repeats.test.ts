import {
  attribute,
  type AuditEvent,
  createAttributeContext,
  type DecodeSink,
  encodeEvent,
  RecordReader,
} from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { plainDays } from './conformance/days.ts';
import { plainTold } from './conformance/matches.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { type Gathered, Gathering, type GatherOptions } from './gathering.ts';
import { Repeats, type RunTarget } from './repeats.ts';
import type { Claim, Deltas } from './types.ts';

const HOUR_US = 3_600_000_000;
const T0 = Date.UTC(2026, 0, 5, 23, 50) * 1000;

/** Readers remember shapes from some dozens of events on, so there is one of each for all tests. */
class Way {
  /** How many were taken without an event. */
  unmade = 0;
  /** In how many batches there is something to tell of a window. */
  found = 0;
  #gathering: Gathering | undefined;
  #became: Gathered[] = [];
  readonly #reader: RecordReader;

  constructor(asksFirst: boolean) {
    const sink: DecodeSink = {
      event: (event, cluster = '-') => {
        if (this.#gathering) this.#became.push(this.#gathering.add(event, cluster));
      },
      skipped: () => undefined,
      bad: (reason) => {
        throw new Error(reason);
      },
    };
    const repeated: DecodeSink['repeated'] = (occurrence, cluster = '-') => {
      if (!this.#gathering) return false;
      const { shape, receivedAtUs, bytes, start, end, auditIDStart, auditIDEnd } = occurrence;
      const place = { bytes, start, end, auditIDStart, auditIDEnd };
      const made: AuditEvent[] = [];
      const event = (): AuditEvent => made[made.push(occurrence.event()) - 1] as AuditEvent;
      this.#became.push(this.#gathering.addRepeated({ shape, receivedAtUs, ...place, event }, cluster));
      if (made.length === 0) this.unmade += 1;
      return true;
    };
    this.#reader = new RecordReader(asksFirst ? { ...sink, repeated } : sink, { clusterField: 'from' });
    this.#reader.readWhole(Buffer.from(`${lineOf({}, {})}\n`.repeat(100)));
  }

  /** What becomes of lines, in batches of some size. */
  gather(lines: readonly string[], claim: Claim, options: GatherOptions, size: number) {
    this.#gathering = new Gathering(claim, options);
    this.#became = [];
    const deltas: unknown[] = [];
    for (let at = 0; at < lines.length; at += size) {
      this.#reader.readWhole(Buffer.from(lines.slice(at, at + size).join('\n')));
      const taken = this.#gathering.take();
      if (plainTold(taken.activity.values()).length > 0) this.found += 1;
      deltas.push(plain(taken));
    }
    return { became: this.#became, deltas };
  }
}

function plain({ counted, resolved, received, ...rest }: Deltas): unknown {
  // What is capped shows nothing of itself to whoever compares.
  const days = plainDays(rest.activity.values());
  const told = plainTold(rest.activity.values());
  return { ...rest, days, told, counted: [...counted], resolved: [...resolved], received: [...received] };
}

function eventOf(event: Partial<AuditEvent>): AuditEvent {
  return {
    ...{ auditID: 'a', stage: 'ResponseComplete', requestURI: '/api/v1/namespaces/dev/pods', verb: 'list' },
    user: app,
    ...{ impersonatedUser: undefined, userAgent: 'app/v1', objectRef: undefined, code: 200 },
    ...{ statusMessage: '', receivedAtUs: T0, decision: 'allow', impersonationConstraint: '' },
    reason: 'RBAC: allowed by ClusterRoleBinding "a" of ClusterRole "b" to User "alice"',
    ...event,
  };
}

function lineOf(event: Partial<AuditEvent>, extra: Readonly<Record<string, string>>): string {
  const whole = eventOf(event);
  const { receivedAtUs } = whole;
  const time = `${new Date(receivedAtUs / 1000).toISOString().slice(0, 20)}${String(receivedAtUs % 1_000_000).padStart(6, '0')}Z`;
  const encoded = JSON.parse(encodeEvent(whole)) as object;
  return JSON.stringify({ ...extra, ...encoded, requestReceivedTimestamp: time });
}

const app = {
  username: 'system:serviceaccount:dev:app',
  uid: '',
  groups: ['system:authenticated'],
  extra: [],
};
const other = { username: 'bob', uid: '', groups: [], extra: [] };
const habit = fc.record({
  requestURI: fc.constantFrom(
    '/api/v1/namespaces/dev/pods/p1',
    '/api/v1/namespaces/dev/pods/p2',
    '/apis/apps/v1/deployments',
    '/healthz',
    '/api/v1/namespaces/gone',
    // Something is found in these.
    '/api/v1/secrets',
    '/api/v1/namespaces/kube-system/secrets',
  ),
  verb: fc.constantFrom('get', 'update', 'delete', 'list'),
  // Of people all requests are kept besides.
  user: fc.constantFrom(app, app, app, { ...app, username: 'alice' }),
  impersonatedUser: fc.constantFrom(undefined, undefined, undefined, other),
  answer: fc.constantFrom(
    { code: 200, decision: 'allow' },
    { code: 201, decision: 'allow' },
    { code: 403, decision: 'forbid' },
    { code: 401, decision: '' },
  ),
  stage: fc.constantFrom('ResponseComplete', 'ResponseComplete', 'ResponseStarted', 'RequestReceived'),
  cluster: fc.constantFrom('a', 'a', 'b'),
});
const step = fc.record({
  which: fc.nat(20),
  // Close together and far apart: within a window, at its edges, on other days, hours late.
  us: fc.oneof(fc.nat(2), fc.nat(40), fc.nat(2 * HOUR_US), fc.nat(80 * HOUR_US)),
  auditID: fc.oneof(
    fc.nat(6).map(String),
    fc.nat(6).map((n) => `${n}${'x'.repeat(60 + n)}`),
  ),
});
const everything: GatherOptions = { hasWindows: true, observe: { deniedAs: 'denied' } };

function claimOf(dedupeHours: number, before: FingerprintSet): Claim {
  return {
    ...{ source: 's', token: 't', position: '0', identityKey: '0123456789abcdef', dedupeHours },
    watermarks: new Map([['a', T0]]),
    isCounted: ({ hi, lo }) => before.has(hi, lo),
  };
}

describe('events that repeat', () => {
  const asking = new Way(true);
  const telling = new Way(false);

  it('become what they become one by one, in any order, with copies, in any batches', () => {
    fc.assert(
      fc.property(
        fc.array(habit, { minLength: 1, maxLength: 4, size: 'max' }),
        fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }),
        fc.constantFrom(1, 2, Infinity),
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom<GatherOptions>(
          everything,
          { ...everything, windowKinds: ['5m'] },
          { observe: { deniedAs: 'allowed' } },
          { ...everything, filters: [], filterDefault: 'deny' },
        ),
        (habits, steps, dedupeHours, size, options) => {
          const lines = steps.map(({ which, us, auditID }) => {
            const { answer, cluster, ...event } = habits[which % habits.length] ?? {};
            const from = cluster === undefined ? {} : { from: cluster };
            return lineOf({ ...event, ...answer, auditID, receivedAtUs: T0 + us }, from);
          });
          const before = new FingerprintSet();
          const claim = claimOf(dedupeHours, before);
          const one = asking.gather(lines, claim, options, size);
          expect(one).toEqual(telling.gather(lines, claim, options, size));
          // Once more, now that the store knows the first half of it.
          const [first] = one.deltas as { counted: { hi: number; lo: number }[] }[];
          for (const { hi, lo } of first?.counted ?? []) before.add(hi, lo);
          expect(asking.gather(lines, claim, options, size)).toEqual(
            telling.gather(lines, claim, options, size),
          );
        },
      ),
      { numRuns: 300 },
    );
    // Some 1,200, by chance.
    expect(asking.unmade).toBeGreaterThan(200);
    // Some 25.
    expect(asking.found).toBeGreaterThan(3);
  });

  it('are all shown to who wants to see every request', () => {
    const lines = [1, 2, 3].map((n) => lineOf({ auditID: `${n}` }, {}));
    const seen: string[] = [];
    const options: GatherOptions = { observe: ({ auditID }, isNew) => void seen.push(`${auditID} ${isNew}`) };
    asking.gather([...lines, ...lines], claimOf(Infinity, new FingerprintSet()), options, 10);
    expect(seen).toEqual(['1 true', '2 true', '3 true', '1 false', '2 false', '3 false']);
  });

  it('are forgotten with all others where there are too many shapes, and none of what was counted is lost', () => {
    const repeats = new Repeats({ deniedAs: 'denied' }, ['5m'], 3);
    const into: RunTarget = { clusters: new Map(), activity: new Map() };
    const shapes = Array.from({ length: 400 }, () => ({}));
    const context = createAttributeContext({ keyHex: '0123456789abcdef' });
    let counted = 0;
    for (const [i, shape] of shapes.entries()) {
      const event = { ...eventOf({ requestURI: `/api/v1/namespaces/n${i}/pods` }), shape };
      const attribution = attribute(event, 'c', context);
      if (attribution.kind !== 'request') throw new Error('unreachable');
      const frame = context.hasher.frameOf(event, 'c');
      repeats.learn(shape, { request: attribution.request, frame, found: undefined }, into);
      for (const each of shapes.slice(Math.max(0, i - 4), i + 1)) {
        const bytes = Buffer.from(event.auditID);
        const place = { bytes, start: 0, end: bytes.length, auditIDStart: 0, auditIDEnd: bytes.length };
        const occurrence = { shape: each, receivedAtUs: T0 + i, ...place, event: () => event };
        const known = repeats.find(occurrence, 'c');
        expect(repeats.find(occurrence, 'd')).toBeUndefined();
        if (!known) continue;
        repeats.add(known, occurrence, into);
        counted += 1;
      }
    }
    repeats.flush(into);
    expect(counted).toBeGreaterThan(700);
    expect(counted).toBeLessThan(1000);
    const rules = [...(into.clusters.get('c')?.subjects.values() ?? [])].flatMap(({ allowed }) => [
      ...allowed.rules.values(),
    ]);
    const sum = rules.flatMap(({ names }) => [...names.values()]).reduce((all, { count }) => all + count, 0);
    expect(sum).toBe(counted);
  });
});
