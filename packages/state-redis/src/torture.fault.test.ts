import { createRandom, lacksRedis, type RedisServer, startRedis } from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';

import { RedisStore } from './redis-store.ts';
import { type LogEvent, makeLog } from './testing/events.ts';
import { expectExact, expectPrefix, OPTIONS, temporaryFolder } from './testing/setup.ts';
import { type Tale, Tormentor, TortureWorker } from './testing/torture.ts';
import { LogWorker } from './testing/worker.ts';

const SECONDS = Number(process.env['LEASTWISE_TEST_TORTURE_SECONDS'] ?? 10);
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? 1);
/** How long one log is tortured before it is read to its end and compared. */
const ROUND_MS = 4000;
const PARTITIONS = 4;
const WORKERS = 3;

interface Round {
  readonly seed: number;
  readonly tale: Tale;
  readonly endMs: number;
}

/** So long that no worker is done with it in a round. */
function logsOf(seed: number): Map<string, LogEvent[]> {
  const names = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  return new Map(
    names.map((partition) => [
      `topic/${partition}`,
      makeLog({
        events: 6000,
        seed: seed * PARTITIONS + partition,
        firstNumber: partition * 1_000_000,
        stepUs: 20_000_000,
        lateUs: 14_000_000_000,
        clusters: ['main', '__proto__'],
      }),
    ]),
  );
}

async function torture(redis: RedisServer, { seed, tale, endMs }: Round): Promise<void> {
  const random = createRandom(seed);
  const logs = logsOf(seed);
  const prefix = `round-${seed}:`;
  const options = { ...OPTIONS, prefix, commandTimeoutMs: 600, outageMs: 2000 };
  const started: TortureWorker[] = [];
  try {
    for (let i = 0; i < WORKERS; i += 1) {
      started.push(await TortureWorker.start(redis, createRandom(random.int(2 ** 31))));
    }
    const isOver = (): boolean => performance.now() > endMs;
    const sources = [...logs.keys()];
    const tormentor = new Tormentor(redis, started, { random, tale, sources, prefix });
    const runs = started.map((worker) => worker.run(logs, options, { isOver, tale }));
    while (!isOver()) await tormentor.torment();
    await Promise.all(runs);
  } finally {
    for (const worker of started) await worker[Symbol.asyncDispose]();
  }
  const client = new Redis({ port: redis.port });
  try {
    const store = new RedisStore(client, options);
    for (const [source, log] of logs) {
      await expectPrefix(client, log, source, prefix);
      await new LogWorker(store, source, log).finish(500);
      await expectExact(client, log, source, prefix);
    }
  } finally {
    client.disconnect();
  }
}

describe.skipIf(await lacksRedis())('the torture model', () => {
  it(
    `is exact for ${SECONDS} seconds, seed ${SEED}`,
    async () => {
      await using folder = await temporaryFolder();
      await using redis = await startRedis({ dir: folder.path });
      const tale: Tale = new Map();
      const end = performance.now() + SECONDS * 1000;
      let round = 0;
      for (; performance.now() < end; round += 1) {
        const seed = SEED * 10_000 + round;
        try {
          await torture(redis, { seed, tale, endMs: Math.min(end, performance.now() + ROUND_MS) });
        } catch (error) {
          throw new Error(`round ${round}, seed ${seed}, after ${told(tale)}`, { cause: error });
        }
      }
      console.info(`torture: ${round} rounds, ${told(tale)}`);
      // It was no walk in the park.
      const setbacks = ['setback', 'fenced', 'stale'].reduce((sum, what) => sum + (tale.get(what) ?? 0), 0);
      expect(Math.min(tale.get('applied') ?? 0, setbacks)).toBeGreaterThan(0);
    },
    (SECONDS + 120) * 1000,
  );
});

function told(tale: Tale): string {
  return [...tale]
    .sort()
    .map(([what, times]) => `${what} ${times}`)
    .join(', ');
}
