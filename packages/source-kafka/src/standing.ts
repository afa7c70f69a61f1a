import kafkajs, { type Admin } from 'kafkajs';

import { partitionName } from '@leastwise/source';

import { asked } from './committed.ts';
import { isRefusal } from './failures.ts';
import type { KafkaConnection } from './options.ts';
import { findTopics } from './topics.ts';

/** For how long a topic keeps its records, as its brokers have it. */
export interface TopicKeeping {
  /** `undefined`: for ever. */
  readonly retentionMs: number | undefined;
  /** Of one partition; `undefined`: any size. */
  readonly retentionBytes: number | undefined;
  /** Of records with the same key only the newest is kept, sooner or later. */
  readonly isCompacted: boolean;
}

/** A topic as its brokers have it. */
export interface TopicStanding {
  readonly topic: string;
  readonly partitions: readonly PartitionEnds[];
  /** `undefined` where our user may not ask (DESCRIBE_CONFIGS). */
  readonly keeping: TopicKeeping | undefined;
}

/** The records that a partition has. */
export interface PartitionEnds {
  readonly partition: number;
  /** The offset of the oldest record that is kept. */
  readonly earliest: number;
  /** One above the newest. */
  readonly latest: number;
}

/** A group as its broker has it. */
export interface GroupStanding {
  /** Who reads at present. */
  readonly members: number;
  /** How far partitions were read, by their names, as the group told Kafka. */
  readonly committed: ReadonlyMap<string, number>;
}

/**
 * Topics by names and patterns, with what they hold. Named ones that are not there, or that our user may not describe,
 * are missing.
 * @throws LogError
 */
export function topicStandings(
  connection: KafkaConnection,
  wanted: readonly (string | RegExp)[],
): Promise<{ readonly topics: readonly TopicStanding[]; readonly missing: readonly string[] }> {
  return asked(connection, 'the topics', async (admin) => {
    const { names, missing } = await findTopics(admin, wanted);
    const topics: TopicStanding[] = [];
    for (const topic of names) {
      const ends = await admin.fetchTopicOffsets(topic);
      const partitions = ends.map(({ partition, low, high }) => {
        return { partition, earliest: Number(low), latest: Number(high) };
      });
      topics.push({ topic, partitions, keeping: await keepingOf(admin, topic) });
    }
    return { topics, missing };
  });
}

async function keepingOf(admin: Admin, topic: string): Promise<TopicKeeping | undefined> {
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  const configNames = ['retention.ms', 'retention.bytes', 'cleanup.policy'];
  try {
    const resources = [{ type, name: topic, configNames }];
    const described = await admin.describeConfigs({ resources, includeSynonyms: false });
    const entries = described.resources[0]?.configEntries ?? [];
    const values = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
    const bound = (name: string): number | undefined => {
      const value = Number(values.get(name) ?? -1);
      return value < 0 ? undefined : value;
    };
    return {
      retentionMs: bound('retention.ms'),
      retentionBytes: bound('retention.bytes'),
      isCompacted: (values.get('cleanup.policy') ?? '').split(',').includes('compact'),
    };
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/**
 * A group, and how far it has read topics that are there. A group that nobody ever joined has no members.
 * @throws LogError
 */
export function groupStanding(
  connection: KafkaConnection,
  groupId: string,
  topics: readonly string[],
): Promise<GroupStanding> {
  return asked(connection, `the group ${groupId}`, async (admin) => {
    const { groups } = await admin.describeGroups([groupId]);
    const committed = new Map<string, number>();
    // Without topics there is nothing that it could have read.
    const offsets = topics.length === 0 ? [] : await admin.fetchOffsets({ groupId, topics: [...topics] });
    for (const { topic, partitions } of offsets) {
      for (const { partition, offset } of partitions) {
        if (Number(offset) >= 0) committed.set(partitionName({ topic, partition }), Number(offset));
      }
    }
    return { members: groups[0]?.members.length ?? 0, committed };
  });
}
