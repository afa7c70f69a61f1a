import type { Redis } from 'ioredis';
import { Redis as Client } from 'ioredis';
import type { Deltas } from '@leastwise/state';
import { deltasOf, identityOf, type SampleRequest, stateOf } from '@leastwise/state/conformance';
import { lacksRedis, resolveRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { RedisStore, type RedisStoreOptions } from './redis-store.ts';
import { makeLog } from './testing/events.ts';
import { contentOf, expectedOf, plainOf } from './testing/oracle.ts';
import { callAgain, recording } from './testing/recording.ts';
import { SOURCE } from './testing/setup.ts';
import { LogWorker } from './testing/worker.ts';

const isLacking = await lacksRedis();
let redis: Awaited<ReturnType<typeof resolveRedis>>;
let connection: Redis;
let prefix = '';
let run = 0;

beforeAll(async () => {
  if (isLacking) return;
  redis = await resolveRedis();
  connection = new Client(redis?.url ?? '');
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
  prefix = `lw-segments-${process.pid}-${Date.now()}-${run}:`;
}

const key = (): string => `${prefix}p:${SOURCE}`;

/** A store that folds after so many segments. */
function open(segments: number, more: Partial<RedisStoreOptions> = {}, at: Redis = connection): RedisStore {
  return new RedisStore(at, { prefix, dedupeHours: 2, foldLimits: { segments, bytes: 1e9 }, ...more });
}

/** Requests of so many subjects, each of a subject of its own. */
const many = (from: number, count: number): SampleRequest[] =>
  Array.from({ length: count }, (_, i) => ({
    identity: identityOf(from + i),
    subject: { kind: 'User', namespace: '', name: `user-${(from + i) % 8000}` },
  }));

/** Applies one batch after another by one claim. */
async function applyAll(store: RedisStore, batches: readonly (readonly SampleRequest[])[]): Promise<void> {
  const claim = await store.claim(SOURCE);
  let from = claim.position;
  for (const requests of batches) {
    const to = `${Number(from) + 1}`;
    expect(await store.applyBatch({ claim, from, to, deltas: deltasOf(requests, claim) })).toBe('applied');
    from = to;
  }
}

/** The fields of a kind. */
async function fieldsOf(kind: string): Promise<string[]> {
  const fields = await connection.hkeys(key());
  return fields.filter((field) => field.startsWith(`["${kind}"`)).toSorted();
}

/** A connection on which the n-th call of a script, and all after it, do not come through. */
function dyingAt(limit: number): { readonly at: Redis; readonly calls: () => number } {
  let calls = 0;
  const at = new Proxy(connection, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'lwCommit' && name !== 'lwDrop') return value.bind(target) as unknown;
      return (...args: unknown[]) => {
        calls += 1;
        if (calls > limit) return Promise.reject(new Error('dead'));
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { at, calls: () => calls };
}

describe.skipIf(isLacking)('a commit', () => {
  it('is one field of what it adds, and whoever reads finds it in the sum', async () => {
    await applyAll(open(64), [many(0, 30), many(10, 30)]);
    expect(await fieldsOf('b')).toEqual(['["b",1]', '["b",2]']);
    expect([...(await fieldsOf('a')), ...(await fieldsOf('s')), ...(await fieldsOf('c'))]).toEqual([]);
    expect(await open(64).read()).toEqual(stateOf([...many(0, 30), ...many(10, 30)]));
  });

  it('folds when there are enough of them, and then they are gone', async () => {
    const batches = [1, 2, 3, 4].map((n) => many(n * 10, 25));
    await applyAll(open(3), batches);
    expect(await fieldsOf('b')).toEqual([]);
    expect((await fieldsOf('s')).length).toBe(55);
    expect(await connection.hget(key(), 'g')).toBe('4');
    expect(await open(3).read()).toEqual(stateOf(batches.flat()));
  });

  it('folds when they have enough bytes', async () => {
    const store = open(64, { foldLimits: { segments: 64, bytes: 2000 } });
    await applyAll(store, [many(0, 30), many(30, 1)]);
    expect(await fieldsOf('b')).toEqual([]);
    expect(await store.read()).toEqual(stateOf(many(0, 31)));
  });

  it('that adds nothing to clusters is no segment', async () => {
    const store = open(64);
    const claim = await store.claim(SOURCE);
    const received = { ...deltasOf([], claim, [identityOf(1)]) } satisfies Deltas;
    expect(await store.applyBatch({ claim, from: '', to: '1', deltas: received })).toBe('applied');
    expect(await fieldsOf('b')).toEqual([]);
    expect((await store.facts()).onlyReceived).toBe(1);
  });

  it('counts on from the segments that a claim finds, and folds them in their time', async () => {
    for (let i = 0; i < 4; i += 1) {
      await applyAll(open(3), [many(i * 10, 20)]);
      const unfolded = (await fieldsOf('b')).length;
      expect(unfolded).toBe(i < 3 ? i + 1 : 0);
      expect(await open(3).read()).toEqual(
        stateOf([0, 1, 2, 3].slice(0, i + 1).flatMap((n) => many(n * 10, 20))),
      );
    }
  });
});

describe.skipIf(isLacking)('a fold', () => {
  const batches = [many(0, 4600), many(4000, 600), many(100, 4700)];
  const after = (commits: number): SampleRequest[] => batches.slice(0, commits).flat();

  it('is whole or not there where its worker dies at any command of it', async () => {
    let calls = 0;
    for (let limit = 0; calls >= limit; limit += 1) {
      nextPrefix();
      const dying = dyingAt(limit);
      const store = open(2, {}, dying.at);
      const claim = await store.claim(SOURCE);
      for (const [at, requests] of batches.entries()) {
        const [from, to] = [at === 0 ? '' : `${at}`, `${at + 1}`];
        const deltas = deltasOf(requests, claim);
        // What is only swept up may fail.
        const result = await store.applyBatch({ claim, from, to, deltas }).catch(String);
        if (result !== 'applied') break;
      }
      calls = dying.calls();
      const claimed = await open(2).claim(SOURCE);
      const commits = Number(claimed.position);
      // Two segments, then the fold; from then on it is the whole that stands there.
      expect(commits).toBe(Math.min(limit, 3));
      expect(await open(2).read()).toEqual(stateOf(after(commits)));
      // The next owner goes on from there, and everything is written out in time.
      const next = open(2);
      await applyAll(next, [...batches.slice(commits), many(0, 1), many(0, 1), many(0, 1), many(0, 1)]);
      expect(await open(2).read()).toEqual(stateOf([...batches.flat(), ...many(0, 1)]));
      const { journalled, garbage } = await contentOf(connection, key(), 2);
      expect([journalled.size, garbage.size]).toEqual([0, 0]);
    }
    // Two segments, a fold with what it catches up, and the sweep.
    expect(calls).toBeGreaterThan(4);
  }, 120_000);

  it('is refused where it is sent again to a Redis that has lost the commit before it', async () => {
    const { connection: recorder, calls } = recording(connection);
    const store = open(0, {}, recorder as Redis);
    const claim = await store.claim(SOURCE);
    const empty = await connection.dumpBuffer(key());
    // Of one batch, so at one position: the fold itself, then what it catches up.
    const requests = many(0, 6000);
    const deltas = deltasOf(requests, claim);
    expect(await store.applyBatch({ claim, from: '', to: '1', deltas })).toBe('applied');
    const commits = calls.filter(({ script }) => script === 'lwCommit');
    expect(commits.length).toBeGreaterThan(2);
    const moments = [empty];
    await connection.restore(key(), 0, empty, 'REPLACE');
    for (const call of commits) {
      expect(await callAgain(connection, call)).toBe(1);
      moments.push(await connection.dumpBuffer(key()));
    }
    for (const [at, moment] of moments.entries()) {
      await connection.restore(key(), 0, moment, 'REPLACE');
      for (const [n, call] of commits.entries())
        if (n !== at) expect(await callAgain(connection, call)).toBe(-2);
    }
    const [, folded = empty] = moments;
    await connection.restore(key(), 0, folded, 'REPLACE');
    expect(await open(0).read()).toEqual(stateOf(requests));
  }, 60_000);

  it('sweeps nothing up in a Redis that went back to before it', async () => {
    const { connection: recorder, calls } = recording(connection);
    const store = open(1, {}, recorder as Redis);
    await applyAll(store, [many(0, 10)]);
    const before = await connection.dumpBuffer(key());
    const claim = await store.claim(SOURCE);
    const deltas = deltasOf(many(10, 5), claim);
    await store.applyBatch({ claim, from: '1', to: '2', deltas });
    const drops = calls.filter(({ script }) => script === 'lwDrop');
    expect(drops.flatMap(({ args }) => args)).toContain('["b",1]');
    // Nor at another revision of the same position.
    for (const revision of ['1', '3']) {
      const args = [key(), claim.token, '2', revision, 'n'];
      expect(await callAgain(connection, { script: 'lwDrop', args })).toBe(-2);
    }
    await connection.restore(key(), 0, before, 'REPLACE');
    // Back then another had it; and even its own owner would be refused.
    await connection.hset(key(), 't', claim.token);
    for (const call of drops) expect(await callAgain(connection, call)).toBe(-2);
    expect(await open(1).read()).toEqual(stateOf(many(0, 10)));
  });
});

describe.skipIf(isLacking)('a state of layout 3', () => {
  const log = makeLog({ events: 160, seed: 11, stepUs: 60_000_000, lateUs: 1_000_000_000 });
  const half = 80;

  /** Writes what is there as version 3 did: no segments, and open windows as one field for each cell. */
  async function asLayout3(): Promise<void> {
    const windows = await connection.hgetall(key());
    const hours = new Set(Object.keys(windows).filter((field) => field.includes('"1h"')));
    for (const [field, value] of Object.entries(windows)) {
      const [kind, cluster, length, number] = field.startsWith('[') ? (JSON.parse(field) as unknown[]) : [];
      if (kind !== 'W' || length !== '5m') continue;
      if (hours.has(JSON.stringify(['W', cluster, '1h', Math.floor(Number(number) / 12)]))) continue;
      const cells = JSON.parse(value) as (string | number)[];
      for (let at = 0; at < cells.length; at += 4) {
        const cell = JSON.stringify(['w', cluster, length, number, cells[at]]);
        await connection.hset(key(), cell, JSON.stringify(cells.slice(at + 1, at + 4)));
      }
      await connection.hdel(key(), field);
    }
    await connection.hdel(key(), 'r', 'g');
    await connection.hset(key(), 'v', '3');
  }

  it('is read as it is, and read on from', async () => {
    await new LogWorker(open(0), SOURCE, log.slice(0, half)).finish(20);
    await asLayout3();
    expect((await fieldsOf('w')).length).toBeGreaterThan(10);
    expect(await plainOf(connection, key(), 2)).toEqual(expectedOf(log.slice(0, half), 2));
    await new LogWorker(open(2), SOURCE, log).finish(10);
    expect(await plainOf(connection, key(), 2)).toEqual(expectedOf(log, 2));
    expect(await connection.hget(key(), 'v')).toBe('7');
    // Folded at least once since: a window has one field.
    expect(await fieldsOf('w')).toEqual([]);
  });
});

describe.skipIf(isLacking)('a state of layout 4', () => {
  const request = { identity: identityOf(1), us: 1_700_000_000_000_000, name: 'x' };
  const named = { ...request, identity: identityOf(2), binding: 'ns1/b/Role/r' };

  it('names no bindings, is read as it is, and names them from then on', async () => {
    await applyAll(open(0), [[request]]);
    // Evidence without bindings is written as it was before there were any.
    await connection.hset(key(), 'v', '4');
    expect(await open(64).read()).toEqual(stateOf([request]));
    await applyAll(open(64), [[named]]);
    expect(await connection.hget(key(), 'v')).toBe('7');
    expect(await open(64).read()).toEqual(stateOf([request, named]));
  });
});
