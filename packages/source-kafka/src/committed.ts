import type { Partition } from '@leastwise/source';

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
