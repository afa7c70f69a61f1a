import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { stablePort, startChild } from './child.ts';
import { redisCommand, type RedisOptions, type RedisServer, startRedis } from './redis.ts';
import { redisInstall } from './redis-install.ts';
import { LaunchedServer, type ServerProcess, stopAll, until, withOtherPorts } from './server-process.ts';

/** How to start sentinels and what they watch. */
export interface SentinelOptions extends Omit<RedisOptions, 'port'> {
  /** One where nothing is said; with three, two must agree. */
  readonly sentinels?: 1 | 3;
  /** How long a master may be silent before they take it for dead; 1000 where nothing is said. */
  readonly downAfterMs?: number;
}

/** A sentinel process. */
export interface SentinelServer extends ServerProcess {
  readonly host: string;
  readonly port: number;
}

/** A master and its replica, watched by sentinels, all on loopback. */
export interface SentinelSetup extends AsyncDisposable {
  /** What the sentinels call the master. */
  readonly name: string;
  readonly sentinels: readonly SentinelServer[];
  /** The one that was master at first. */
  readonly master: RedisServer;
  /** The one that was its replica at first. */
  readonly replica: RedisServer;
  /** The port of who is master now, in the eyes of the first sentinel. */
  masterPort(): Promise<number>;
}

const NAME = 'leastwise';
const QUICK = [
  'INFO-PERIOD',
  '500',
  'PUBLISH-PERIOD',
  '200',
  'ASK-PERIOD',
  '200',
  'ELECTION-TIMEOUT',
  '1000',
];

/**
 * Starts a master, a replica and sentinels, and waits until all sentinels know the replica and each other.
 * @throws Error where one of them does not come up; nothing runs then
 */
export async function startSentinel(options: SentinelOptions): Promise<SentinelSetup> {
  const started: ServerProcess[] = [];
  const keep = <T extends ServerProcess>(server: T): T => {
    started.push(server);
    return server;
  };
  const count = options.sentinels ?? 1;
  try {
    const master = keep(await startRedis(serverOptions(options, 'master')));
    const replica = keep(await startRedis(serverOptions(options, 'replica')));
    await replica.replicaOf(master.port);
    await until('a replica that has copied its master', async () =>
      String(await redisCommand(replica.port, 'INFO', 'replication')).includes('master_link_status:up'),
    );
    const sentinels: SentinelServer[] = [];
    for (let i = 0; i < count; i++) {
      const dir = join(options.dir, `sentinel-${i}`);
      sentinels.push(keep(await withOtherPorts(() => launchSentinel(dir, master.port, options))));
    }
    for (const { port } of sentinels) {
      await until('a sentinel that knows the others', () => knowsAll(port, count - 1));
    }
    return {
      name: NAME,
      sentinels,
      master,
      replica,
      masterPort: () => masterPort(sentinels[0]?.port ?? 0),
      [Symbol.asyncDispose]: () => stopAll(started),
    };
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

function serverOptions({ dir, fsync, args }: SentinelOptions, name: string): RedisOptions {
  return {
    dir: join(dir, name),
    ...(fsync === undefined ? {} : { fsync }),
    ...(args === undefined ? {} : { args }),
  };
}

async function launchSentinel(
  dir: string,
  master: number,
  options: SentinelOptions,
): Promise<SentinelServer> {
  const { binary, version } = await redisInstall();
  const port = await stablePort();
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir "${dir}"`,
    `sentinel monitor ${NAME} 127.0.0.1 ${master} ${options.sentinels === 3 ? 2 : 1}`,
    `sentinel down-after-milliseconds ${NAME} ${options.downAfterMs ?? 1000}`,
    `sentinel failover-timeout ${NAME} 5000`,
    '',
  ];
  // Theirs from now on: they write into it what they learn.
  await writeFile(file, lines.join('\n'));
  const server = new LaunchedServer({
    what: `Redis Sentinel ${version}`,
    start: () => startChild(binary, [file, '--sentinel'], join(dir, 'sentinel.log')),
    isReady: async () => {
      // Looks every 10 s and a failover that takes half a minute are for production. Before Redis 7 there is no way.
      await redisCommand(port, 'SENTINEL', 'DEBUG', ...QUICK).catch(() => undefined);
      return (await redisCommand(port, 'PING')) === 'PONG';
    },
  });
  await server.ready();
  return Object.assign(server, { host: '127.0.0.1', port });
}

async function knowsAll(port: number, others: number): Promise<boolean> {
  const answer = await redisCommand(port, 'SENTINEL', 'MASTER', NAME);
  if (!Array.isArray(answer)) return false;
  const value = (key: string): number => Number(answer[answer.indexOf(key) + 1]);
  return value('num-slaves') === 1 && value('num-other-sentinels') === others;
}

async function masterPort(sentinel: number): Promise<number> {
  const answer = await redisCommand(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
  return Array.isArray(answer) ? Number(answer[1]) : 0;
}
