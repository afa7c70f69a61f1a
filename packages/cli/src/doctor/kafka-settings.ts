import { readFile } from 'node:fs/promises';

import type { KafkaConnection, KafkaSasl, KafkaTls } from '@leastwise/source-kafka';

import { SecretError, secretOf } from './config-secret.ts';
import type { ReadConfig } from './service-config.ts';

/** What an aggregator reads from Kafka, and what it writes there. */
export interface ConfiguredKafka {
  readonly connection: KafkaConnection;
  readonly groupId: string;
  /** Those that are read, by name, without their keyed ones. */
  readonly topics: readonly string[];
  /** What the names of keyed topics end in. */
  readonly keyedSuffix: string;
  /** Those that are written. */
  readonly written: readonly string[];
  /** A pattern of topics to read; `undefined` where there is none, or it is no regular expression. */
  readonly pattern: RegExp | undefined;
  /** Who we are to Kafka's ACLs, where that is known: `User:name`. */
  readonly principal: string | undefined;
  /** For how long of event time copies are recognised. */
  readonly dedupeHours: number;
}

const PASSWORD_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
/** One broker that is away is told of within the time of one check. */
const PATIENCE = { connectionTimeoutMs: 3000, requestTimeoutMs: 5000 };

/** The Kafka of an aggregator's configuration. @throws Error where a file of it cannot be read */
export async function configuredKafka(config: ReadConfig): Promise<ConfiguredKafka> {
  const { view } = config;
  const tls = await tlsOf(config);
  const sasl = await saslOf(config);
  const username = sasl === undefined || !('username' in sasl) ? undefined : sasl.username;
  const alerts = view.isOn('alerts.enabled') ? view.text('alerts.topic') : undefined;
  return {
    connection: {
      brokers: view.texts('kafka.brokers'),
      clientId: 'leastwise-doctor',
      ...(tls === undefined ? {} : { tls }),
      ...(sasl === undefined ? {} : { sasl }),
      ...PATIENCE,
    },
    groupId: view.text('kafka.groupId') ?? 'leastwise',
    topics: view.texts('kafka.topics'),
    keyedSuffix: view.text('kafka.keyedSuffix') ?? '-keyed',
    written: [
      view.text('kafka.deadLetterTopic') ?? 'leastwise-dead-letters',
      ...(alerts === undefined ? [] : [alerts]),
    ],
    pattern: patternOf(view.text('kafka.topicPattern')),
    principal: username === undefined ? undefined : `User:${username}`,
    dedupeHours: view.number('state.dedupeHours', 2),
  };
}

function patternOf(text: string | undefined): RegExp | undefined {
  try {
    return text === undefined ? undefined : new RegExp(text);
  } catch {
    // The service itself says so, among the problems of its configuration.
    return undefined;
  }
}

async function tlsOf({ view }: ReadConfig): Promise<KafkaTls | undefined> {
  if (!view.isOn('kafka.tls.enabled')) return undefined;
  const pem = async (name: string): Promise<string | undefined> => {
    const file = view.text(`kafka.tls.${name}`);
    return file === undefined ? undefined : readFile(file, 'utf8');
  };
  const given = {
    ca: await pem('caFile'),
    cert: await pem('certFile'),
    key: await pem('keyFile'),
    servername: view.text('kafka.tls.servername'),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function saslOf({ view, sources }: ReadConfig): Promise<KafkaSasl | undefined> {
  const mechanism = view.text('kafka.sasl.mechanism');
  if (mechanism === 'oauthbearer') {
    return { mechanism, token: { file: view.text('kafka.sasl.tokenPath') ?? '' } };
  }
  const known = PASSWORD_MECHANISMS.find((each) => each === mechanism);
  if (known === undefined) return undefined;
  const password = await secretOf(view, 'kafka.sasl.password', sources);
  if (password === undefined) throw new SecretError('kafka.sasl.password is missing');
  return { mechanism: known, username: view.text('kafka.sasl.username') ?? '', password: password.reveal() };
}
