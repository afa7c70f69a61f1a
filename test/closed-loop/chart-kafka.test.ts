// deploy/strimzi on a real Kafka that asks who somebody is: its users can do their work with its topics, and no more.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Aggregator, configSchema, startAggregator } from '@leastwise/aggregator';
import { createNullLog, loadConfig } from '@leastwise/runtime';
import { lacksKafka, lacksRedis, startKafka, startRedis } from '@leastwise/testkit';
import type { KafkaServer, RedisServer } from '@leastwise/testkit';
import kafkajs, { type AclEntry, type Admin, type Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { at, listAt, textAt, until } from './living/api.ts';
import { manifestsIn, projectFile } from './support/chart.ts';

const PASSWORD = 'not-guessed';
const read = (name: string) => manifestsIn(readFileSync(projectFile(`deploy/strimzi/${name}.yaml`), 'utf8'));
const [TOPICS, USERS] = [read('topics'), read('users')];

/** What a KafkaUser asks for, as Strimzi's user operator tells Kafka. */
function entriesOf(user: unknown): AclEntry[] {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
  const operations = { Read: AclOperationTypes.READ, Write: AclOperationTypes.WRITE };
  const all = { ...operations, Describe: AclOperationTypes.DESCRIBE };
  return listAt(user, 'spec', 'authorization', 'acls').flatMap((acl) =>
    listAt(acl, 'operations').map((operation) => ({
      resourceType:
        textAt(acl, 'resource', 'type') === 'group' ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
      resourceName: textAt(acl, 'resource', 'name'),
      resourcePatternType:
        textAt(acl, 'resource', 'patternType') === 'prefix'
          ? ResourcePatternTypes.PREFIXED
          : ResourcePatternTypes.LITERAL,
      principal: `User:${textAt(user, 'metadata', 'name')}`,
      host: '*',
      operation: all[operation as keyof typeof all],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
}

async function setUp(admin: Admin): Promise<void> {
  await admin.connect();
  const topics = TOPICS.map((topic) => ({
    topic: textAt(topic, 'metadata', 'name'),
    numPartitions: Number(at(topic, 'spec', 'partitions')),
    // One broker is all there is here: so are its replicas.
    replicationFactor: 1,
    configEntries: Object.entries(Object(at(topic, 'spec', 'config')) as Record<string, unknown>)
      .filter(([name]) => name !== 'min.insync.replicas')
      .map(([name, value]) => ({ name, value: String(value) })),
  }));
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.createAcls({ acl: USERS.flatMap(entriesOf) });
  await admin.disconnect();
}

describe.skipIf((await lacksKafka()) || (await lacksRedis()))('the users of deploy/strimzi', () => {
  let dir = '';
  let kafka: KafkaServer | undefined;
  let redis: RedisServer | undefined;
  let aggregator: Aggregator | undefined;

  function as(username: string): Kafka {
    return new kafkajs.Kafka({
      brokers: [...(kafka?.saslBrokers ?? [])],
      sasl: { mechanism: 'scram-sha-512', username, password: PASSWORD },
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 3 },
    });
  }

  async function send(
    user: string,
    topic: string,
    messages: { key?: string; value: string }[],
  ): Promise<void> {
    const producer = as(user).producer();
    await producer.connect();
    try {
      await producer.send({ topic, messages, acks: -1 });
    } finally {
      await producer.disconnect();
    }
  }

  /** The first record of a topic, read as a member of a group. @throws what Kafka refuses with */
  async function receive(user: string, topic: string, groupId: string): Promise<string> {
    const consumer = as(user).consumer({
      groupId,
      retry: { retries: 0, restartOnFailure: async () => false },
    });
    const first = new Promise<string>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        reject(payload.error);
      });
      const subscribed = consumer.connect().then(() => consumer.subscribe({ topic, fromBeginning: true }));
      subscribed
        .then(() =>
          consumer.run({
            eachMessage: async ({ message }) => {
              resolve(message.value?.toString() ?? '');
            },
          }),
        )
        .catch(reject);
    });
    return await first.finally(() => consumer.disconnect());
  }

  async function metric(name: string): Promise<number> {
    const port = aggregator?.address.port ?? 0;
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-strimzi-'));
    const users = USERS.map((user) => ({ name: textAt(user, 'metadata', 'name'), password: PASSWORD }));
    const authorizer = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
    kafka = await startKafka({
      dir,
      users,
      properties: { 'authorizer.class.name': authorizer, 'super.users': 'User:ANONYMOUS' },
    });
    await setUp(new kafkajs.Kafka({ brokers: [...kafka.brokers] }).admin());
    redis = await startRedis({ dir });
    const file = join(dir, 'aggregator.json');
    const sasl = { mechanism: 'scram-sha-512', username: 'leastwise-aggregator', password: PASSWORD };
    await writeFile(
      file,
      JSON.stringify({
        http: { host: '127.0.0.1', port: 0 },
        kafka: { brokers: kafka.saslBrokers, topics: ['audit-events'], sasl },
        redis: { nodes: [`127.0.0.1:${String(redis.port)}`] },
        alerts: { topic: 'leastwise-alerts' },
      }),
    );
    const config = loadConfig({
      service: 'aggregator',
      schema: configSchema,
      argv: ['--config', file],
      env: {},
    });
    if (!config.ok) throw new Error(config.problems.join('\n'));
    aggregator = await startAggregator(config.value, createNullLog());
  }, 300_000);

  afterAll(async () => {
    await aggregator?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
    await kafka?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test('let the aggregator read, key events anew and put aside what cannot be read', async () => {
    await send('leastwise-shipper', 'audit-events', [
      { value: JSON.stringify(auditEventWithoutKey()) },
      { key: 'x', value: 'this is no event' },
    ]);
    await until('both were judged', async () => (await metric('leastwise_events_total')) >= 1, 60_000);
    await until(
      'one is a dead letter',
      async () => (await metric('leastwise_dead_letters_total')) >= 1,
      60_000,
    );
    expect(await metric('leastwise_rekeyed_events_total')).toBe(1);
  });

  test('let it write alerts, and their readers read them', async () => {
    await send('leastwise-aggregator', 'leastwise-alerts', [{ value: '{"alertname":"LeastwiseSpike"}' }]);
    const alert = await receive('leastwise-alerts', 'leastwise-alerts', 'leastwise-alerts-pager');
    expect(alert).toContain('LeastwiseSpike');
  });

  test('let the shipper read nothing, and write nothing else', async () => {
    // A group that it may not see has no coordinator for it.
    const events = receive('leastwise-shipper', 'audit-events', 'leastwise');
    await expect(events).rejects.toThrow(/authoriz|group coordinator/i);
    for (const topic of ['audit-events-keyed', 'leastwise-dead-letters', 'leastwise-alerts']) {
      await expect(send('leastwise-shipper', topic, [{ value: 'x' }]), topic).rejects.toThrow(/authoriz/i);
    }
  });

  test('let the aggregator forge no event, and the readers of alerts see none', async () => {
    await expect(send('leastwise-aggregator', 'audit-events', [{ value: 'x' }])).rejects.toThrow(/authoriz/i);
    const events = receive('leastwise-alerts', 'audit-events', 'leastwise-alerts-pager');
    await expect(events).rejects.toThrow(/authoriz|partition/i);
    await expect(send('leastwise-alerts', 'leastwise-alerts', [{ value: 'x' }])).rejects.toThrow(/authoriz/i);
  });
});

/** As the API server writes one. */
function auditEventWithoutKey(): object {
  const requestReceivedTimestamp = new Date(Date.now() - 60_000).toISOString().replace('Z', '000Z');
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: '6a9d1f0e-0000-4000-8000-000000000001',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/shop/pods',
    verb: 'list',
    user: { username: 'system:serviceaccount:shop:cart', groups: ['system:serviceaccounts'] },
    sourceIPs: ['10.0.0.1'],
    objectRef: { resource: 'pods', namespace: 'shop', apiVersion: 'v1' },
    responseStatus: { code: 200 },
    requestReceivedTimestamp,
    stageTimestamp: requestReceivedTimestamp,
    annotations: { 'authorization.k8s.io/decision': 'allow' },
  };
}
