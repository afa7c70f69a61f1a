import { readFile } from 'node:fs/promises';

import type { RedisAddress, RedisConnectionOptions, RedisTarget, RedisTls } from './connect-options.ts';

/** A text that nothing prints. */
export interface Hidden {
  reveal(): string;
}

/** TLS towards Redis as people configure it: by files. */
export interface RedisTlsSettings {
  readonly enabled: boolean;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly servername?: string | undefined;
}

/** How Redis is reached, as people configure it: the key `redis` of every service. */
export interface RedisSettings {
  readonly mode: 'standalone' | 'sentinel' | 'cluster';
  /** host:port of the server, of the sentinels, or of some nodes of the Cluster. */
  readonly nodes: readonly string[];
  readonly masterName?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: Hidden | undefined;
  readonly sentinelPassword?: Hidden | undefined;
  readonly db: number;
  readonly tls: RedisTlsSettings;
}

/** Settings that are well-formed and cannot be used: a file that is missing, values that do not go together. */
export class RedisSettingsError extends Error {
  override readonly name = 'RedisSettingsError';
  readonly code = 'LW_CONFIG';
  readonly exitCode = 78;
}

const TLS_FILES = ['caFile', 'certFile', 'keyFile'] as const;

async function pem(key: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new RedisSettingsError(`redis.tls.${key}: cannot read ${path}`, { cause });
  }
}

async function tlsOf(tls: RedisTlsSettings): Promise<RedisTls | undefined> {
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
  if (host === undefined) throw new RedisSettingsError(`redis.nodes: "${text}" is not host:port`);
  return { host, port: Number(match?.[3]) };
}

/** Which Redis it is. @throws RedisSettingsError */
export function redisTarget({
  mode,
  nodes,
  masterName,
  sentinelPassword,
  db,
}: Omit<RedisSettings, 'tls'>): RedisTarget {
  const addresses = nodes.map(addressOf);
  const [first] = addresses;
  if (!first) throw new RedisSettingsError('redis.nodes is empty');
  switch (mode) {
    case 'standalone':
      if (addresses.length > 1)
        throw new RedisSettingsError('redis.nodes: one server where redis.mode is standalone');
      return first;
    case 'cluster':
      if (db !== 0) throw new RedisSettingsError('redis.db: a Cluster has database 0 only');
      return { nodes: addresses };
    case 'sentinel':
      if (masterName === undefined)
        throw new RedisSettingsError('redis.masterName goes with redis.mode sentinel');
      return { sentinels: addresses, masterName, sentinelPassword: sentinelPassword?.reveal() };
  }
}

/**
 * How Redis is reached, with the files of the settings read.
 * @throws RedisSettingsError
 */
export async function redisConnectionOptions(settings: RedisSettings): Promise<RedisConnectionOptions> {
  const { username, password, db, tls } = settings;
  return {
    target: redisTarget(settings),
    username,
    password: password?.reveal(),
    db,
    tls: await tlsOf(tls),
  };
}

/** Everything that is wrong with settings; each file that is missing is told of. */
export async function redisSettingsProblems(settings: RedisSettings): Promise<string[]> {
  const { enabled } = settings.tls;
  // One file at a time, for the first that is missing ends the reading.
  const files = TLS_FILES.map((name) => () => tlsOf({ enabled, [name]: settings.tls[name] }));
  const problems: string[] = [];
  for (const part of [() => redisTarget(settings), ...files]) {
    try {
      await part();
    } catch (error) {
      if (!(error instanceof RedisSettingsError)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}
