// `leastwise doctor` on a real broker, with ACLs.
import kafkajs from 'kafkajs';
import { type KafkaServer, lacksKafka, startKafka } from '@leastwise/testkit';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { build } from './support/built.ts';
import { ownFolder, written } from './support/folders.ts';
import { leastwise } from './support/leastwise.ts';

const folder = ownFolder();
const held: { kafka?: KafkaServer } = {};

beforeAll(build, 600_000);

interface Told {
  readonly outcome: string;
  readonly what: string;
  readonly says: string;
  readonly area: string;
}

/** What is told of the Kafka of an aggregator that is configured so. */
async function told(kafka: Readonly<Record<string, unknown>>): Promise<string[]> {
  const config = { kafka: { topics: ['audit-events'], ...kafka }, redis: { nodes: ['127.0.0.1:1'] } };
  const file = await written(folder('aggregator.yaml'), JSON.stringify(config));
  const { stdout, code } = await leastwise(['doctor', '--config', file, '-o', 'json']);
  // Of Redis at least.
  expect(code).toBe(1);
  expect(stdout).not.toContain('hunter2');
  const { checks } = JSON.parse(stdout) as { checks: readonly Told[] };
  return checks
    .filter(({ area }) => area === 'kafka')
    .map(({ outcome, what, says }) => `${outcome}: ${what}: ${says}`);
}

describe.skipIf(await lacksKafka())('doctor on a real Kafka', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const dir = folder('kafka');
    mkdirSync(dir, { recursive: true });
    held.kafka = await startKafka({
      dir,
      users: [{ name: 'lw', password: 'hunter2' }],
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
    });
    const admin = new kafkajs.Kafka({
      brokers: [...held.kafka.brokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    const topics = ['audit-events', 'audit-events-keyed'].map((topic) => ({
      ...{ topic, numPartitions: 3 },
      configEntries: [{ name: 'retention.ms', value: topic.endsWith('-keyed') ? '3600000' : '259200000' }],
    }));
    await admin.createTopics({ topics, waitForLeaders: true });
    const producer = new kafkajs.Kafka({
      brokers: [...held.kafka.brokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer();
    await producer.connect();
    const messages = Array.from({ length: 5 }, (_, i) => ({ value: 'x', partition: i % 3 }));
    await producer.send({ topic: 'audit-events', messages });
    await producer.disconnect();
    const offsets = [{ partition: 0, offset: '1' }];
    await admin.setOffsets({ groupId: 'behind', topic: 'audit-events', partitions: offsets });
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
    await admin.createAcls({
      acl: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: 'audit-events',
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: 'User:lw',
          host: '*',
          operation: AclOperationTypes.READ,
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    });
    await admin.disconnect();
  }, 300_000);
  afterAll(async () => {
    await held.kafka?.[Symbol.asyncDispose]();
  });

  test('that has some of its topics', async () => {
    const brokers = held.kafka?.brokers ?? [];
    const alerts = await told({ brokers, topics: ['audit-events', 'gone'], topicPattern: 'x-.+' });
    expect(alerts).toEqual([
      expect.stringMatching(/^ok: Kafka of the aggregator: it answers at .* as cluster .+/),
      'failed: topics like x-.+: there is none, or its user may describe none',
      'ok: topic audit-events: it is read, and has 3 partitions',
      expect.stringMatching(/^failed: topic gone: it is read, and is not there/),
      'ok: topic audit-events-keyed: it is read, and has 3 partitions',
      expect.stringMatching(/^failed: topic gone-keyed: it is read, and is not there/),
      expect.stringMatching(/^failed: topic leastwise-dead-letters: it is written, and is not there/),
      'ok: retention of audit-events: records are kept for 3 days, and copies are recognised for 2 h',
      expect.stringMatching(
        /^warning: retention of audit-events-keyed: records are kept for 1 hour: less than/,
      ),
      'ok: group leastwise: it has read nothing yet, of 5 records, and has 0 members',
      'skipped: permission to read records: it is not tried, for that would take a place in the group',
      'skipped: permission to write records: it is not tried, for that would write',
    ]);
  });

  test('whose topics are found by a pattern, and how far a group is behind', async () => {
    const brokers = held.kafka?.brokers ?? [];
    const said = await told({ brokers, topics: [], topicPattern: 'audit-.*', groupId: 'behind' });
    expect(said).toContain('ok: topics like audit-.*: there is audit-events');
    expect(said).toContain('ok: topic audit-events-keyed: it is read, and has 3 partitions');
    expect(said).toContain('ok: group behind: it is 4 records behind, and has 0 members');
  });

  test('that lets our user see one topic, and not its group', async () => {
    const sasl = { mechanism: 'scram-sha-512', username: 'lw', password: 'hunter2' };
    const said = await told({ brokers: held.kafka?.saslBrokers, sasl });
    expect(said).toContain('ok: topic audit-events: it is read, and has 3 partitions');
    expect(said).toContainEqual(
      expect.stringMatching(/^failed: topic audit-events-keyed: .*may not describe it/),
    );
    expect(said).toContainEqual(expect.stringMatching(/^failed: group leastwise: .*/));
    expect(said).toContain('skipped: retention of audit-events: its user may not ask for it');
  });

  test('that refuses our password', async () => {
    const sasl = { mechanism: 'scram-sha-512', username: 'lw', password: 'hunter2-wrong' };
    const said = await told({ brokers: held.kafka?.saslBrokers, sasl });
    expect(said).toEqual([expect.stringMatching(/^failed: Kafka of the aggregator: .*[Aa]uthentication/)]);
  });

  test('that is away', async () => {
    expect(await told({ brokers: ['127.0.0.1:1'] })).toEqual([
      expect.stringMatching(/^failed: Kafka of the aggregator: .*ECONNREFUSED/),
    ]);
  });

  test('and makes no topic there', async () => {
    const admin = new kafkajs.Kafka({
      brokers: [...(held.kafka?.brokers ?? [])],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    const topics = (await admin.listTopics()).filter((name) => !name.startsWith('__'));
    await admin.disconnect();
    expect(topics.sort()).toEqual(['audit-events', 'audit-events-keyed']);
  });
});
