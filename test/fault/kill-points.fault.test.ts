/*
 * Streaming test 1. Proves that an aggregator may die by kill -9 at any step of a batch and nothing is counted twice
 * or lost: before, in and after the append to the dead letters; before, in and after the append to the keyed topic;
 * before a claim, in it and after it; before the commit, when it is done and not answered, when it is answered; and
 * before Kafka is told the position. A wire between the aggregator and its servers sees each step come.
 */
import { createRandom, lacksKafka, lacksRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditLines, poison } from './support/audit-lines.ts';
import { killed, Run, type Stand, startStand } from './support/stand.ts';
import {
  hasRun,
  isClaim,
  isCommit,
  isOffsetCommit,
  isProduceTo,
  type Moment,
  type Tap,
  tapKafka,
  tapRedis,
  type Trap,
} from './support/tap.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);

interface FailPoint {
  readonly what: string;
  readonly at: Moment;
  readonly wire: 'kafka' | 'redis';
  readonly isIt: (run: Run) => Trap['isIt'];
}

const MOMENTS: readonly Moment[] = ['asked', 'done', 'answered'];

function pointsOf(what: string, wire: FailPoint['wire'], isIt: FailPoint['isIt']): FailPoint[] {
  return MOMENTS.map((at) => ({ what, wire, isIt, at }));
}

const POINTS: readonly FailPoint[] = [
  ...pointsOf('dead letters', 'kafka', ({ dead }) => isProduceTo(dead)),
  ...pointsOf('events produced again', 'kafka', ({ keyed }) => isProduceTo(keyed)),
  ...pointsOf('commit', 'redis', () => isCommit),
  ...pointsOf('claim', 'redis', () => isClaim),
  { what: 'position for Kafka', wire: 'kafka', isIt: () => isOffsetCommit, at: 'asked' },
];

describe.skipIf(isLacking)('an aggregator that is killed', () => {
  let stand: Stand;
  let kafka: Tap;
  let redis: Tap;
  beforeAll(async () => {
    stand = await startStand();
    kafka = await tapKafka(Number(stand.kafka.brokers[0]?.split(':')[1]));
    redis = await tapRedis(stand.redis.port);
  });
  afterAll(async () => {
    await kafka[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await stand[Symbol.asyncDispose]();
  });

  it(`at each step of a batch leaves an exact state (LEASTWISE_TEST_SEED=${SEED})`, async () => {
    const run = await new Run(stand, { name: 'points', partitions: 3 }).create();
    const random = createRandom(SEED);
    const lines = auditLines({ random, requests: POINTS.length * 200 });
    const share = Math.ceil(lines.length / POINTS.length);
    const environment = {
      LEASTWISE_AGGREGATOR_KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
      LEASTWISE_AGGREGATOR_REDIS_NODES: `127.0.0.1:${redis.port}`,
    };
    for (const [i, point] of POINTS.entries()) {
      const mine = lines.slice(i * share, (i + 1) * share);
      const listed = mine.splice(0, 10);
      const copies = mine.filter(() => random.next() < 0.05);
      const sprung = (point.wire === 'kafka' ? kafka : redis).set({
        at: point.at,
        isIt: point.isIt(run),
        isAnswer: point.wire === 'redis' ? hasRun : () => true,
        spring: async () => {
          await killed(worker);
          return 'drop';
        },
      });
      const worker = run.start(environment);
      await run.produceLists([...listed, ...listed.slice(0, 3)], 5);
      await run.produce(random.shuffle([...mine, ...copies, poison(random)]));
      await sprung;
      expect(await worker.ended, `${point.what}, ${point.at}`).toBe('SIGKILL');
    }
    run.start(environment);
    await run.expectExact();
    expect(await run.stop()).toEqual([0]);
  });
});
