/*
 * Streaming tests 12, 16, 18 and 19. Proves that auditIDs which clients reuse or blow up cost no request and little
 * memory; that a state of a newer version is neither written nor read by an older program, also in the middle of a
 * rolling update; that evidence which is too old to be kept does not come back by a late copy or a replay; and that
 * clocks of aggregators which are an hour off change nothing.
 */
import { fileURLToPath } from 'node:url';

import {
  auditEvent,
  auditEventLine,
  createRandom,
  lacksKafka,
  lacksRedis,
  START_US,
  userInfo,
} from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditLines, poison, randomRequest } from './support/audit-lines.ts';
import { place } from './support/kafka-log.ts';
import { differences, type Known, textOf, usernameIn } from './support/redis-state.ts';
import { Run, type Stand, startStand } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;
/** How long evidence is kept. */
const KEEP_DAYS = 400;
const CLOCK = fileURLToPath(new URL('support/clock.mjs', import.meta.url));

describe.skipIf(isLacking)(`evidence (LEASTWISE_TEST_SEED=${SEED})`, () => {
  const random = createRandom(SEED);
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  it('counts every request of a reused auditID, and keeps little of a large one', async () => {
    const run = await new Run(stand, { name: 'reused', partitions: 2 }).create();
    const reused = Array.from({ length: 400 }, (_, i) =>
      auditEventLine({ ...randomRequest(random, START_US + i * 1000), auditID: 'always-the-same' }),
    );
    const large = Array.from({ length: 12 }, (_, i) =>
      auditEventLine({
        ...randomRequest(random, START_US + i * HOUR_US),
        auditID: String.fromCharCode(97 + i).repeat(900_000),
      }),
    );
    await run.produce([...reused, ...reused.slice(0, 40)]);
    for (const line of large) await place(run.brokers, run.topic, [{ partition: 0, key: 'k', value: line }]);
    run.start();
    const { cells } = await run.expectExact();
    const counted = [...cells.values()].reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(reused.length + large.length);
    const bytes = textOf(await run.raw()).length;
    expect(bytes).toBeLessThan(1_000_000);
    expect(await run.stop()).toEqual([0]);
  });

  it('of a newer version is left alone by an older program', async () => {
    const run = await new Run(stand, { name: 'versions', partitions: 1 }).create();
    await run.produce(auditLines({ random, requests: 200 }));
    const old = run.start();
    await run.caughtUp();
    const redis = new Redis(stand.redis.url);
    // What a newer program does when it takes the partition over.
    await redis.hset(`${run.prefix}p:${run.topic}/0`, 't', 'token-of-a-newer-one', 'v', '9999', 'e', '77');
    redis.disconnect();
    const content = async (): Promise<unknown> => [...((await run.raw()).get(`${run.topic}/0`) ?? [])].sort();
    const taken = await content();
    await run.produce(auditLines({ random, requests: 50 }));
    expect(await old.ended).toBe(1);
    expect(old.log()).toContain('a state of version 9999');
    const restarted = run.start();
    expect(await restarted.ended).toBe(1);
    expect(await content()).toEqual(taken);
  });

  it('that is too old to be kept does not come back', async () => {
    const shape = { partitions: 1, dedupeHours: 2 };
    const run = await new Run(stand, { name: 'expired', ...shape }).create();
    const first = Math.floor(START_US / DAY_US) - KEEP_DAYS;
    const of = (username: string, us: number): string =>
      auditEventLine(auditEvent({ auditID: username, user: userInfo({ username }), receivedAtUs: us }));
    const gone = of('gone', first * DAY_US - 1);
    const kept = of('kept', first * DAY_US);
    const now = auditLines({ random, requests: 300, spanUs: HOUR_US });
    await run.produce([gone, kept]);
    run.start({ LEASTWISE_AGGREGATOR_KAFKA_BATCH_RECORDS: '10' });
    await run.caughtUp();
    expect((await run.known()).subjects.size).toBe(2);
    await run.produce([...now, gone, kept, poison(random)]);
    await run.caughtUp();
    const known = await run.known();
    await run.stop();
    const replay = new Run(stand, { name: 'expired-again', replayOf: run, ...shape });
    replay.start();
    await replay.caughtUp();
    const names = (state: Known): string[] => [...state.subjects].map(usernameIn);
    for (const state of [known, await replay.known()]) {
      expect(names(state)).not.toContain('gone');
      expect(names(state)).toContain('kept');
      const truth = run.truth(await run.log());
      for (const key of [...truth.cells.keys(), ...truth.subjects]) {
        if (!key.includes('"gone"')) continue;
        truth.cells.delete(key);
        truth.subjects.delete(key);
      }
      expect(differences({ ...state, spans: truth.spans }, truth)).toEqual([]);
    }
    expect(await replay.stop()).toEqual([0]);
  });

  it('is the same by clocks that are an hour off', async () => {
    const run = await new Run(stand, { name: 'clocks', partitions: 4 }).create();
    for (const hours of [-1, 1]) {
      run.start({
        NODE_OPTIONS: `--import=${CLOCK}`,
        LEASTWISE_TEST_CLOCK_MS: String(hours * 3_600_000),
      });
    }
    const now = Date.now() * 1000;
    for (let part = 0; part < 4; part += 1) {
      const startUs = now - (5 - part) * HOUR_US;
      const lines = auditLines({ random, requests: 200, startUs, spanUs: HOUR_US });
      await run.produce([...lines, ...lines.filter(() => random.next() < 0.05), poison(random)]);
    }
    // Of now, by the clock of those who made them, and by five minutes later.
    await run.produce([0, 290_000_000].map((us) => auditEventLine(randomRequest(random, now + us))));
    await run.expectExact();
    const logged = run.workers.map((worker) => Date.parse(/"time":"([^"]+)"/.exec(worker.log())?.[1] ?? ''));
    expect((logged[1] ?? 0) - (logged[0] ?? 0)).toBeGreaterThan(7_000_000);
    expect(await run.stop()).toEqual([0, 0]);
  });
});
