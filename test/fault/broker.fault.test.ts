/*
 * Streaming tests 3, 8, 9, 10 and 15. Proves what happens when Kafka fails: a broker that is killed while it answers a
 * fetch, and before it answers dead letters (which it has then twice), costs nothing; what retention took unread is
 * counted as lost, to the record, and said; a topic that was made anew ends the process with code 3, before and while
 * it reads; partitions that are added are read from their beginning; and while the topic of the dead letters cannot
 * be written, the partition waits, its position stands, and nobody is thrown out of the group.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { createRandom, freePort, lacksKafka, lacksRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditIDOf } from '../stream/support/evidence.ts';
import { createTopics } from '../stream/support/kafka.ts';
import { auditLines, poison } from './support/audit-lines.ts';
import { apiOf } from './support/frames.ts';
import { membersOf, place, withAdmin } from './support/kafka-log.ts';
import { Run, type Stand, startStand, until } from './support/stand.ts';
import { isProduceTo, type Tap, tapKafka, type Trap } from './support/tap.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const FETCH = 1;
const EXIT_RECREATED = 3;

describe.skipIf(isLacking)(`a broker (LEASTWISE_TEST_SEED=${SEED})`, () => {
  const random = createRandom(SEED);
  let stand: Stand;
  let tap: Tap;
  beforeAll(async () => {
    stand = await startStand();
    tap = await tapKafka(Number(stand.kafka.brokers[0]?.split(':')[1]));
  });
  afterAll(async () => {
    await tap[Symbol.asyncDispose]();
    await stand[Symbol.asyncDispose]();
  });

  it('that is killed while it answers costs nothing', async () => {
    const run = await new Run(stand, { name: 'killed', partitions: 3 }).create();
    const worker = run.start({ LEASTWISE_AGGREGATOR_KAFKA_BROKERS: `127.0.0.1:${tap.port}` });
    const traps: Pick<Trap, 'at' | 'isIt'>[] = [
      { at: 'asked', isIt: (request) => apiOf(request) === FETCH },
      { at: 'done', isIt: (request) => apiOf(request) === FETCH },
      { at: 'done', isIt: isProduceTo(run.dead) },
      { at: 'asked', isIt: isProduceTo(run.dead) },
      { at: 'done', isIt: isProduceTo(run.keyed) },
    ];
    for (const trap of traps) {
      const lines = auditLines({ random, requests: 200 });
      const copies = lines.filter(() => random.next() < 0.05);
      await run.produceLists(lines.splice(0, 10), 5);
      await run.produce([...lines, ...copies, poison(random)]);
      const sprung = tap.set({
        ...trap,
        spring: async () => {
          await stand.kafka.kill();
          return 'drop';
        },
      });
      await run.produce([...auditLines({ random, requests: 20 }), poison(random)]).catch(() => undefined);
      // Something to be produced again, for the trap that waits for it.
      const more = run.produceLists(auditLines({ random, requests: 10 }), 5);
      await sprung;
      await stand.kafka.restart();
      await more;
    }
    await run.expectExact();
    const letters = (await run.log()).filter(({ topic }) => topic === run.dead);
    expect(letters.length).toBeGreaterThan(new Set(letters.map(({ key }) => String(key))).size);
    expect(worker.child.exitCode).toBeNull();
    expect(await run.stop()).toEqual([0]);
  });

  it('whose retention passed the position leaves a gap that is counted, and told', async () => {
    const run = await new Run(stand, { name: 'retention', partitions: 1 }).create();
    await run.produce(auditLines({ random, requests: 300 }));
    run.start();
    await run.caughtUp();
    await run.stop();
    const position = Number(await run.field(`${run.topic}/0`, 'o'));
    await run.produce(auditLines({ random, requests: 300 }));
    const log = await run.log();
    const low = position + 123;
    await withAdmin(run.brokers, async (admin) => {
      // Loads what kafkajs has to know of the topic, and does not ask for by itself.
      await admin.fetchTopicOffsets(run.topic);
      await admin.deleteTopicRecords({
        topic: run.topic,
        partitions: [{ partition: 0, offset: String(low) }],
      });
    });
    const port = await freePort();
    const worker = run.start({ LEASTWISE_AGGREGATOR_HTTP_PORT: String(port) });
    await run.caughtUp();
    await run.expectExact(
      log.filter(({ offset }) => offset < position || offset >= low),
      low - position,
    );
    expect(worker.log()).toMatch(
      new RegExp(`"level":"error".*"source":"retention/0".*"from":${position},"to":${low}`),
    );
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(new RegExp(`^leastwise_lost_records_total ${low - position}$`, 'm'));
    expect(await run.stop()).toEqual([0]);
  });

  it('whose topic was made anew ends the process with a code of its own', async () => {
    const run = await new Run(stand, { name: 'anew', partitions: 1 }).create();
    const remake = async (): Promise<void> => {
      await withAdmin(run.brokers, async (admin) => {
        await admin.deleteTopics({ topics: [run.topic] });
        while ((await admin.listTopics()).includes(run.topic)) await sleep(50);
      });
      await createTopics(run.brokers, { [run.topic]: 1 });
    };
    await run.produce(auditLines({ random, requests: 100 }));
    const reading = run.start();
    await run.caughtUp();
    const before = await run.raw();
    await remake();
    expect(await reading.ended).toBe(EXIT_RECREATED);
    await run.produce(auditLines({ random, requests: 10 }));
    const starting = run.start();
    expect(await starting.ended).toBe(EXIT_RECREATED);
    expect(starting.log()).toContain('made anew');
    const cells = (partitions: typeof before): unknown[] =>
      [...(partitions.get(`${run.topic}/0`) ?? [])].filter(([field]) => field.startsWith('["a"'));
    expect(cells(await run.raw())).toEqual(cells(before));
  });

  it('that gets more partitions has them read from their beginning', async () => {
    const run = await new Run(stand, { name: 'grown', partitions: 2 }).create();
    await run.produce([...auditLines({ random, requests: 200 }), poison(random)]);
    run.start();
    run.start();
    await run.caughtUp();
    await withAdmin(run.brokers, (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: run.topic, count: 5 }] }),
    );
    // A copy of what came before the change may be in another partition now: that is documented.
    await run.produce([...auditLines({ random, requests: 300 }), poison(random)]);
    await run.expectExact();
    expect((await run.raw()).has(`${run.topic}/4`)).toBe(true);
    expect(await run.stop()).toEqual([0, 0]);
  });

  it('that takes no dead letters makes the partition wait, and nobody else', async () => {
    const run = await new Run(stand, { name: 'letters', partitions: 2 }).create();
    const environment = { LEASTWISE_AGGREGATOR_KAFKA_BROKERS: `127.0.0.1:${tap.port}` };
    await run.produce(auditLines({ random, requests: 200 }));
    const workers = [run.start(environment), run.start(environment)];
    await run.caughtUp();
    let refused = 0;
    tap.block((request) => {
      if (!isProduceTo(run.dead)(request)) return false;
      refused += 1;
      return true;
    });
    const stuck = `${run.topic}/1`;
    const position = await run.field(stuck, 'o');
    const bad = poison(random);
    run.notePoison(bad);
    const lines = auditLines({ random, requests: 60 });
    await place(
      run.brokers,
      run.topic,
      [bad, ...lines].map((value) => ({ partition: 1, key: auditIDOf(String(value)), value })),
    );
    const members = (): Promise<string[]> => membersOf(run.brokers, 'letters');
    const before = await members();
    await until('a letter that was not taken', () => refused > 0);
    const free = auditLines({ random, requests: 60 });
    await place(
      run.brokers,
      run.topic,
      free.map((value) => ({ partition: 0, key: auditIDOf(value), value })),
    );
    await run.caughtUp([stuck]);
    // Several times the session.
    await sleep(8000);
    expect(await members()).toEqual(before);
    expect(await run.field(stuck, 'o')).toBe(position);
    expect(refused).toBeGreaterThan(1);
    tap.block();
    await run.expectExact();
    expect(workers.map(({ child }) => child.exitCode)).toEqual([null, null]);
    expect(await run.stop()).toEqual([0, 0]);
  });
});
