import { LogError } from '@leastwise/source';
import { clusterId, groupStanding, topicStandings } from '@leastwise/source-kafka';

import { type ConfiguredKafka, configuredKafka } from './kafka-settings.ts';
import {
  type FoundTopics,
  groupVerdicts,
  keepingVerdicts,
  permissionVerdicts,
  readTopics,
  topicVerdicts,
} from './kafka-topics.ts';
import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok, type Verdict } from './verdict.ts';

const REMEDIES = {
  unreachable:
    'Is it running, are the addresses right (also those that the brokers advertise), and does a firewall or NetworkPolicy let us through?',
  refused: 'Look at the SASL user, certificates, and ACLs.',
} as const;

/** The Kafka of an aggregator: whether it answers and has its topics, what they keep, and how far its group has read. */
export function kafkaCheck(config: ReadConfig): Check {
  const what = 'Kafka of the aggregator';
  return {
    area: 'kafka',
    what,
    look: async () => {
      const kafka = await configuredKafka(config);
      const [reached] = await told(what, async () => {
        const id = await clusterId(kafka.connection);
        return [ok(what, `it answers at ${kafka.connection.brokers.join(', ')} as cluster ${id}`)];
      });
      if (reached?.outcome !== 'ok') return reached === undefined ? [] : [reached];
      return [reached, ...(await told('topics', () => standingVerdicts(kafka)))];
    },
  };
}

/** What was asked, or why there is no answer. */
async function told(
  what: string,
  ask: () => Promise<readonly Verdict[]>,
  remedy?: string,
): Promise<readonly Verdict[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    const usual = REMEDIES[error.failure === 'refused' ? 'refused' : 'unreachable'];
    return [failed(what, error.message, remedy ?? usual)];
  }
}

/** One question after another: each has a connection of its own, and a broker need not take five at once. */
async function standingVerdicts(kafka: ConfiguredKafka): Promise<Verdict[]> {
  const found = await findTopics(kafka);
  const there = readTopics(kafka, found).filter((topic) => found.topics.has(topic));
  const group = await told(
    `group ${kafka.groupId}`,
    async () => groupVerdicts(kafka, found, await groupStanding(kafka.connection, kafka.groupId, there)),
    'Allow its user READ on the group, without which nobody joins it.',
  );
  return [
    ...topicVerdicts(kafka, found),
    ...keepingVerdicts(kafka, found),
    ...group,
    ...permissionVerdicts(kafka, found),
  ];
}

async function findTopics(kafka: ConfiguredKafka): Promise<FoundTopics> {
  const { connection, pattern, keyedSuffix, written, topics } = kafka;
  const like = await topicStandings(connection, pattern === undefined ? [] : [pattern]);
  // As aggregators look: what they write themselves is none of what they read.
  const byPattern = like.topics
    .map(({ topic }) => topic)
    .filter((topic) => !topic.endsWith(keyedSuffix) && !written.includes(topic));
  const read = readTopics(kafka, { topics: new Map(), byPattern });
  const named = await topicStandings(connection, [...new Set([...topics, ...read, ...written])]);
  return { byPattern, topics: new Map(named.topics.map((each) => [each.topic, each])) };
}
