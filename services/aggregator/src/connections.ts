import { readFile } from 'node:fs/promises';

import { followFile } from '@leastwise/runtime';
import type { KafkaConnection, KafkaSasl, KafkaTls } from '@leastwise/source-kafka';
import { type RedisConnectionOptions, redisTarget, type RedisTls } from '@leastwise/state-redis';

import type { AggregatorConfig } from './config.ts';

type TlsConfig = AggregatorConfig['kafka']['tls'];

/** A configuration that is well-formed and cannot be used: a file that is missing, values that do not go together. */
export class UnusableConfigError extends Error {
  override readonly name = 'UnusableConfigError';
  readonly code = 'LW_CONFIG';
  readonly exitCode = 78;
}

async function pem(path: string): Promise<() => string> {
  try {
    return followFile(path, await readFile(path, 'utf8'));
  } catch (cause) {
    throw new UnusableConfigError(`cannot read ${path}`, { cause });
  }
}

/** TLS as configured, with its files read, and read anew for every connection. @throws UnusableConfigError */
export async function tlsOf(tls: TlsConfig): Promise<(KafkaTls & RedisTls) | undefined> {
  if (!tls.enabled) return undefined;
  const read = { ...(tls.servername === undefined ? {} : { servername: tls.servername }) };
  for (const [name, path] of [
    ['ca', tls.caFile],
    ['cert', tls.certFile],
    ['key', tls.keyFile],
  ] as const) {
    if (path === undefined) continue;
    Object.defineProperty(read, name, { enumerable: true, get: await pem(path) });
  }
  return read;
}

/** Credentials for Kafka. @throws UnusableConfigError */
export function saslOf({
  mechanism,
  username,
  password,
  tokenPath,
}: AggregatorConfig['kafka']['sasl']): KafkaSasl | undefined {
  switch (mechanism) {
    case 'none':
      return undefined;
    case 'oauthbearer':
      if (tokenPath === undefined)
        throw new UnusableConfigError('kafka.sasl.tokenPath goes with oauthbearer');
      return { mechanism, token: { file: tokenPath } };
    default:
      if (username === undefined || password === undefined) {
        throw new UnusableConfigError(`kafka.sasl.username and kafka.sasl.password go with ${mechanism}`);
      }
      return {
        mechanism,
        username,
        get password() {
          return password.reveal();
        },
      };
  }
}

/** How Kafka is reached. @throws UnusableConfigError */
export async function kafkaConnection({ kafka }: AggregatorConfig): Promise<KafkaConnection> {
  const tls = await tlsOf(kafka.tls);
  const sasl = saslOf(kafka.sasl);
  return {
    brokers: kafka.brokers,
    clientId: kafka.clientId,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

/** How Redis is reached. @throws UnusableConfigError, RedisSettingsError */
export async function redisConnection(config: AggregatorConfig): Promise<RedisConnectionOptions> {
  const { username, password, db, tls } = config.redis;
  return {
    target: redisTarget(config.redis),
    username,
    password: password && (() => password.reveal()),
    db,
    tls: await tlsOf(tls),
    clientName: 'leastwise-aggregator',
    outageMs: config.outage,
  };
}

/** A regular expression of the configuration. @throws UnusableConfigError */
export function patternOf(key: string, text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new UnusableConfigError(`${key} is no regular expression`, { cause });
  }
}
