import { Redis } from 'ioredis';
import fc from 'fast-check';
import { CAPS, type ClusterState, emptyCluster } from '@leastwise/rbac';
import { openEmbeddedStore, StateError, type SubjectStore } from '@leastwise/state';
import { deltasOf, identityOf, NOTHING, type SampleRequest, stateOf } from '@leastwise/state/conformance';
import { lacksRedis, resolveRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { RedisStore, type RedisStoreOptions } from './redis-store.ts';
import { HOSTILE_CLUSTERS, makeLog } from './testing/events.ts';
import { contentOf, expectedOf, plainOf } from './testing/oracle.ts';
import { SOURCE } from './testing/setup.ts';
import { LogWorker } from './testing/worker.ts';

const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;

const isLacking = await lacksRedis();
let redis: Awaited<ReturnType<typeof resolveRedis>>;
let connection: Redis;
let prefix = '';
let run = 0;

beforeAll(async () => {
  if (isLacking) return;
  redis = await resolveRedis();
  connection = new Redis(redis?.url ?? '');
});
afterAll(async () => {
  if (isLacking) return;
  await connection.quit();
  await redis?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  nextPrefix();
});

function nextPrefix(): void {
  run += 1;
  prefix = `lw-partition-${process.pid}-${Date.now()}-${run}:`;
}

/** How many segments there may be: what a state says does not depend on it, so each test has another number. */
const SEGMENTS = [0, 2, 64] as const;
/** Every commit writes its sums. */
const FOLD_ALWAYS = { segments: 0, bytes: 0 };

function open(more: Partial<RedisStoreOptions> = {}): RedisStore {
  const foldLimits = { segments: SEGMENTS[run % SEGMENTS.length] ?? 0, bytes: 1_000_000 };
  return new RedisStore(connection, { prefix, dedupeHours: 2, foldLimits, ...more });
}

const key = (source = SOURCE): string => `${prefix}p:${source}`;

/** Applies requests as one batch, to where the state is. */
async function applyAll(store: SubjectStore, requests: readonly SampleRequest[]): Promise<void> {
  const claim = await store.claim(SOURCE);
  const to = `${Number(claim.position) + 1}`;
  const deltas = deltasOf(requests, claim);
  expect(await store.applyBatch({ claim, from: claim.position, to, deltas })).toBe('applied');
}

describe.skipIf(isLacking)('what is late', () => {
  /** A request at some time of hour 1000 + `hour`, which comes twice. */
  const copies = [990, 997, 998, 999, 1000].flatMap((hour) =>
    [0, 3599].map((second) => [hour, second] as const),
  );

  it.each(copies)(
    'in hour %i, second %i: told from copies within dedupeHours, and late beyond',
    async (hour, second) => {
      const us = hour * HOUR_US + second * 1_000_000;
      const [request] = makeLog({ events: 1, seed: 1, clusters: ['main'] });
      if (!request) throw new Error('no event');
      const event = { ...request, kind: 'allowed' as const };
      const log = [
        { ...event, n: 1, us: Math.min(us, 1000 * HOUR_US) },
        // The newest one, in the last moment of its hour.
        { ...event, n: 2, us: 1001 * HOUR_US - 1 },
        { ...event, n: 1, us: Math.min(us, 1000 * HOUR_US) },
      ];
      for (const size of [1, 3]) {
        nextPrefix();
        await new LogWorker(open(), SOURCE, log).finish(size);
        const plain = await plainOf(connection, key(), 2);
        expect(plain).toEqual(expectedOf(log, 2));
        expect(plain.numbers.late).toBe(hour < 998 ? 1 : 0);
      }
    },
  );

  it('is the same however the log is cut into batches and claims, and nothing of it stays behind', async () => {
    const cuts = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e9 }), cuts, async (seed, steps) => {
        nextPrefix();
        const log = makeLog({ events: 200, seed, clusters: ['main', ...HOSTILE_CLUSTERS] });
        let worker = new LogWorker(open(), SOURCE, log);
        for (const [size, isNewClaim] of steps) {
          expect(await worker.step(size)).not.toBe('setback');
          // Another process: it knows what stands in Redis, and nothing else.
          if (isNewClaim) worker = new LogWorker(open(), SOURCE, log);
        }
        await worker.finish(37);
        expect(await plainOf(connection, key(), 2)).toEqual(expectedOf(log, 2));
        const { garbage, journalled } = await contentOf(connection, key(), 2);
        expect({ garbage: [...garbage], journalled: [...journalled] }).toEqual({
          garbage: [],
          journalled: [],
        });
      }),
      { numRuns: 40 },
    );
  });

  it('is nothing where all came in time, and then all is as in the embedded store', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e9 }),
        fc.integer({ min: 1, max: 90 }),
        async (seed, size) => {
          nextPrefix();
          const log = makeLog({ events: 150, seed, stepUs: 20_000_000, lateUs: HOUR_US });
          const embedded = await openEmbeddedStore({ identityKey: '0123456789abcdef' });
          const store = open({ identityKey: '0123456789abcdef' });
          await new LogWorker(store, SOURCE, log).finish(size);
          await new LogWorker(embedded, SOURCE, log).finish(11);
          expect(await store.read()).toEqual(await embedded.read());
          expect(await store.facts()).toEqual(await embedded.facts());
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is not counted again where dedupeHours was less for a while', async () => {
    const [first] = makeLog({ events: 1, seed: 3, clusters: ['main'] });
    if (!first) throw new Error('no event');
    const event = { ...first, kind: 'allowed' as const };
    const at = (n: number, hour: number): typeof event => ({ ...event, n, us: hour * HOUR_US });
    // Number 1 is forgotten in hour 1003, by a worker that remembers two hours.
    const log = [at(1, 1000), at(2, 1003), at(1, 1000)];
    await new LogWorker(open(), SOURCE, log.slice(0, 2)).finish(1);
    const store = open({ dedupeHours: 9 });
    expect((await store.claim(SOURCE)).dedupeHours).toBe(2);
    await new LogWorker(store, SOURCE, log).finish(1);
    expect(await plainOf(connection, key(), 9)).toEqual(expectedOf(log, 2));
    // Less is always possible.
    expect((await open({ dedupeHours: 1 }).claim(SOURCE)).dedupeHours).toBe(1);
    expect((await open({ dedupeHours: 2 }).claim(SOURCE)).dedupeHours).toBe(1);
  });
});

