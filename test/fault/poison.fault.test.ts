/*
 * Streaming test 14. Proves that no record stops a partition: what cannot be read goes to the dead letters as it came,
 * what is no audit event is passed over, what is hostile and well-formed counts as it stands, and all that comes after
 * counts too. A batch in a codec that nobody knows stops its own partition at its offset, with a line in the log that
 * says so; the other partitions go on, and the process lives.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  auditEvent,
  auditEventLine,
  createRandom,
  lacksKafka,
  lacksRedis,
  userInfo,
} from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditIDOf } from '../stream/support/evidence.ts';
import { auditLines, poison, randomID } from './support/audit-lines.ts';
import { place, type PlacedRecord } from './support/kafka-log.ts';
import type { LoggedRecord } from './support/oracle.ts';
import { pretendCodec } from './support/segment.ts';
import { Run, type Stand, startStand, until } from './support/stand.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const PARTITIONS = 4;
/** Of the one that stops. */
const STOPPING = 3;
const random = createRandom(SEED);

function line(change: (text: string) => string = (text) => text, username = 'alice'): string {
  const event = auditEvent({ auditID: randomID(random), user: userInfo({ username }) });
  return change(auditEventLine(event));
}

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const PROTO = '"__proto__":{"verb":"delete","auditID":"x"},"constructor":{"prototype":{}}';

/** Cannot be read. */
function unreadable(): Buffer[] {
  const good = Buffer.from(line());
  const user = good.indexOf('alice');
  const badUtf8 = Buffer.concat([
    good.subarray(0, user),
    Buffer.from([0xc3, 0x28, 0xff]),
    good.subarray(user),
  ]);
  const texts = [
    'not JSON at all',
    line((text) => text.slice(0, 250)),
    line((text) => text.slice(0, -1)),
    '{"a":'.repeat(100_000),
    line((text) => text.replace('audit.k8s.io/v1', 'audit.k8s.io/v9')),
    line((text) => text.replace('"verb":"get"', '"verb":{"get":1}')),
    line((text) => text.replace(/"requestReceivedTimestamp":"[^"]*"/, '"requestReceivedTimestamp":"soon"')),
  ];
  return [
    badUtf8,
    Buffer.from([0xff, 0xfe, 0, 0x80]),
    Buffer.alloc(0),
    ...texts.map((text) => Buffer.from(text)),
  ];
}

/** Nothing of ours. */
const NOTHING = [`{${PROTO}}`, 'null', '42', '[]', DEEP, '\n'.repeat(50_000), '{"kind":"Pod","metadata":{}}'];

/** Hostile, and an event all the same. */
function hostile(): string[] {
  return [
    line((text) => text.replace('"kind":"Event"', `${PROTO},"kind":"Event"`)),
    line((text) => text.replace('"kind":"Event"', `"requestObject":${DEEP},"kind":"Event"`)),
    line((text) => text.replace('"kind":"Event"', '"verb":"delete","kind":"Event"')),
    line((text) => text.replace('"username":"alice"', `"username":"alice","extra":{"__proto__":["a"]}`)),
    line((text) => text.replace('alice', '\\ud800')),
    line((text) => text, '__proto__'),
    line((text) => text.replace(/"auditID":"[^"]*"/, `"auditID":"${'x'.repeat(900_000)}"`)),
    line((text) => text.replace(/"auditID":"[^"]*"/, `"auditID":"${'y'.repeat(900_000)}"`)),
  ];
}

function placed(partition: number, values: readonly (string | Buffer)[]): PlacedRecord[] {
  return values.map((value) => {
    const auditID = auditIDOf(String(value).slice(0, 1000));
    return { partition, key: auditID === '' ? randomID(random) : auditID, value };
  });
}

describe.skipIf(isLacking)('poison', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  it(`stops no partition, an unknown codec only its own (LEASTWISE_TEST_SEED=${SEED})`, async () => {
    const run = await new Run(stand, { name: 'poison', partitions: PARTITIONS }).create();
    const bad = [...unreadable(), poison(random), poison(random)];
    for (const each of bad) run.notePoison(each);
    for (const each of NOTHING) run.noteNothing(Buffer.from(each));
    for (let partition = 0; partition < STOPPING; partition += 1) {
      const values = random.shuffle([
        ...auditLines({ random, requests: 60 }),
        ...bad,
        ...NOTHING,
        ...hostile(),
      ]);
      // Each in a request of its own where it is large.
      for (const value of values) {
        if (value.length > 100_000) await place(run.brokers, run.topic, placed(partition, [value]));
      }
      const small = values.filter((value) => value.length <= 100_000);
      await place(run.brokers, run.topic, [
        ...placed(partition, small),
        { partition, key: 'deleted', value: null },
        ...placed(partition, [line()]),
      ]);
    }
    const before = auditLines({ random, requests: 50 });
    await place(run.brokers, run.topic, placed(STOPPING, before));
    for (const each of [line(), line()]) await place(run.brokers, run.topic, placed(STOPPING, [each]));
    const log = await run.log([run.topic]);
    await stand.kafka.stop();
    const segment = join(stand.dir, 'data', `${run.topic}-${STOPPING}`, `${'0'.repeat(20)}.log`);
    await pretendCodec(segment, before.length, 7);
    await stand.kafka.restart();

    const stopping = `${run.topic}/${STOPPING}`;
    const worker = run.start();
    await run.caughtUp([stopping]);
    await until('a line in the log', () => /"level":"error".*partition.*codec 7/.test(worker.log()));
    const afterwards = [0, 1, 2].map((partition) => ({ partition, value: line() }));
    await place(
      run.brokers,
      run.topic,
      afterwards.map((each) => ({ ...each, key: auditIDOf(each.value) })),
    );
    await run.caughtUp([stopping]);
    // Longer than the session: whoever cannot read one partition is not thrown out for it.
    await sleep(3000);
    expect(worker.child.exitCode).toBeNull();
    expect(await run.field(stopping, 'o')).toBe(String(before.length));
    const isReachable = ({ partition, offset }: LoggedRecord): boolean =>
      partition !== STOPPING || offset < before.length;
    await run.expectExact([
      ...log.filter(isReachable),
      ...(await run.log([run.keyed, run.dead])),
      ...afterwards.map(({ partition, value }, i): LoggedRecord => ({
        ...{ topic: run.topic, partition, offset: 1_000_000 + i, timestampMs: 0, headers: {} },
        ...{ key: Buffer.from(auditIDOf(value)), value: Buffer.from(value) },
      })),
    ]);
    expect(await run.stop()).toEqual([0]);
  });
});
