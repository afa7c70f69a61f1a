/*
 * A mix of all faults for LEASTWISE_TEST_TORTURE_SECONDS (60): aggregators that are killed, stopped and stand still, a
 * broker that is killed, a Redis that is killed and loses the end of its append-only file, and wires that break, while
 * records come in all the time, some twice, some poison, some as lists. Proves that the state is exact in the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import {
  createRandom,
  lacksKafka,
  lacksRedis,
  START_US,
  startTcpProxy,
  type TcpProxy,
} from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AggregatorProcess } from '../stream/support/processes.ts';
import { tear } from './support/append-only.ts';
import { auditLines, poison } from './support/audit-lines.ts';
import { killed, Run, type Stand, startStand } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const SECONDS = Number(process.env['LEASTWISE_TEST_TORTURE_SECONDS'] ?? 60);
const WORKERS = 3;
/** Longer than the session of 2 s. */
const STANDSTILL_MS = 3500;

describe.skipIf(isLacking)('a mix of faults', () => {
  const random = createRandom(SEED);
  let stand: Stand;
  let wire: TcpProxy;
  beforeAll(async () => {
    stand = await startStand();
    wire = await startTcpProxy(stand.redis.port);
  });
  afterAll(async () => {
    await wire[Symbol.asyncDispose]();
    await stand[Symbol.asyncDispose]();
  });

  it(
    `leaves an exact state (LEASTWISE_TEST_SEED=${SEED}, ${SECONDS} s)`,
    { timeout: (SECONDS + 300) * 1000 },
    async () => {
      const run = await new Run(stand, { name: 'torture', partitions: 6 }).create();
      const start = (): AggregatorProcess =>
        run.start({
          LEASTWISE_AGGREGATOR_REDIS_NODES: `127.0.0.1:${wire.port}`,
          // A tear may take a partition's first commit with it, which looks like a Redis that was emptied.
          LEASTWISE_AGGREGATOR_STATE_REBUILD: 'true',
        });
      const workers = Array.from({ length: WORKERS }, start);
      const exits: (number | string)[] = [];
      const restart = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
        const which = random.int(WORKERS);
        const worker = workers[which];
        if (!worker) return;
        if (signal === 'SIGKILL') await killed(worker);
        else worker.child.kill(signal);
        const exit = await worker.ended;
        if (!worker.log().includes(`Redis at 127.0.0.1:${wire.port}`)) exits.push(exit);
        workers[which] = start();
      };
      const faults: readonly (readonly [name: string, fault: () => Promise<void>])[] = [
        ['kill', () => restart('SIGKILL')],
        ['stop', () => restart('SIGTERM')],
        [
          'stand still',
          async () => {
            const worker = random.pick(workers);
            worker.child.kill('SIGSTOP');
            await sleep(STANDSTILL_MS);
            worker.child.kill('SIGCONT');
          },
        ],
        [
          'broker',
          async () => {
            await stand.kafka.kill();
            await stand.kafka.restart();
          },
        ],
        ['tear', () => tear(stand.redis, random.int(20_000))],
        [
          'cut',
          async () => {
            await Promise.resolve();
            wire.cut();
          },
        ],
      ];
      const end = Date.now() + SECONDS * 1000;
      const feeding = feed(run, end);
      const done = new Map<string, number>();
      while (Date.now() < end) {
        const [name, fault] = random.pick(faults);
        done.set(name, (done.get(name) ?? 0) + 1);
        await fault();
        await sleep(random.int(2000));
        // What Kubernetes does for those that came up while Redis was away.
        for (const [which, worker] of workers.entries()) {
          if (worker.child.exitCode === null && worker.child.signalCode === null) continue;
          expect(worker.log()).toContain(`Redis at 127.0.0.1:${wire.port}`);
          workers[which] = start();
        }
      }
      await feeding;
      // What Redis lost is noticed by the next commit, in each partition.
      await run.produceLists(auditLines({ random, requests: 100 }), 5);
      await run.produce(auditLines({ random, requests: 200 }));
      await run.expectExact();
      process.stderr.write(`faults: ${JSON.stringify(Object.fromEntries(done))}, seed ${SEED}\n`);
      // By the signal itself where it came before the process had loaded what would have heard it.
      expect(exits.filter((exit) => exit !== 'SIGKILL' && exit !== 'SIGTERM' && exit !== 0)).toEqual([]);
      expect(await run.stop()).toEqual(workers.map(() => 0));
    },
  );

  async function feed(run: Run, end: number): Promise<void> {
    for (let part = 0; Date.now() < end; part += 1) {
      const lines = auditLines({
        random,
        requests: 300,
        startUs: START_US + part * 60_000_000,
        spanUs: 600_000_000,
      });
      await run.produceLists(lines.splice(0, 10), 5);
      const copies = lines.filter(() => random.next() < 0.05);
      await run.produce([...lines, ...copies, ...(part % 3 === 0 ? [poison(random)] : [])]);
      await sleep(200);
    }
  }
});
