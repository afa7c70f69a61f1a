import { Cluster, type Redis } from 'ioredis';

import { Asking, type Patience } from './asking.ts';
import { mastersOf, nameOf, readInfo } from './checks.ts';
import { StoreConnectionError } from './failures.ts';
import type { Connection } from './scripts.ts';

/** Who is a user of Redis: each needs less than the one before. */
export type RedisUser = 'aggregator' | 'publisher' | 'auditor';

/** What one server says of itself and of us. */
export interface RedisFacts {
  /** `host:port` in a Cluster, `''` where there is one server only. */
  readonly server: string;
  /** By how many milliseconds its clock is ahead of ours; `undefined` where it does not tell the time. */
  readonly clockAheadMs: number | undefined;
  readonly usedBytes: number;
  /** 0 where nothing bounds it but the machine. */
  readonly maxBytes: number;
  /**
   * The commands that a user needs and may not use on keys of the prefix, in capitals; `undefined` where the server
   * cannot say, being older than 7.0.
   */
  readonly refused: readonly string[] | undefined;
}

/** Whose keys are meant, who asks, and how long an answer may take. */
export interface ExamineOptions extends Patience {
  readonly prefix: string;
  readonly user: RedisUser;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const READING = ['GET', 'SMEMBERS', 'HGET', 'HGETALL'] as const;
const SCRIPTS = ['EVAL', 'EVALSHA', 'SET', 'UNLINK'] as const;
/** What {@link checkRedis} documents, beyond what every connection does. */
const COMMANDS: Readonly<Record<RedisUser, readonly string[]>> = {
  auditor: READING,
  publisher: [...SCRIPTS, ...READING],
  aggregator: [...SCRIPTS, 'EXISTS', 'SADD', 'HMGET', 'HSET', 'HDEL', ...READING],
};
/** What follows the key where a command takes more than that. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  ...{ SET: ['v'], SADD: ['v'], HGET: ['f'], HMGET: ['f'], HDEL: ['f'], HSET: ['f', 'v'] },
};
const SCRIPT_COMMANDS = new Set(['EVAL', 'EVALSHA']);

/**
 * Redis' own answer to whether the user may do it, which does nothing and takes no permission but EVAL: `ACL DRYRUN`
 * would be for administrators. It came with Redis 7.0.
 * @see https://redis.io/docs/latest/develop/programmability/lua-api/#redis.acl_check_cmd
 */
const MAY =
  'if not redis.acl_check_cmd then return -1 end return redis.acl_check_cmd(unpack(ARGV)) and 1 or 0';

/**
 * Looks at every server that takes writes, and changes nothing: clock, memory, and what our user may do there.
 * @throws StoreConnectionError where one cannot be asked, or its user may not use INFO
 */
export async function examineRedis(
  connection: Connection,
  options: ExamineOptions,
): Promise<readonly RedisFacts[]> {
  const asking = new Asking(connection, options);
  const facts: RedisFacts[] = [];
  for (const master of mastersOf(connection)) {
    const server = connection instanceof Cluster ? nameOf(master) : '';
    facts.push({
      server,
      ...(await infoFacts(master, asking, options.now)),
      refused: await refusedTo(master, asking, options),
    });
  }
  return facts;
}

async function infoFacts(
  master: Redis,
  asking: Asking,
  now: () => number,
): Promise<Omit<RedisFacts, 'server' | 'refused'>> {
  const beforeMs = now();
  const info = readInfo(await asking.ask('INFO', () => master.info()));
  // It told the time somewhere between the two.
  const ourMs = (beforeMs + now()) / 2;
  const number = (name: string): number => {
    const text = info.get(name) ?? '';
    return /^\d{1,16}$/.test(text) ? Number(text) : 0;
  };
  const theirUs = number('server_time_usec');
  return {
    clockAheadMs: theirUs === 0 ? undefined : Math.round(theirUs / 1000 - ourMs),
    usedBytes: number('used_memory'),
    maxBytes: number('maxmemory'),
  };
}

async function refusedTo(
  master: Redis,
  asking: Asking,
  { prefix, user }: ExamineOptions,
): Promise<readonly string[] | undefined> {
  const refused: string[] = [];
  const key = `${prefix}sources`;
  for (const command of COMMANDS[user]) {
    const words = SCRIPT_COMMANDS.has(command)
      ? [command, 'return 0', '1', key]
      : [command, key, ...(MORE[command] ?? [])];
    try {
      const may = await asking.ask('what the user may do', () => master.eval(MAY, 0, ...words));
      if (may === -1) return undefined;
      if (may !== 1) refused.push(command);
    } catch (error) {
      if (!(error instanceof StoreConnectionError) || error.kind !== 'refused') throw error;
      // Nothing else can be asked without it.
      return ['EVAL'];
    }
  }
  return refused;
}
