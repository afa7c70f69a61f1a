/*
 * Streaming test 4, on one small commit. Proves that a Redis that dies in the middle of writing a commit to its
 * append-only file has the whole of it afterwards or nothing, wherever the file is cut and also after a second start;
 * and that aggregators which were at work meanwhile bring the state to the exact one.
 */
import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createRandom, lacksKafka, lacksRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { growingFile, tear } from './support/append-only.ts';
import { auditLines, poison } from './support/audit-lines.ts';
import { stateAfterStart } from './support/redis-start.ts';
import { rawPartitions, textOf } from './support/redis-state.ts';
import { Run, type Stand, startStand, until } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = 4;

describe.skipIf(isLacking)('a Redis that dies while it writes', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  it(`has a commit or has it not, and never half (LEASTWISE_TEST_SEED=${SEED})`, async () => {
    const run = await new Run(stand, { name: 'torn', partitions: 1 }).create();
    const random = createRandom(SEED);
    const lines = auditLines({ random, requests: 300 });
    await run.produce([...lines.splice(0, 250), poison(random)]);
    // Alerting holds a lease, which Redis drops from a copy when its time has passed: bytes that are nobody's commit.
    const worker = run.start({ LEASTWISE_AGGREGATOR_ALERTS_ENABLED: 'false' });
    await run.caughtUp();
    const file = await growingFile(stand.redis.dir);
    const sizes: number[] = [];
    const states: string[] = [];
    for (const batch of [[], lines.splice(0, 1)]) {
      await run.produce(batch);
      await run.caughtUp();
      states.push(textOf(await rawPartitions(stand.redis.url, run.prefix)));
      sizes.push((await stat(file)).size);
    }
    const [before = 0, after = 0] = sizes;
    expect(after - before).toBeGreaterThan(100);
    expect(after - before).toBeLessThan(5000);
    const copy = join(stand.dir, 'copy');
    await cp(stand.redis.dir, copy, { recursive: true });
    const bytes = (await readFile(file)).subarray(0, after);
    const copied = await growingFile(copy);
    const wanted = (end: number): string | undefined => states[end === after ? 1 : 0];
    for (let end = before; end <= after; end += 1) {
      await writeFile(copied, bytes.subarray(0, end));
      const state = textOf(await stateAfterStart(copy, run.prefix));
      expect(state === wanted(end), `cut after ${end - before} bytes`).toBe(true);
      // What was torn off is cut away, so that all second starts are of two files.
      expect((await stat(copied)).size).toBe(end === after ? after : before);
    }
    for (const end of [before, after]) {
      await writeFile(copied, bytes.subarray(0, end));
      await stateAfterStart(copy, run.prefix);
      expect(textOf(await stateAfterStart(copy, run.prefix)) === wanted(end)).toBe(true);
    }

    for (let round = 0; round < ROUNDS; round += 1) {
      const size = (await stat(file)).size;
      await run.produce(lines.splice(0, 1));
      await run.caughtUp();
      await tear(stand.redis, 1 + random.int((await stat(file)).size - size));
      // What is lost is noticed by the next commit, which that of a record makes.
      await run.produce(lines.splice(0, 2));
      await run.caughtUp();
    }
    expect(worker.child.exitCode).toBeNull();
    await until('a setback', () => worker.log().includes('claiming again'));
    await run.expectExact();
    expect(await run.stop()).toEqual([0]);
  });
});
