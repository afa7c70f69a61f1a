import { readFile } from 'node:fs/promises';

import type { KafkaConnection, KafkaSasl, KafkaTls } from '@leastwise/source-kafka';
import type { RedisAddress, RedisConnectionOptions, RedisTarget, RedisTls } from '@leastwise/state-redis';

import type { AggregatorConfig } from './config.ts';

type TlsConfig = AggregatorConfig['kafka']['tls'];

/** A configuration that is well-formed and cannot be used: a file that is missing, values that do not go together. */
export class UnusableConfigError extends Error {
  override readonly name = 'UnusableConfigError';
  readonly code = 'LW_CONFIG';
  readonly exitCode = 78;
}

async function pem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UnusableConfigError(`cannot read ${path}`, { cause });
  }
}

/** TLS as configured, with its files read. @throws UnusableConfigError */
export async function tlsOf(tls: TlsConfig): Promise<(KafkaTls & RedisTls) | undefined> {
  if (!tls.enabled) return undefined;
  return {
    ...(tls.caFile === undefined ? {} : { ca: await pem(tls.caFile) }),
    ...(tls.certFile === undefined ? {} : { cert: await pem(tls.certFile) }),
    ...(tls.keyFile === undefined ? {} : { key: await pem(tls.keyFile) }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
  };
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
      return { mechanism, username, password: password.reveal() };
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

function addressOf(text: string): RedisAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new UnusableConfigError(`redis.nodes: "${text}" is not host:port`);
  return { host, port: Number(match?.[3]) };
}

/** Which Redis it is. @throws UnusableConfigError */
export function targetOf({
  mode,
  nodes,
  masterName,
  sentinelPassword,
  db,
}: AggregatorConfig['redis']): RedisTarget {
  const addresses = nodes.map(addressOf);
  const [first] = addresses;
  if (!first) throw new UnusableConfigError('redis.nodes is empty');
  switch (mode) {
    case 'standalone':
      if (addresses.length > 1)
        throw new UnusableConfigError('redis.nodes: one server where redis.mode is standalone');
      return first;
    case 'cluster':
      if (db !== 0) throw new UnusableConfigError('redis.db: a Cluster has database 0 only');
      return { nodes: addresses };
    case 'sentinel':
      if (masterName === undefined)
        throw new UnusableConfigError('redis.masterName goes with redis.mode sentinel');
      return { sentinels: addresses, masterName, sentinelPassword: sentinelPassword?.reveal() };
  }
}

/** How Redis is reached. @throws UnusableConfigError */
export async function redisConnection(config: AggregatorConfig): Promise<RedisConnectionOptions> {
  const { username, password, db, tls } = config.redis;
  return {
    target: targetOf(config.redis),
    username,
    password: password?.reveal(),
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