describe.skipIf(isLacking)('a batch that is more than a command can hold', () => {
  const many = (from: number, count: number): SampleRequest[] =>
    Array.from({ length: count }, (_, i) => ({
      identity: identityOf(from + i),
      subject: { kind: 'User', namespace: '', name: `user-${(from + i) % 8900}` },
      namespace: `ns-${(from + i) % 50}`,
    }));

  it('is there at once, several in a row too, and the journal is written out in time', async () => {
    const store = open({ foldLimits: FOLD_ALWAYS });
    const all: SampleRequest[] = [];
    for (const count of [2000, 4500, 1, 2500]) {
      const next = many(all.length, count);
      all.push(...next);
      await applyAll(store, next);
      expect(await store.read()).toEqual(stateOf(all));
    }
    // What is left has room in one command, and what it had to be read from is emptied.
    for (let i = 0; i < 2; i += 1) await applyAll(store, many(0, 1));
    expect(await connection.hget(key(), 'j')).toBe('');
    expect(await open().read()).toEqual(await store.read());
  });

  it('is whole or not there where its worker dies at any command of it', async () => {
    const all = many(0, 4500);
    let commands = 0;
    for (let limit = 0; commands >= limit; limit += 1) {
      nextPrefix();
      commands = 0;
      const dying = new Proxy(connection, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          if (name !== 'lwCommit') return value.bind(target) as unknown;
          return (...args: unknown[]) => {
            commands += 1;
            if (commands > limit) return Promise.reject(new Error('dead'));
            return Reflect.apply(value, target, args) as unknown;
          };
        },
      });
      const store = new RedisStore(dying, { prefix, dedupeHours: 2, foldLimits: FOLD_ALWAYS });
      const claim = await store.claim(SOURCE);
      const batch = { claim, from: '', to: '1', deltas: deltasOf(all, claim) };
      await store.applyBatch(batch).catch((error: unknown) => {
        expect(String(error)).toMatch(/dead/);
      });
      const after = open();
      expect(await after.read()).toEqual(limit === 0 ? [] : stateOf(all));
      const again = await after.claim(SOURCE);
      expect(again.position).toBe(limit === 0 ? '' : '1');
      const more = deltasOf(many(8000, 10), again);
      expect(await after.applyBatch({ claim: again, from: again.position, to: '2', deltas: more })).toBe(
        'applied',
      );
      expect(await open().read()).toEqual(stateOf([...(limit === 0 ? [] : all), ...many(8000, 10)]));
    }
    expect(commands).toBeGreaterThan(1);
  });
});

