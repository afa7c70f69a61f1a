import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin, Kafka } from 'kafkajs';
import type { Partition } from '@leastwise/source';
import { createClient } from '../client.ts';
import { withDefaults } from '../options.ts';
import type { KafkaLogOptions } from '../options.ts';

/** Options for a worker that notices everything soon. */
export function quickOptions(brokers: readonly string[], topic: string, groupId = topic): KafkaLogOptions {
  return {
    brokers,
    groupId,
    topics: [topic],
    sessionTimeoutMs: 6000,
    heartbeatIntervalMs: 300,
    maxWaitMs: 100,
    commitEveryMs: 200,
    endsEveryMs: 500,
    topicsEveryMs: 1000,
  };
}

/** A name that no other run has. */
export function uniqueTopic(prefix: string): string {
  return `${prefix}${randomBytes(6).toString('hex')}`;
}

/** A client with all codecs. */
export function testClient(brokers: readonly string[]): Kafka {
  return createClient(withDefaults({ brokers, groupId: '', topics: [] }), 'short');
}

/** Uses an admin client of its own: one cannot be connected twice. */
export async function withAdmin<T>(
  brokers: readonly string[],
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Makes a topic, and waits until it can be written. */
export async function createTopic(
  brokers: readonly string[],
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const topics = [{ topic, numPartitions: partitions, configEntries }];
  await withAdmin(brokers, async (admin) => {
    // Not by `waitForLeaders`, which fails where a broker has not heard of the topic yet.
    while (!(await admin.createTopics({ topics, waitForLeaders: false }))) await sleep(50);
    // Leaders that are known need not know it themselves yet: what is sent to them is refused, and sent twice.
    const areLed = async (): Promise<boolean> => {
      const offsets = await admin.fetchTopicOffsets(topic).catch(() => []);
      return offsets.length === partitions;
    };
    while (!(await areLed())) await sleep(20);
  });
}

/** Retention: what is before `before` is gone. */
export async function truncate(
  brokers: readonly string[],
  partition: Partition,
  before: number,
): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    // Loads what kafkajs has to know of the topic, and does not ask for by itself.
    await admin.fetchTopicOffsets(partition.topic);
    await admin.deleteTopicRecords({
      topic: partition.topic,
      partitions: [{ partition: partition.partition, offset: String(before) }],
    });
  });
}

/** Deletes a topic and makes it again. */
export async function recreateTopic(
  brokers: readonly string[],
  topic: string,
  partitions: number,
): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    while ((await admin.listTopics()).includes(topic)) await sleep(50);
  });
  await createTopic(brokers, topic, partitions);
}
