import { Redis as Client } from 'ioredis';
import type { Deltas } from '@leastwise/state';
import { deltasOf, identityOf, type SampleRequest } from '@leastwise/state/conformance';
import {
  type ActivityState,
  addTo,
  emptyActivity,
  type SourceLook,
  talliesOf,
  tallyFor,
  windowFor,
  windowOf,
} from '@leastwise/activity';
import { lacksRedis, resolveRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ActivityTail } from './activity-tail.ts';
import { AlertMemory } from './alert-memory.ts';
import { encodeJournal } from './journal.ts';
import { RedisStore } from './redis-store.ts';

const isLacking = await lacksRedis();
let redis: Awaited<ReturnType<typeof resolveRedis>>;
let connection: Client;
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
  run += 1;
  prefix = `lw-alerts-${process.pid}-${Date.now()}-${run}:`;
});

const SOURCE = 'audit/0';
const requests = (from: number, count: number): SampleRequest[] =>
  Array.from({ length: count }, (_, i) => ({ identity: identityOf(from + i) }));

const START_US = 1_700_000_000_000_000;

/** So many requests of one user, each a minute after the one before. */
function activityOf(from: number, count: number): Pick<Deltas, 'activity' | 'watermarks'> {
  const state = emptyActivity('default');
  for (let n = from; n < from + count; n += 1) {
    const us = START_US + n * 60_000_000;
    addTo(tallyFor(windowFor(state, '5m', windowOf('5m', us)), 'user:alice', 1), {
      count: 1,
      firstUs: us,
      lastUs: us,
    });
  }
  const newest = START_US + (from + count - 1) * 60_000_000;
  return { activity: new Map([['default', state]]), watermarks: new Map([['default', newest]]) };
}

function countOf(activity: Iterable<ActivityState>): number {
  let sum = 0;
  for (const { windows } of activity) {
    for (const window of windows.values()) {
      if (window.kind === '5m') for (const [, { count }] of talliesOf(window)) sum += count;
    }
  }
  return sum;
}