describe.skipIf(isLacking)('what the caps push out', () => {
  const named = (n: number, more: Partial<SampleRequest> = {}): SampleRequest => ({
    identity: identityOf(n),
    subject: { kind: 'User', namespace: '', name: 'crowded' },
    name: `pod-${n}`,
    ...more,
  });
  const floods: readonly (readonly [what: string, flood: (n: number) => SampleRequest, cap: number])[] = [
    ['names', (n) => named(n), CAPS.names],
    ['names of refused requests', (n) => named(n, { isDenied: true }), CAPS.deniedNames],
    ['refused rules', (n) => named(n, { isDenied: true, verb: `verb-${n}`, name: '' }), CAPS.deniedRules],
    [
      'refused rules with many names',
      (n) => named(n, { isDenied: true, verb: `verb-${n % 150}`, name: `pod-${n}` }),
      CAPS.deniedRules,
    ],
  ];

  it.each(floods)('%s: is gone for good, and all the same as in one run', async (_, flood, cap) => {
    const all = Array.from({ length: cap * 4 }, (__, n) => flood(n));
    const plain = (states: readonly ClusterState[]): unknown => states;
    for (const size of [7, cap, all.length]) {
      nextPrefix();
      for (let at = 0; at < all.length; at += size) {
        // Each by another process.
        await applyAll(open(), all.slice(at, at + size));
      }
      const claim = await open().claim(SOURCE);
      expect(claim.position).toBe(`${Math.ceil(all.length / size)}`);
      expect(plain(await open().read())).toEqual(stateOf(all));
      // What is left over means nothing, and goes with the next batch.
      await applyAll(open(), all.slice(0, 1));
      const { garbage } = await contentOf(connection, key(), 2);
      expect([...garbage]).toEqual([]);
      const values = await connection.hgetall(key());
      expect(Object.entries(values).filter(([field, value]) => value === '' && field !== 'j')).toEqual([]);
    }
  });
});

