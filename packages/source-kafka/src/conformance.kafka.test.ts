import { afterAll, beforeAll, describe, it } from 'vitest';
import { partitionedLogChecks } from '@leastwise/source/conformance';
import { lacksKafka, resolveKafka } from '@leastwise/testkit';
import type { ResolvedKafka } from '@leastwise/testkit';
import { openKafkaLog } from './index.ts';
import { createTopic, quickOptions, recreateTopic, truncate, uniqueTopic } from './testing/kafka-fixture.ts';

describe.skipIf(await lacksKafka())('openKafkaLog', () => {
  let kafka: ResolvedKafka | undefined;

  beforeAll(async () => {
    kafka = await resolveKafka();
  }, 300_000);

  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
  });

  for (const check of partitionedLogChecks) {
    it(
      check.name,
      async () => {
        await check.run(async () => {
          const { brokers = [], prefix = '' } = kafka ?? {};
          const topic = uniqueTopic(prefix);
          await createTopic(brokers, topic, 3);
          return {
            topic,
            openWorker: async () => openKafkaLog(quickOptions(brokers, topic)),
            truncate: (partition, before) => truncate(brokers, partition, before),
            recreate: () => recreateTopic(brokers, topic, 3),
            async [Symbol.asyncDispose]() {
              await Promise.resolve();
            },
          };
        });
      },
      60_000,
    );
  }
});
