import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedStore } from '@leastwise/source/conformance';
import { lacksKafka, startKafka, unsecuredToken } from '@leastwise/testkit';
import type { KafkaServer } from '@leastwise/testkit';
import { createClient } from './client.ts';
import type { KafkaLogOptions, KafkaSasl } from './index.ts';
import { withDefaults } from './options.ts';
import { numbered, runInBackground } from './testing/background.ts';
import { createTopic, quickOptions, uniqueTopic } from './testing/kafka-fixture.ts';

const PASSWORD = 'pw-1 with "quotes"'.replaceAll('"', '');

describe.skipIf(await lacksKafka())('who may read Kafka', { timeout: 60_000 }, () => {
  let dir = '';
  let kafka: KafkaServer | undefined;
  const topic = uniqueTopic('secure-');

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lw-kafka-security-'));
    kafka = await startKafka({
      dir,
      tls: 'mutual',
      oauth: true,
      users: [{ name: 'lw', password: PASSWORD }],
    });
    await createTopic(kafka.brokers, topic, 1);
  }, 300_000);

  afterAll(async () => {
    await kafka?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  function options(more: Partial<KafkaLogOptions>, brokers: readonly string[] | undefined): KafkaLogOptions {
    return { ...quickOptions(brokers ?? [], topic, uniqueTopic('group-')), outageMs: 3000, ...more };
  }

  async function works(with_: KafkaLogOptions): Promise<void> {
    const store = new SharedStore();
    await using worker = runInBackground(with_, store.handler('a'));
    await worker.log.writer.append(topic, numbered(0, 1));
    await worker.until('a record', () => store.count() > 0);
    await worker.stop();
  }

  async function isRefused(with_: KafkaLogOptions): Promise<void> {
    await using worker = runInBackground(with_, new SharedStore().handler('a'));
    expect(await worker.failure()).toMatchObject({ name: 'LogError', failure: 'refused' });
    await expect(worker.log.writer.append(topic, numbered(0, 1))).rejects.toMatchObject({
      failure: 'refused',
    });
  }

  function mutualTls(): NonNullable<KafkaLogOptions['tls']> {
    const { ca = '', client } = kafka?.certificates ?? {};
    return { ca, cert: client?.cert ?? '', key: client?.key ?? '' };
  }

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('%s', async (mechanism) => {
    const sasl: KafkaSasl = { mechanism, username: 'lw', password: PASSWORD };
    await works(options({ sasl }, kafka?.saslBrokers));
    await isRefused(options({ sasl: { ...sasl, password: 'wrong' } }, kafka?.saslBrokers));
  });

  it('a password that is replaced is that of the next login of the same client', async () => {
    let current = 'not yet';
    const sasl: KafkaSasl = {
      mechanism: 'scram-sha-512',
      username: 'lw',
      get password() {
        return current;
      },
    };
    const settings = withDefaults(options({ sasl }, kafka?.saslBrokers));
    const admin = createClient(settings, 'short').admin();
    await expect(admin.connect()).rejects.toThrow(/[Aa]uthentication/);
    current = PASSWORD;
    await admin.connect();
    expect(await admin.listTopics()).toContain(topic);
    await admin.disconnect();
  });

  it('oauthbearer, with a token from a function or a file', async () => {
    const token = async (): Promise<string> => unsecuredToken('lw');
    await works(options({ sasl: { mechanism: 'oauthbearer', token } }, kafka?.saslBrokers));
    const file = join(dir, 'token');
    await writeFile(file, `${unsecuredToken('lw')}\n`);
    await works(options({ sasl: { mechanism: 'oauthbearer', token: { file } } }, kafka?.saslBrokers));
  });

  it('mutual TLS', async () => {
    await works(options({ tls: mutualTls() }, kafka?.tlsBrokers));
  });

  it('TLS with SASL', async () => {
    const sasl: KafkaSasl = { mechanism: 'scram-sha-512', username: 'lw', password: PASSWORD };
    await works(options({ tls: mutualTls(), sasl }, kafka?.saslTlsBrokers));
  });

  it('nobody whose authority is another, or who has no certificate', async () => {
    const { cert = '', key = '', ca = '' } = mutualTls();
    await isRefused(options({ tls: { cert, key } }, kafka?.tlsBrokers));
    await isRefused(options({ tls: { ca } }, kafka?.tlsBrokers));
  });

  it('nobody at a broker whose certificate has another name', async () => {
    await isRefused(options({ tls: { ...mutualTls(), servername: 'another.example' } }, kafka?.tlsBrokers));
  });
});