describe.skipIf(isLacking)('what was not seen for keepDays', () => {
  const DAY = 20_000;
  const on = (day: number, n: number, more: Partial<SampleRequest> = {}): SampleRequest => ({
    identity: { ...identityOf(n), hour: day * 24 },
    us: day * DAY_US + n * 1_000_000,
    name: `pod-${n}`,
    ...more,
  });

  /** One batch, with the watermark that a worker would have seen. */
  async function apply(store: SubjectStore, requests: readonly SampleRequest[]): Promise<void> {
    const claim = await store.claim(SOURCE);
    const us = Math.max(...requests.map((request) => request.us ?? 0));
    const watermarks = new Map([['default', us]]);
    const deltas = { ...deltasOf(requests, claim), watermarks };
    const to = `${Number(claim.position) + 1}`;
    expect(await store.applyBatch({ claim, from: claim.position, to, deltas })).toBe('applied');
  }

  const names = (states: readonly ClusterState[]): readonly string[] =>
    states
      .flatMap(({ cluster, namespaces, subjects }) => [
        ...[...namespaces.keys()].map((namespace) => `${cluster} ${namespace}`),
        ...[...subjects.values()].flatMap(({ subject, allowed, denied }) =>
          [...allowed.rules.values(), ...denied.rules.values()].flatMap((rule) =>
            [...rule.names.keys()].map((name) => `${cluster} ${subject.name} ${rule.verb} ${name}`),
          ),
        ),
      ])
      .sort();

  it('is dropped when the day is over, to the day, with all that is empty then', async () => {
    const store = open({ keepDays: 10 });
    const gone = { subject: { kind: 'User', namespace: '', name: 'gone' }, namespace: 'gone' } as const;
    await apply(store, [on(DAY, 1), on(DAY, 2, gone), on(DAY, 3, { ...gone, isDenied: true })]);
    await apply(store, [on(DAY + 1, 4), on(DAY + 10, 5)]);
    expect(names(await store.read())).toEqual([
      ...[1, 4, 5].map((n) => `default api get pod-${n}`),
      'default gone',
      ...[2, 3].map((n) => `default gone get pod-${n}`),
      'default shop',
    ]);
    await apply(store, [on(DAY + 11, 6)]);
    const left = [...[4, 5, 6].map((n) => `default api get pod-${n}`), 'default shop'];
    expect(names(await store.read())).toEqual(left);
    const { garbage } = await contentOf(connection, key(), 2, 10);
    expect([...garbage]).toEqual([]);
    expect((await connection.hkeys(key())).filter((field) => field.includes('gone'))).toEqual([]);
    expect(await open({ keepDays: 10 }).read()).toEqual(await store.read());
  });

  it('comes back with new evidence only, and old evidence alone brings nothing', async () => {
    const store = open({ keepDays: 10 });
    await apply(store, [on(DAY, 1)]);
    await apply(store, [on(DAY + 20, 2)]);
    await apply(store, [on(DAY + 20, 3), on(DAY, 4), on(DAY + 21, 1)]);
    expect(await store.read()).toEqual(await open({ keepDays: 10 }).read());
    expect(names(await store.read())).toEqual([
      ...[1, 2, 3].map((n) => `default api get pod-${n}`),
      'default shop',
    ]);
  });

  it('is the same whoever reads it, in whatever batches, with its names full or not', async () => {
    const requests = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 9 }), fc.boolean()),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (list, size, isOneStore) => {
          nextPrefix();
          let store = open({ keepDays: 5 });
          const all = list.map(([day, n, isDenied], i) =>
            on(DAY + day, n, { identity: { ...identityOf(i), hour: (DAY + day) * 24 }, isDenied }),
          );
          let newest = 0;
          for (let at = 0; at < all.length; at += size) {
            await apply(store, all.slice(at, at + size));
            newest = Math.max(newest, ...all.slice(at, at + size).map((each) => each.us ?? 0));
            expect(names(await store.read())).toEqual(names(await open({ keepDays: 5 }).read()));
            if (!isOneStore) store = open({ keepDays: 5 });
          }
          const first = (Math.floor(newest / DAY_US) - 5) * DAY_US;
          const wanted = new Set(
            all.filter(({ us = 0 }) => us >= first).map(({ name = '' }) => `default api get ${name}`),
          );
          const found = new Set(names(await store.read()).filter((each) => each.includes('pod')));
          expect(found).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe.skipIf(isLacking)('a state that cannot be read', () => {
  it('of a newer version is left alone', async () => {
    await applyAll(open(), [{ identity: identityOf(1) }]);
    await connection.hset(key(), 'v', '99');
    const before = await connection.hgetall(key());
    await expect(open().claim(SOURCE)).rejects.toThrow(StateError);
    await expect(open().claim(SOURCE)).rejects.toThrow(/version 99; this program reads versions up to/);
    await expect(open().read()).rejects.toThrow(/version 99/);
    expect(await connection.hgetall(key())).toEqual(before);
  });

  it.each([
    ['["a","x"', '[]', 'not JSON'],
    ['["q"]', '[]', 'unknown kind'],
    ['["c"]', '[1,2,0,null]', 'missing'],
    ['["c","x"]', '[1,2,0]', 'missing'],
    ['["c","x"]', '{}', 'a list is missing'],
    ['["s","x","Robot","",""]', '[null,null]', 'unknown kind'],
    ['["f","z","x",1,0]', 'abc', 'unknown kind'],
    ['["n","x","y"]', '[1,2,3,4]', 'too many'],
    ['w', '[["x"]]', 'the watermarks'],
    ['n', '[-1]', 'the numbers'],
    ['h', 'many', 'the dedupe horizon'],
    ['v', 'new', 'its version'],
    ['r', 'many', 'the revision'],
    ['["b",7]', '[[["x"]],[]]', 'missing'],
    ['["b","7"]', '[[],[]]', 'a whole number is missing'],
    ['["b",7]', '[[],[["x",[1,[99999999,1,0,0]]]]]', 'unknown kind'],
    ['["W","x","5m",7]', '["zzzz",1,1,1]', 'unknown kind'],
    ['j', '\u0005\u0000\u0000\u0000ab', 'the journal'],
  ])('is named by its damaged field %s', async (field, value, what) => {
    await applyAll(open(), [{ identity: identityOf(1) }]);
    await connection.hset(key(), field, value);
    const error: unknown = await open()
      .read()
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(StateError);
    expect(String(error)).toContain(`${key()}: ${field.length > 1 ? field : what}`);
    expect(String(error)).toContain(what);
  });

  it('is named where only its numbers are asked for', async () => {
    await applyAll(open(), [{ identity: identityOf(1) }]);
    await connection.hset(key(), 'n', '[1,2]');
    await expect(open().facts()).rejects.toThrow(StateError);
  });

  it('is told from one that was never there', async () => {
    const store = open();
    expect(await store.isEmptyState()).toBe(true);
    expect(await store.positions()).toEqual([]);
    await store.claim(SOURCE);
    expect(await store.isEmptyState()).toBe(false);
    expect(await store.positions()).toEqual([{ source: SOURCE, position: '' }]);
  });

  it('of a source that fell off the list comes back to it', async () => {
    const store = open();
    await applyAll(store, [{ identity: identityOf(1) }]);
    await connection.del(`${prefix}sources`);
    expect(await store.sources()).toEqual([]);
    await store.claim(SOURCE);
    expect(await store.sources()).toEqual([SOURCE]);
    expect(await store.read()).toEqual(stateOf([{ identity: identityOf(1) }]));
  });
});

describe.skipIf(isLacking)('names that want to be something else', () => {
  it('are names of clusters like any other', async () => {
    const requests = HOSTILE_CLUSTERS.map((cluster, n) => ({ identity: identityOf(n, 0, cluster), cluster }));
    await applyAll(open(), requests);
    expect(await open().read()).toEqual(stateOf(requests));
    const claim = await open().claim(SOURCE);
    for (const { identity } of requests) expect(claim.isCounted(identity)).toBe(true);
    expect(claim.isCounted({ ...identityOf(0), cluster: 'other' })).toBe(false);
  });

  it('are no field of ours', async () => {
    const clusters = new Map<string, ClusterState>();
    for (const name of ['o', 't', 'v', 'j', 'w', 'n', 'k', 'e', 'h', 'r', 'g'])
      clusters.set(name, emptyCluster(name));
    const store = open();
    const claim = await store.claim(SOURCE);
    await store.applyBatch({ claim, from: '', to: '1', deltas: { ...NOTHING, clusters } });
    expect((await open().read()).map(({ cluster }) => cluster)).toEqual([...clusters.keys()].toSorted());
    expect((await open().claim(SOURCE)).position).toBe('1');
  });
});
