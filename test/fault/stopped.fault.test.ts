/*
 * Streaming test 2. Proves that an aggregator that stands still (SIGSTOP) for longer than its session lasts does no
 * harm when it goes on: the batch that it had in flight is refused by the state, since another one has the partition,
 * and a batch whose answer it had not seen yet is counted once.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { createRandom, lacksKafka, lacksRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AggregatorProcess } from '../stream/support/processes.ts';
import { auditLines, poison } from './support/audit-lines.ts';
import { wordsOf } from './support/frames.ts';
import { Run, type Stand, startStand, until } from './support/stand.ts';
import { hasRun, isCommit, type Tap, tapRedis } from './support/tap.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
/** Longer than the session of 2 s. */
const STANDSTILL_MS = 4000;

describe.skipIf(isLacking)('an aggregator that stands still', () => {
  let stand: Stand;
  let tap: Tap;
  beforeAll(async () => {
    stand = await startStand();
    tap = await tapRedis(stand.redis.port);
  });
  afterAll(async () => {
    await tap[Symbol.asyncDispose]();
    await stand[Symbol.asyncDispose]();
  });

  /** Stops `worker` at a commit, until another one has that partition and has gone on. */
  async function stopAt(run: Run, worker: AggregatorProcess, at: 'asked' | 'done'): Promise<void> {
    let request: string[] = [];
    await tap.set({
      at,
      isIt: (bytes) => {
        if (!isCommit(bytes)) return false;
        request = wordsOf(bytes);
        return true;
      },
      isAnswer: hasRun,
      spring: async () => {
        worker.child.kill('SIGSTOP');
        const source = request[3]?.slice(`${run.prefix}p:`.length) ?? '';
        await until('another owner', async () => (await run.field(source, 't')) !== request[4]);
        // Far enough for the old batch to undo something.
        const far = Number(request[8]) + 20;
        await until('progress', async () => Number(await run.field(source, 'o')) >= far);
        worker.child.kill('SIGCONT');
        return 'forward';
      },
    });
  }

  it(`is fenced, and the state is exact (LEASTWISE_TEST_SEED=${SEED})`, async () => {
    const run = await new Run(stand, { name: 'stopped', partitions: 4 }).create();
    const random = createRandom(SEED);
    const lines = auditLines({ random, requests: 4000 });
    const next = async (count: number): Promise<void> => {
      const mine = lines.splice(0, count);
      const copies = mine.filter(() => random.next() < 0.05);
      await run.produce([...mine, ...copies, poison(random)]);
    };
    const first = run.start({ LEASTWISE_AGGREGATOR_REDIS_NODES: `127.0.0.1:${tap.port}` });
    await next(200);
    await run.caughtUp();
    run.start();
    for (const at of ['asked', 'done', 'asked'] as const) {
      const stopped = stopAt(run, first, at);
      const state = { isOver: false };
      const over = stopped.finally(() => {
        state.isOver = true;
      });
      // Until a record comes to a partition of the one to be stopped; the other one must have work meanwhile.
      while (!state.isOver) {
        await next(30);
        await sleep(300);
      }
      await over;
      await run.caughtUp();
    }
    // And wherever it happens to be.
    await next(300);
    first.child.kill('SIGSTOP');
    await next(100);
    await sleep(STANDSTILL_MS);
    first.child.kill('SIGCONT');
    await next(Math.min(lines.length, 600));
    await run.expectExact();
    expect(first.log()).toContain('"reason":"fenced"');
    expect(await run.stop()).toEqual([0, 0]);
  });
});
