import { LogError } from '@leastwise/source';
import { clusterId, committedOffset, endOffsets } from '@leastwise/source-kafka';

import { counted } from '../progress.ts';
import { type ConfiguredKafka, configuredKafka } from './kafka-settings.ts';
import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok, skipped, type Verdict } from './verdict.ts';

const REMEDIES = {
  unreachable:
    'Is it running, are the addresses right (also those that the brokers advertise), and does a firewall or NetworkPolicy let us through?',
  refused: 'Look at the SASL user, certificates, and ACLs.',
} as const;

/** The Kafka of an aggregator: whether it answers, has its topics, and lets its group be asked about. */
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
      // One question after another: each has a connection of its own, and a broker need not take five at once.
      const topics = await told('topics', () => topicVerdicts(kafka));
      const group = await told(
        `group ${kafka.groupId}`,
        async () => [await groupVerdict(kafka)],
        'Allow its user READ on the group, without which nobody joins it.',
      );
      return [reached, ...topics, ...group];
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

async function topicVerdicts({ connection, read, written, pattern }: ConfiguredKafka): Promise<Verdict[]> {
  const ends = await endOffsets(connection, [...read, ...written]);
  const partitions = new Map<string, number>();
  for (const name of ends.keys()) {
    const topic = name.slice(0, name.lastIndexOf('/'));
    partitions.set(topic, (partitions.get(topic) ?? 0) + 1);
  }
  const verdict = (topic: string, use: string): Verdict => {
    const count = partitions.get(topic) ?? 0;
    return count === 0
      ? failed(
          `topic ${topic}`,
          `it is ${use}, and is not there, or its user may not describe it`,
          'Make the topic; no service makes one. Its ACL must allow DESCRIBE.',
        )
      : ok(`topic ${topic}`, `it is ${use}, and has ${counted(count, 'partition')}`);
  };
  const byPattern =
    pattern === undefined ? [] : [skipped(`topics like ${pattern}`, 'topics by pattern are not looked up')];
  return [
    ...read.map((topic) => verdict(topic, 'read')),
    ...written.map((topic) => verdict(topic, 'written')),
    ...byPattern,
  ];
}

/** The group's committed offset is advice: what counts is that its user may ask, as it may when it joins. */
async function groupVerdict({ connection, groupId, read }: ConfiguredKafka): Promise<Verdict> {
  const what = `group ${groupId}`;
  const [topic] = read;
  if (topic === undefined) return skipped(what, 'no topic is named that it reads');
  const offset = await committedOffset(connection, groupId, { topic, partition: 0 });
  return ok(what, offset === undefined ? `it has not read ${topic} yet` : `it has read ${topic} before`);
}
