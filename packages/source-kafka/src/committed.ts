import type { Admin } from 'kafkajs';

import { type Partition, partitionName } from '@leastwise/source';

import { createClient } from './client.ts';
import { isRefusal, rootMessage, toLogError } from './failures.ts';
import type { KafkaConnection } from './options.ts';
import { withDefaults } from './options.ts';

/** Asks by a client of its own, once. @throws LogError that says what was asked for */
export async function asked<T>(
  connection: KafkaConnection,
  what: string,
  ask: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = createClient(withDefaults({ ...connection, groupId: '', topics: [] }), 'short').admin();
  try {
    await admin.connect();
    return await ask(admin);
  } catch (error) {
    const failure = isRefusal(error) ? 'refused' : 'unreachable';
    throw toLogError(failure, `${what}: ${rootMessage(error)}`, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * How far a group has read a partition by what it told Kafka, `undefined` where it never told anything. It is advice:
 * the state knows better, unless it was lost.
 * @throws LogError
 */
export function committedOffset(
  connection: KafkaConnection,
  groupId: string,
  { topic, partition }: Partition,
): Promise<number | undefined> {
  return asked(connection, `the committed offset of ${topic}/${partition}`, async (admin) => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const offset = Number(found?.partitions.find((each) => each.partition === partition)?.offset ?? -1);
    return offset < 0 ? undefined : offset;
  });
}

/**
 * One above the newest record of each partition of some topics, by the name of the partition. Topics that are not
 * there have none.
 * @throws LogError
 */
export function endOffsets(
  connection: KafkaConnection,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  return asked(connection, 'the ends of the topics', async (admin) => {
    const there = new Set(await admin.listTopics());
    const ends = new Map<string, number>();
    for (const topic of topics) {
      if (!there.has(topic)) continue;
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        ends.set(partitionName({ topic, partition }), Number(high));
      }
    }
    return ends;
  });
}

/** What tells one Kafka from another. @throws LogError */
export function clusterId(connection: KafkaConnection): Promise<string> {
  return asked(connection, 'the id of the cluster', async (admin) => {
    const { clusterId: id } = await admin.describeCluster();
    return id;
  });
}
