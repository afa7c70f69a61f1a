import { readFile } from 'node:fs/promises';

import type { RedisAddress, RedisConnectionOptions, RedisTarget, RedisTls } from '@leastwise/state-redis';

import type { PublisherConfig } from './config.ts';
import { UnusableConfigError } from './unusable.ts';

type RedisConfig = PublisherConfig['redis'];

async function pem(key: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UnusableConfigError(`redis.tls.${key}: cannot read ${path}`, { cause });
  }
}

/** TLS as configured, with its files read. @throws UnusableConfigError */
export async function tlsOf(tls: RedisConfig['tls']): Promise<RedisTls | undefined> {
  if (!tls.enabled) return undefined;
  return {
    ...(tls.caFile === undefined ? {} : { ca: await pem('caFile', tls.caFile) }),
    ...(tls.certFile === undefined ? {} : { cert: await pem('certFile', tls.certFile) }),
    ...(tls.keyFile === undefined ? {} : { key: await pem('keyFile', tls.keyFile) }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
  };
}

function addressOf(text: string): RedisAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new UnusableConfigError(`redis.nodes: "${text}" is not host:port`);
  return { host, port: Number(match?.[3]) };
}

/** Which Redis it is. @throws UnusableConfigError */
export function targetOf({ mode, nodes, masterName, sentinelPassword, db }: RedisConfig): RedisTarget {
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
export async function redisConnection({ redis, outage }: PublisherConfig): Promise<RedisConnectionOptions> {
  return {
    target: targetOf(redis),
    username: redis.username,
    password: redis.password?.reveal(),
    db: redis.db,
    tls: await tlsOf(redis.tls),
    clientName: 'leastwise-publisher',
    outageMs: outage,
  };
}
