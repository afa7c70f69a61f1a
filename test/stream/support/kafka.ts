import kafkajs from 'kafkajs';

const { Kafka, logLevel } = kafkajs;

function client(brokers: readonly string[]): InstanceType<typeof Kafka> {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
}

/** Makes topics with so many partitions each. */
export async function createTopics(
  brokers: readonly string[],
  topics: Readonly<Record<string, number>>,
): Promise<void> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: Object.entries(topics).map(([topic, numPartitions]) => ({ topic, numPartitions })),
    });
  } finally {
    await admin.disconnect();
  }
}

/** By `topic/partition`, one above its newest record. */
export async function endsOf(
  brokers: readonly string[],
  topics: readonly string[],
): Promise<Map<string, number>> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    const ends = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        ends.set(`${topic}/${partition}`, Number(high));
      }
    }
    return ends;
  } finally {
    await admin.disconnect();
  }
}

/** Removes all records of a topic before some offsets, as retention does. */
export async function deleteRecords(
  brokers: readonly string[],
  topic: string,
  before: ReadonlyMap<string, number>,
): Promise<void> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    const partitions = [...before].map(([name, offset]) => ({
      partition: Number(name.slice(topic.length + 1)),
      offset: String(offset),
    }));
    // A client that has just come knows too little of a topic that was just made.
    await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.deleteTopicRecords({ topic, partitions });
  } finally {
    await admin.disconnect();
  }
}

/** A record to be produced: its key, or none, and its value. */
export type Produced = readonly [key: string | null, value: string | Buffer];

/** Appends records, each to the partition of its key, in batches of so many. */
export async function produce(
  brokers: readonly string[],
  topic: string,
  records: readonly Produced[],
  size = 250,
): Promise<void> {
  const producer = client(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    for (let at = 0; at < records.length; at += size) {
      const messages = records.slice(at, at + size).map(([key, value]) => ({ key, value }));
      await producer.send({ topic, messages });
    }
  } finally {
    await producer.disconnect();
  }
}