describe.skipIf(isLacking)('the tail of activity', () => {
  it('sees each commit once, whether it reads it alone or with everything', async () => {
    const store = new RedisStore(connection, {
      prefix,
      dedupeHours: 2,
      foldLimits: { segments: 5, bytes: 1e9 },
    });
    const tail = new ActivityTail(connection, { prefix });
    const claim = await store.claim(SOURCE);
    expect(await tail.sources()).toEqual([SOURCE]);
    expect((await tail.look(SOURCE)).hasMoved).toBe(true);
    let [position, all, seen] = [claim.position, 0, 0];
    const kinds = new Set<string>();
    for (const [round, commits] of [1, 0, 2, 1, 4, 9, 1, 1].entries()) {
      for (let n = 0; n < commits; n += 1) {
        const to = String(all + 10);
        const deltas = { ...deltasOf(requests(all, 10), claim), ...activityOf(all, 10) };
        expect(await store.applyBatch({ claim, from: position, to, deltas })).toBe('applied');
        [position, all] = [to, all + 10];
      }
      const look: SourceLook = await tail.look(SOURCE);
      expect([round, look.hasMoved]).toEqual([round, commits > 0]);
      seen = countOf(look.activity.values()) + (look.isWhole ? 0 : seen);
      kinds.add(look.isWhole ? 'whole' : 'since');
      expect(seen).toBe(all);
    }
    expect([...kinds].sort()).toEqual(['since', 'whole']);
    tail.forget();
    const again = await tail.look(SOURCE);
    expect([again.isWhole, countOf(again.activity.values())]).toEqual([true, all]);
    expect(again.watermarks).toEqual(new Map([['default', START_US + (all - 1) * 60_000_000]]));
  });

  it('reads the windows that are asked for, wherever they stand, and no others', async () => {
    const store = new RedisStore(connection, {
      prefix,
      dedupeHours: 2,
      foldLimits: { segments: 3, bytes: 1e9 },
    });
    const claim = await store.claim(SOURCE);
    let position = claim.position;
    // A minute each: from the seventh on in the third window.
    for (let all = 0; all < 50; all += 10) {
      const to = String(all + 10);
      const deltas = { ...deltasOf(requests(all, 10), claim), ...activityOf(all, 10) };
      expect(await store.applyBatch({ claim, from: position, to, deltas })).toBe('applied');
      position = to;
    }
    const start = windowOf('5m', START_US);
    const whole = await new ActivityTail(connection, { prefix }).look(SOURCE);
    const late = await new ActivityTail(connection, { prefix }).look(SOURCE, () => start + 8);
    const numbers = (look: SourceLook): number[] =>
      [...(look.activity.get('default')?.windows.values() ?? [])]
        .map(({ number }) => number - start)
        .sort((a, b) => a - b);
    expect(Math.min(...numbers(whole))).toBe(0);
    expect(countOf(whole.activity.values())).toBe(50);
    // Those of commits that are not summed up are there as a whole.
    expect(numbers(late).filter((number) => number < 8 && number > 4)).toEqual([]);
    // What a commit had no room for is in the journal, and in no field.
    const field = `["W","default","5m",${String(start)}]`;
    const cells = await connection.hget(`${prefix}p:${SOURCE}`, field);
    await connection.hset(`${prefix}p:${SOURCE}`, 'j', encodeJournal(new Map([[field, cells ?? '']])));
    await connection.hdel(`${prefix}p:${SOURCE}`, field);
    const again = await new ActivityTail(connection, { prefix }).look(SOURCE);
    expect(countOf(again.activity.values())).toBe(50);
  });

  it('names the source that is damaged', async () => {
    const store = new RedisStore(connection, { prefix, dedupeHours: 2 });
    await store.claim(SOURCE);
    const tail = new ActivityTail(connection, { prefix });
    await tail.look(SOURCE);
    await connection.hset(`${prefix}p:${SOURCE}`, 'r', 'x');
    await expect(tail.look(SOURCE)).rejects.toThrow(`${prefix}p:${SOURCE}`);
  });
});

describe.skipIf(isLacking)('the memory of alerts', () => {
  const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

  it('is what was written last, for whoever claims it next', async () => {
    const memory = new AlertMemory(connection, { prefix });
    const first = await memory.claim('prod');
    expect(first.fields.size).toBe(0);
    const values = new Map<string, Uint8Array>(
      Array.from({ length: 9000 }, (_, n) => [`f${n}`, Buffer.from(String(n))] as const),
    );
    values.set('m', Buffer.from('1'));
    expect(await first.write(values, 'm')).toBe(true);
    expect(await first.write(new Map([['f7', new Uint8Array()]]), 'm')).toBe(true);
    const second = await memory.claim('prod');
    expect([second.fields.size, text(second.fields.get('f8')), second.fields.has('f7')]).toEqual([
      9000,
      '8',
      false,
    ]);
    expect(await connection.hexists(`${prefix}alerts:prod`, 'f7')).toBe(0);
    expect(await memory.clusters()).toEqual(['prod']);
    expect((await memory.read('prod')).size).toBe(9000);
  });

  it('takes nothing from whom it was taken over from', async () => {
    const memory = new AlertMemory(connection, { prefix });
    const old = await memory.claim('prod');
    const now = await memory.claim('prod');
    expect(await old.write(new Map([['m', Buffer.from('old')]]), 'm')).toBe(false);
    expect(await now.write(new Map([['m', Buffer.from('new')]]), 'm')).toBe(true);
    expect(text((await memory.read('prod')).get('m'))).toBe('new');
  });

  it('is refused where a newer version wrote it', async () => {
    await connection.hset(`${prefix}alerts:prod`, { v: '2', m: '1' });
    await expect(new AlertMemory(connection, { prefix }).claim('prod')).rejects.toThrow(/version 2/);
    expect(await connection.hexists(`${prefix}alerts:prod`, 't')).toBe(0);
  });
});
