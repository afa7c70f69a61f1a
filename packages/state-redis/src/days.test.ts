import { Redis } from 'ioredis';

import { type ActivityState, MAX_MATCHED_SUBJECTS, TRACE_RETENTION } from '@leastwise/activity';
import {
  daysOf,
  deltasOf,
  identityOf,
  matchesOf,
  NOTHING,
  plainDays,
  type SampleMatch,
  type SampleTrace,
} from '@leastwise/state/conformance';
import type { Claim } from '@leastwise/state';
import { lacksRedis, resolveRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { RedisStore } from './redis-store.ts';

const isLacking = await lacksRedis();
const DAY_US = 86_400_000_000;
const HOUR_US = 3_600_000_000;
const START_US = 20_000 * DAY_US;
const DEDUPE_HOURS = 2;

let redis: Awaited<ReturnType<typeof resolveRedis>>;
let connection: Redis;
let run = 0;
let prefix = '';

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
  run += 1;
  prefix = `lw-days-${process.pid}-${Date.now()}-${run}:`;
});

function open(segments: number): RedisStore {
  const foldLimits = { segments, bytes: 4_000_000 };
  return new RedisStore(connection, { prefix, dedupeHours: DEDUPE_HOURS, foldLimits });
}

/** A worker that takes the source over, and goes on where the state is. */
async function apply(store: RedisStore, samples: readonly SampleTrace[]): Promise<Claim> {
  return await applyTo(store, await store.claim('a'), samples);
}

async function applyTo(
  store: RedisStore,
  claim: Claim,
  samples: readonly SampleTrace[],
  from = claim.position,
): Promise<Claim> {
  const requests = samples.map(({ n, us, cluster = 'main' }) => ({ identity: identityOf(n), us, cluster }));
  const deltas = {
    ...{ ...NOTHING, clusters: deltasOf(requests, claim).clusters, activity: daysOf(samples) },
    watermarks: new Map([['main', Math.max(...samples.map(({ us }) => us))]]),
  };
  const to = String(Number(from) + 1);
  expect(await store.applyBatch({ claim, from, to, deltas })).toBe('applied');
  return claim;
}

async function fieldsOf(kind: string): Promise<string[]> {
  const fields = await connection.hgetall(`${prefix}p:a`);
  return Object.entries(fields)
    .filter(([field, value]) => field.startsWith(`["${kind}"`) && value !== '')
    .map(([field]) => field)
    .sort();
}

function daysIn(activity: readonly ActivityState[]): unknown {
  return plainDays(activity);
}

