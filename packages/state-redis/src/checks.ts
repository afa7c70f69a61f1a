import { Cluster, type Redis } from 'ioredis';

import { sayingOf, toStoreError, troubleOf } from './failures.ts';
import type { Connection } from './scripts.ts';

/** What is wrong with a Redis for our purpose, all of it. */
export interface RedisCheck {
  /** A state in it would become wrong, or nothing would work. */
  readonly problems: readonly string[];
  /** It works, and somebody should know. */
  readonly warnings: readonly string[];
}

/** Redis 6.2 is the oldest one that gets fixes, and what the scripts rely on. */
const OLDEST = [6, 2] as const;

/**
 * Whether a Redis may hold a state: it evicts nothing, takes writes and is new enough, on every master of a Cluster.
 *
 * The least that its user must be allowed, for the prefix `leastwise:` (the last line in a Cluster only):
 *
 * ```text
 * ACL SETUSER leastwise on >password resetkeys ~leastwise:* resetchannels -@all
 *   +info +ping +select +client|setname +eval +evalsha +exists
 *   +get +set +unlink +sadd +smembers +hget +hmget +hgetall +hset +hdel
 *   +cluster|slots +cluster|info +asking +readonly
 * ```
 *
 * @throws StoreConnectionError where it cannot be asked
 */
export async function checkRedis(connection: Connection): Promise<RedisCheck> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const masters = mastersOf(connection);
  if (masters.length === 0) problems.push('the Cluster has no master');
  for (const master of masters) {
    const found = await checkServer(master);
    const where = connection instanceof Cluster ? `${nameOf(master)}: ` : '';
    problems.push(...found.problems.map((text) => where + text));
    warnings.push(...found.warnings.map((text) => where + text));
  }
  return { problems, warnings };
}

/** The servers that take writes. */
export function mastersOf(connection: Connection): readonly Redis[] {
  return connection instanceof Cluster ? connection.nodes('master') : [connection];
}

/** How a server is called in what is told of it. */
export function nameOf({ options: { host, port } }: Redis): string {
  return `${host ?? ''}:${port ?? ''}`;
}

async function checkServer(redis: Redis): Promise<RedisCheck> {
  let info: ReadonlyMap<string, string>;
  try {
    info = readInfo(await redis.info());
  } catch (error) {
    if (!(error instanceof Error) || troubleOf(error) !== 'refused') throw toStoreError('INFO', error);
    return { problems: [`the user must be allowed to use INFO (+info): ${sayingOf(error)}`], warnings: [] };
  }
  return { problems: problemsOf(info), warnings: warningsOf(info) };
}

/** The lines of an INFO answer by their names. */
export function readInfo(text: string): ReadonlyMap<string, string> {
  const info = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) info.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return info;
}

function problemsOf(info: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  const version = info.get('redis_version') ?? 'unknown';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (!(major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]))) {
    problems.push(`version ${version}: it must be ${OLDEST.join('.')} or newer`);
  }
  const role = info.get('role') ?? 'unknown';
  if (role !== 'master') problems.push(`its role is ${role}: it must be a master`);
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  if (policy !== 'noeviction') {
    problems.push(`maxmemory-policy ${policy}: it must be noeviction, or counts get lost without a word`);
  }
  return problems;
}

function warningsOf(info: ReadonlyMap<string, string>): string[] {
  const warnings: string[] = [];
  if (info.get('aof_enabled') !== '1') {
    warnings.push(
      'no append-only file (appendonly no): after a crash everything since the last snapshot is read again, ' +
        'as far back as the log still goes',
    );
  }
  if (info.get('aof_last_write_status') === 'err') warnings.push('its append-only file cannot be written');
  return warnings;
}
