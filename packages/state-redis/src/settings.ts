import { readFile } from 'node:fs/promises';

import type { RedisAddress, RedisConnectionOptions, RedisTarget, RedisTls } from './connect-options.ts';

/** A text that nothing prints. */
export interface Hidden {
  /** The one that is right now. */
  reveal(): string;
}

/** Gives what a file holds now, whenever it is asked. @param first - what it held at the start */
export type FollowFile = (file: string, first: string) => () => string;

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

async function pem(key: string, path: string, follow: FollowFile): Promise<() => string> {
  try {
    return follow(path, await readFile(path, 'utf8'));
  } catch (cause) {
    throw new RedisSettingsError(`redis.tls.${key}: cannot read ${path}`, { cause });
  }
}

const keepFirst: FollowFile = (_, first) => () => first;

async function tlsOf(tls: RedisTlsSettings, follow = keepFirst): Promise<RedisTls | undefined> {
  if (!tls.enabled) return undefined;
  const read: RedisTls = { ...(tls.servername === undefined ? {} : { servername: tls.servername }) };
  for (const [name, path] of [
    ['ca', tls.caFile],
    ['cert', tls.certFile],
    ['key', tls.keyFile],
  ] as const) {
    if (path === undefined) continue;
    Object.defineProperty(read, name, { enumerable: true, get: await pem(`${name}File`, path, follow) });
  }
  return read;
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
      return {
        sentinels: addresses,
        masterName,
        sentinelPassword: sentinelPassword && (() => sentinelPassword.reveal()),
      };
  }
}

/**
 * How Redis is reached, with the files of the settings read.
 * @param follow - reads files anew for every connection; without it they are read once
 * @throws RedisSettingsError
 */
export async function redisConnectionOptions(
  settings: RedisSettings,
  follow?: FollowFile,
): Promise<RedisConnectionOptions> {
  const { username, password, db, tls } = settings;
  return {
    target: redisTarget(settings),
    username,
    password: password && (() => password.reveal()),
    db,
    tls: await tlsOf(tls, follow),
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
