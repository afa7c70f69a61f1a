import { type Partition, partitionName } from '@leastwise/source';

import { createClient } from './client.ts';
import { isRefusal, rootMessage, toLogError } from './failures.ts';
import type { KafkaConnection } from './options.ts';
import { withDefaults } from './options.ts';

/**
 * How far a group has read a partition by what it told Kafka, `undefined` where it never told anything. It is advice:
 * the state knows better, unless it was lost.
 * @throws LogError
 */
export async function committedOffset(
  connection: KafkaConnection,
  groupId: string,
  { topic, partition }: Partition,
): Promise<number | undefined> {
  const admin = createClient(withDefaults({ ...connection, groupId, topics: [topic] }), 'short').admin();
  try {
    await admin.connect();
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const offset = Number(found?.partitions.find((each) => each.partition === partition)?.offset ?? -1);
    return offset < 0 ? undefined : offset;
  } catch (error) {
    const what = `the committed offset of ${topic}/${partition}: ${rootMessage(error)}`;
    throw toLogError(isRefusal(error) ? 'refused' : 'unreachable', what, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * One above the newest record of each partition of some topics, by the name of the partition. Topics that are not
 * there have none.
 * @throws LogError
 */
export async function endOffsets(
  connection: KafkaConnection,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const admin = createClient(withDefaults({ ...connection, groupId: '', topics: [] }), 'short').admin();
  try {
    await admin.connect();
    const there = new Set(await admin.listTopics());
    const ends = new Map<string, number>();
    for (const topic of topics) {
      if (!there.has(topic)) continue;
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        ends.set(partitionName({ topic, partition }), Number(high));
      }
    }
    return ends;
  } catch (error) {
    const what = `the ends of the topics: ${rootMessage(error)}`;
    throw toLogError(isRefusal(error) ? 'refused' : 'unreachable', what, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** What tells one Kafka from another. @throws LogError */
export async function clusterId(connection: KafkaConnection): Promise<string> {
  const admin = createClient(withDefaults({ ...connection, groupId: '', topics: [] }), 'short').admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).clusterId;
  } catch (error) {
    const what = `the id of the cluster: ${rootMessage(error)}`;
    throw toLogError(isRefusal(error) ? 'refused' : 'unreachable', what, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
