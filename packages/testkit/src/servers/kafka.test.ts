import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import kafkajs, { type Consumer, type Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { isListening, isRunning } from './child.ts';
import { startKafka, unsecuredToken } from './kafka.ts';
import { lacksKafka, resolveKafka } from './resolve.ts';

function clientOf(brokers: readonly string[], more: Partial<KafkaConfig> = {}): Kafka {
  return new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 2000,
    ...more,
  });
}

async function send(kafka: Kafka, topic: string, value: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: [{ value }] });
  await producer.disconnect();
}

async function firstValue(consumer: Consumer, topic: string): Promise<string> {
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const value = await new Promise<string>((resolve) => {
    void consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString() ?? '') });
  });
  await consumer.disconnect();
  return value;
}

/** Whether a broker answers at all. */
async function answers(kafka: Kafka): Promise<boolean> {
  const admin = kafka.admin({ retry: { retries: 0 } });
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
}

function portOf(brokers: readonly string[]): number {
  return Number(brokers[0]?.split(':')[1]);
}

/** Whether a broker answers someone who comes like this. */
async function tell(
  brokers: readonly string[],
  ssl: KafkaConfig['ssl'],
  sasl?: SASLOptions,
): Promise<boolean> {
  return answers(clientOf(brokers, { ...(ssl && { ssl }), ...(sasl && { sasl }), retry: { retries: 0 } }));
}

describe.skipIf(await lacksKafka())('a real Kafka', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-kafka-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  const folder = async (name: string): Promise<string> => {
    await mkdir(join(dir, name));
    return join(dir, name);
  };

  it('keeps topics and records over kill -9 and comes back at the same port', async () => {
    await using kafka = await startKafka({ dir: await folder('kill') });
    const { pid } = kafka;
    const client = clientOf(kafka.brokers);
    await createTopic(client, 'events');
    await send(client, 'events', 'before');
    await kafka.kill();
    expect(isRunning(pid)).toBe(false);
    expect(await tell(kafka.brokers, undefined)).toBe(false);
    await kafka.restart();
    expect(kafka.pid).not.toBe(pid);
    const again = clientOf(kafka.brokers);
    expect(await firstValue(again.consumer({ groupId: 'g' }), 'events')).toBe('before');
  });

  it('answers nothing while it is paused, and leaves nothing behind', async () => {
    const kafka = await startKafka({ dir: await folder('pause') });
    kafka.pause();
    const impatient = clientOf(kafka.brokers, { requestTimeout: 1000, retry: { retries: 0 } });
    expect(await answers(impatient)).toBe(false);
    kafka.resume();
    expect(await answers(clientOf(kafka.brokers))).toBe(true);
    kafka.pause();
    await kafka.stop();
    expect(isRunning(kafka.pid)).toBe(false);
    expect(await isListening(portOf(kafka.brokers))).toBe(false);
  });

  it('takes properties, and says why it does not come up', async () => {
    const properties = { 'log.retention.ms': 'never' };
    await expect(startKafka({ dir: await folder('bad'), properties })).rejects.toThrow('log.retention.ms');
  });

  it('listens for mutual TLS and for every kind of SASL', async () => {
    const users = [{ name: 'lw', password: 'pw "1" \\ ä' }];
    const [user] = users;
    const login = { username: user?.name ?? '', password: user?.password ?? '' };
    await using kafka = await startKafka({ dir: await folder('tls'), users, oauth: true, tls: 'mutual' });
    const { certificates } = kafka;
    if (certificates === undefined) throw new Error('no certificates');
    const { ca, client } = certificates;
    const ssl = { ca, cert: client.cert, key: client.key };
    expect(await tell(kafka.tlsBrokers, ssl)).toBe(true);
    expect(await tell(kafka.tlsBrokers, { ca }), 'without a certificate').toBe(false);
    expect(await tell(kafka.tlsBrokers, { ...ssl, ca: client.cert }), 'an unknown authority').toBe(false);
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      expect(await tell(kafka.saslBrokers, undefined, { mechanism, ...login }), mechanism).toBe(true);
      expect(await tell(kafka.saslTlsBrokers, ssl, { mechanism, ...login }), mechanism).toBe(true);
      const wrong = { mechanism, ...login, password: 'wrong' };
      expect(await tell(kafka.saslBrokers, undefined, wrong), mechanism).toBe(false);
    }
    const bearer = (value: string): SASLOptions => ({
      mechanism: 'oauthbearer',
      oauthBearerProvider: async () => ({ value }),
    });
    expect(await tell(kafka.saslBrokers, undefined, bearer(unsecuredToken('lw')))).toBe(true);
    expect(await tell(kafka.saslTlsBrokers, ssl, bearer(unsecuredToken('lw')))).toBe(true);
    expect(await tell(kafka.saslBrokers, undefined, bearer('e30.e30.')), 'no claims').toBe(false);
    expect(await tell(kafka.brokers, undefined)).toBe(true);
  });

  it('is resolved for tests without faults', async () => {
    const kafka = await resolveKafka();
    expect(await tell(kafka?.brokers ?? [], undefined)).toBe(true);
    await kafka?.[Symbol.asyncDispose]();
    if (kafka?.isShared === false) expect(await isListening(portOf(kafka.brokers))).toBe(false);
  });
});