describe.skipIf(isLacking)('days of people in Redis', () => {
  const onDay = (day: number, hour: number, n: number): SampleTrace => ({
    ...{ n, us: START_US + day * DAY_US + hour * HOUR_US, actor: n % 2 === 0 ? 'user:alice' : 'user:bob' },
  });

  it.each([0, 1, 3, 64])(
    'are the same after any takeover, open, closing and closed, folded after %i segments',
    async (segments) => {
      const all = [
        ...[onDay(0, 1, 1), onDay(0, 23, 2), onDay(1, 0, 3), onDay(0, 22, 4), onDay(1, 1, 5)],
        // Closes the first day, which one more request comes for in the same batch as what closes it.
        ...[onDay(0, 23, 6), onDay(1, 5, 7), onDay(1, 6, 8), onDay(2, 4, 9), onDay(2, 5, 10)],
      ];
      let store = open(segments);
      for (let at = 0; at < all.length; at += 2) {
        await apply(store, all.slice(at, at + 2));
        if (at % 4 === 0) store = open(segments);
        const wanted = plainDays(daysOf(all.slice(0, at + 2)).values());
        expect(daysIn(await open(segments).activity())).toEqual(wanted);
      }
    },
  );

  it('are written by the hour and the actor, and only what is new', async () => {
    const store = open(0);
    const claim = await apply(store, [onDay(0, 1, 1), onDay(0, 2, 2)]);
    expect(await fieldsOf('T')).toEqual([
      '["T","main",20000,"user:alice",2]',
      '["T","main",20000,"user:bob",1]',
    ]);
    expect(await fieldsOf('A')).toHaveLength(2);
    expect(await fieldsOf('D')).toEqual(['["D","main",20000]']);
    const key = `${prefix}p:a`;
    const before = '["T","main",20000,"user:bob",1]';
    await connection.hset(key, before, 'as it was');
    await applyTo(store, claim, [onDay(0, 3, 3)], '1');
    expect(await connection.hget(key, before)).toBe('as it was');
    expect(await fieldsOf('T')).toHaveLength(3);
  });

  it('are given up when they are beyond the retention: first the requests, then the counts', async () => {
    const store = open(0);
    await apply(store, [onDay(0, 1, 1)]);
    await apply(store, [onDay(TRACE_RETENTION.days - 1, 1, 2)]);
    expect(await fieldsOf('T')).toHaveLength(2);
    await apply(store, [onDay(TRACE_RETENTION.days, 1, 4)]);
    expect((await fieldsOf('T')).some((field) => field.includes('20000'))).toBe(false);
    expect((await fieldsOf('A')).some((field) => field.includes('20000'))).toBe(true);
    // A new owner knows of what is closed by its fields alone.
    await apply(open(0), [onDay(TRACE_RETENTION.historyDays, 1, 6)]);
    expect((await fieldsOf('A')).some((field) => field.includes('20000'))).toBe(false);
    expect((await fieldsOf('D')).some((field) => field.includes('20000'))).toBe(false);
  });

  it('count no actor twice that a cap pushed out, whatever is left of its fields', async () => {
    const crowd = Array.from({ length: 560 }, (_, n): SampleTrace => ({
      ...{ n, us: START_US + n * 1000, actor: `user:u${n}` },
    }));
    const store = open(0);
    await apply(store, crowd.slice(0, 300));
    await apply(store, crowd.slice(300));
    const wanted = plainDays(daysOf(crowd).values());
    expect(daysIn(await open(0).activity())).toEqual(wanted);
    await apply(open(0), [onDay(0, 1, 1000)]);
    expect(daysIn(await open(0).activity())).toEqual(
      plainDays(daysOf([...crowd, onDay(0, 1, 1000)]).values()),
    );
  });

  it('count no find twice of a subject that a cap pushed out, whatever is left of its fields', async () => {
    const crowd = Array.from({ length: MAX_MATCHED_SUBJECTS + 60 }, (_, n): SampleMatch => ({
      ...{ n, us: START_US + n * 1000, subject: `user:u${n}` },
      ...(n % 2 === 0 ? {} : { id: 'D09', firstSeenKey: 'by curl' }),
    }));
    const batches = [crowd.slice(0, 300), crowd.slice(300), [{ n: 1000, us: START_US }]];
    for (const [at, samples] of batches.entries()) {
      const store = open(0);
      const claim = await store.claim('a');
      const deltas = { ...NOTHING, activity: matchesOf(samples) };
      const batch = { claim, from: claim.position, to: String(at + 1), deltas };
      expect(await store.applyBatch(batch)).toBe('applied');
      const wanted = plainDays(matchesOf(batches.slice(0, at + 1).flat()).values());
      expect(daysIn(await open(0).activity())).toEqual(wanted);
    }
    expect(await fieldsOf('M')).toHaveLength(MAX_MATCHED_SUBJECTS);
  });

  it('are refused by name where they are damaged', async () => {
    await apply(open(0), [onDay(0, 1, 1)]);
    await connection.hset(`${prefix}p:a`, '["D","main",20000]', '[1,2,[1,2]]');
    await expect(open(0).activity()).rejects.toThrow(`${prefix}p:a: a day:`);
    await expect(open(0).claim('a')).rejects.toThrow(`${prefix}p:a: a day:`);
  });
});
