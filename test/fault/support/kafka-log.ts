import { setTimeout as sleep } from 'node:timers/promises';

import kafkajs from 'kafkajs';

import type { LoggedRecord } from './oracle.ts';

const { Kafka, logLevel } = kafkajs;

/** A record to be appended where a test says. */
export interface PlacedRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | Buffer | null;
  /** Milliseconds; now where nothing is said. */
  readonly timestamp?: number;
}

function client(brokers: readonly string[]): InstanceType<typeof Kafka> {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
}

/** Appends records to the partitions that they name. */
export async function place(
  brokers: readonly string[],
  topic: string,
  records: readonly PlacedRecord[],
): Promise<void> {
  const producer = client(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    for (let at = 0; at < records.length; at += 500) {
      const messages = records.slice(at, at + 500).map(({ timestamp, ...record }) => ({
        ...record,
        ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
      }));
      await producer.send({ topic, messages });
    }
  } finally {
    await producer.disconnect();
  }
}

/** Uses an admin client of its own. */
export async function withAdmin<T>(
  brokers: readonly string[],
  use: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** The state of a group, then who is in it: another generation has other members. */
export function membersOf(brokers: readonly string[], groupId: string): Promise<string[]> {
  return withAdmin(brokers, async (admin) => {
    const { groups } = await admin.describeGroups([groupId]);
    const members = groups.flatMap((group) => group.members.map(({ memberId }) => memberId));
    return [...groups.map(({ state }) => state), ...members.sort()];
  });
}

/** Everything that topics hold now. A broker that has just come up may not be ready for a group yet. */
export async function readTopics(
  brokers: readonly string[],
  topics: readonly string[],
): Promise<LoggedRecord[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readOnce(brokers, topics);
    } catch (error) {
      if (attempt === 10) throw error;
      await sleep(500);
    }
  }
}

async function readOnce(brokers: readonly string[], topics: readonly string[]): Promise<LoggedRecord[]> {
  const left = await withAdmin(brokers, async (admin) => {
    const ends = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        if (Number(high) > Number(low)) ends.set(`${topic}/${partition}`, Number(high));
      }
    }
    return ends;
  });
  const records: LoggedRecord[] = [];
  if (left.size === 0) return records;
  const groupId = `reader-${Date.now()}-${Math.random()}`;
  const consumer = client(brokers).consumer({ groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  const done = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      reject(payload.error);
    });
    const run = consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { topic, partition, messages } }) => {
        await Promise.resolve();
        const name = `${topic}/${partition}`;
        for (const { offset, timestamp, key, value, headers } of messages) {
          records.push({
            topic,
            partition,
            offset: Number(offset),
            timestampMs: Number(timestamp),
            key,
            value,
            headers: Object.fromEntries(
              Object.entries(headers ?? {}).map(([header, text]) => [header, String(text)]),
            ),
          });
        }
        const last = messages.at(-1)?.offset;
        if (last !== undefined && Number(last) + 1 >= (left.get(name) ?? 0)) left.delete(name);
        if (left.size === 0) resolve();
      },
    });
    run.catch(reject);
  });
  try {
    await done;
  } finally {
    await consumer.disconnect();
  }
  return records;
}
