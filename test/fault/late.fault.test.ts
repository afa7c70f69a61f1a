/*
 * Streaming test 13. Proves what is late and what is of the future, to the microsecond: an event in the last hour that
 * is remembered counts and one before it does not; a record may be as much older than its event as the skew allows and
 * not more; a partition that is idle holds no other one's watermark; and a replay, in other batches and with kills in
 * between, finds the same events late.
 */
import { auditEvent, auditEventLine, lacksKafka, lacksRedis, START_US, userInfo } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { place, type PlacedRecord } from './support/kafka-log.ts';
import { differences, type Known, usernameIn } from './support/redis-state.ts';
import { killed, Run, type Stand, startStand, until } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const HOUR_US = 3_600_000_000;
const GRACE_HOURS = 2;
const SKEW_MS = 300_000;

let made = 0;
/** A request that no other one is like, by a user of that name. */
function recordOf(
  partition: number,
  username: string,
  us: number,
): PlacedRecord & { readonly value: string } {
  made += 1;
  const auditID = `5f2b1c9e-0000-4000-8000-${String(made).padStart(12, '0')}`;
  const user = userInfo({ username });
  return { partition, key: auditID, value: auditEventLine(auditEvent({ auditID, user, receivedAtUs: us })) };
}

/** Ordinary events, so that there is something to render. */
function crowd(partition: number, us: number): PlacedRecord[] {
  return Array.from({ length: 20 }, (_, i) => recordOf(partition, `crowd-${i}`, us + i));
}

function countOf({ cells }: Known, username: string): number | undefined {
  for (const [key, { count }] of cells) if (usernameIn(key) === username) return count;
  return undefined;
}

describe.skipIf(isLacking)('events that are late or of the future', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  it('are told by the watermark of their partition and the time of their record', async () => {
    const shape = { partitions: 4, dedupeHours: GRACE_HOURS };
    const run = await new Run(stand, { name: 'late', ...shape }).create();
    const newest = START_US + 5 * HOUR_US + HOUR_US / 2;
    const oldest = START_US + (5 - GRACE_HOURS) * HOUR_US;
    const tooOld = recordOf(0, 'just-too-old', oldest - 1);
    const old = recordOf(0, 'just-old-enough', oldest);
    const stamp = Math.floor(newest / 1000);
    const ahead = recordOf(3, 'just-near-enough', (stamp + SKEW_MS) * 1000);
    const tooFar = recordOf(3, 'just-too-far', (stamp + SKEW_MS) * 1000 + 1);
    run.notePoison(Buffer.from(tooFar.value));
    await place(run.brokers, run.topic, [
      ...crowd(0, START_US),
      // Never again anything from partition 1 for a while, and nothing at all from partition 2.
      recordOf(1, 'idle-at-first', START_US),
      recordOf(0, 'newest', newest),
      ...[old, tooOld, old, tooOld],
      recordOf(0, 'the-hour-before', newest - HOUR_US),
      // Hours behind partition 0, and still in time in its own.
      recordOf(1, 'idle-then-slow', START_US + HOUR_US),
      ...[
        { ...ahead, timestamp: stamp },
        { ...tooFar, timestamp: stamp },
        // What was refused has moved no watermark.
        { ...recordOf(3, 'after-the-future', newest - 2 * HOUR_US), timestamp: stamp },
      ],
    ]);
    run.start({ LEASTWISE_AGGREGATOR_KAFKA_BATCH_RECORDS: '3' });
    const known = await run.expectExact();
    expect(known.late).toBe(2);
    const counts = [
      'just-old-enough',
      'just-too-old',
      'idle-then-slow',
      'just-near-enough',
      'after-the-future',
    ];
    expect(counts.map((name) => countOf(known, name))).toEqual([1, 0, 1, 1, 1]);
    expect(countOf(known, 'just-too-far')).toBeUndefined();
    const letters = (await run.log()).filter(({ topic }) => topic === run.dead);
    expect(letters.map(({ headers }) => headers['leastwise-reason'])).toEqual(['future']);
    await run.stop();

    const replay = new Run(stand, { name: 'late-replay', replayOf: run, ...shape });
    const first = replay.start({ LEASTWISE_AGGREGATOR_KAFKA_BATCH_RECORDS: '1' });
    await until('a part of it', async () => Number(await replay.field(`${run.topic}/0`, 'o')) > 0);
    await killed(first);
    replay.start({ LEASTWISE_AGGREGATOR_KAFKA_BATCH_RECORDS: '7' });
    const again = await replay.expectExact();
    expect(differences(again, known)).toEqual([]);
    expect(await replay.stop()).toEqual([0]);
  });
});
