/*
 * Streaming test 11. Proves that a storm of copies counts nothing twice: the same chunk ten times, in other orders and
 * other batches, while aggregators are killed and stopped in between; and once the chunk is older than copies are
 * recognised for, every copy is counted as late and changes no count.
 */
import { createRandom, lacksKafka, lacksRedis, START_US } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditLines, poison } from './support/audit-lines.ts';
import { identityOf } from './support/oracle.ts';
import { killed, Run, type Stand, startStand } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const HOUR_US = 3_600_000_000;
const STORM = 10;
const LATE_COPIES = 2;

describe.skipIf(isLacking)('a storm of copies', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  it(`counts once, or as late (LEASTWISE_TEST_SEED=${SEED})`, async () => {
    const run = await new Run(stand, { name: 'storm', partitions: 3, dedupeHours: 2 }).create();
    const random = createRandom(SEED);
    const chunk = auditLines({ random, requests: 400, spanUs: HOUR_US });
    const afterwards = auditLines({
      random,
      requests: 200,
      startUs: START_US + 6 * HOUR_US,
      spanUs: HOUR_US,
    });
    const outcomes = (lines: readonly string[]): string[] =>
      lines.filter((line) => !line.includes('"stage":"RequestReceived"'));
    for (let copy = 0; copy < STORM; copy += 1) {
      // The first one in its order, so that the others are nothing but copies.
      await run.produce([...(copy === 0 ? chunk : random.shuffle(chunk)), poison(random)]);
      if (copy % 3 !== 0) continue;
      await Promise.all(run.workers.slice(-1).map((worker) => (copy === 3 ? killed(worker) : run.stop())));
      run.start({ LEASTWISE_AGGREGATOR_KAFKA_BATCH_RECORDS: String(20 + random.int(200)) });
      if (copy === 0) await run.caughtUp();
    }
    await run.caughtUp();
    const counted = [...(await run.known()).cells.values()].reduce((sum, { count }) => sum + count, 0);
    expect((await run.known()).late).toBe(0);

    await run.produce(afterwards);
    for (let copy = 0; copy < LATE_COPIES; copy += 1) await run.produce(random.shuffle(chunk));
    const { cells, late } = await run.expectExact();
    expect(late).toBe(LATE_COPIES * outcomes(chunk).length);
    const ofChunk = [...cells.values()].filter(({ first }) => first < START_US + 6 * HOUR_US);
    expect(ofChunk.length).toBeGreaterThan(100);
    const all = [...cells.values()].reduce((sum, { count }) => sum + count, 0);
    const requests = (lines: readonly string[]): number =>
      new Set(outcomes(lines).map((line) => identityOf(JSON.parse(line)))).size;
    expect(counted).toBe(requests(chunk));
    expect(all - counted).toBe(requests(afterwards));
    expect(await run.stop()).toEqual([0]);
  });
});
