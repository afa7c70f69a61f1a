import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { stablePort, startChild } from './child.ts';
import { redisInstall } from './redis-install.ts';
import { LaunchedServer, type ServerProcess, withOtherPorts } from './server-process.ts';

/** How to start Redis. */
export interface RedisOptions {
  /** Where it keeps its data; made where it is missing. */
  readonly dir: string;
  /** A free one where nothing is said. */
  readonly port?: number;
  /** When the append-only file reaches the disk; `everysec` where nothing is said. */
  readonly fsync?: 'always' | 'everysec';
  /** More of its command line, after what it has by itself: the last one counts. */
  readonly args?: readonly string[];
}

/** A real Redis on loopback, with an append-only file and no snapshots by itself. */
export interface RedisServer extends ServerProcess {
  readonly version: string;
  readonly port: number;
  readonly url: string;
  /** Its data; the append-only files are in `appendonlydir`, before Redis 7 it is `appendonly.aof`. */
  readonly dir: string;
  /** Makes it a replica of the server at that port, or a master again. Not kept over a restart. */
  replicaOf(port: number | undefined): Promise<void>;
}

/**
 * Starts Redis and waits until it has loaded its data.
 * @throws Error where it cannot be had, or with its last words where it does not come up
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  return options.port === undefined ? withOtherPorts(() => launch(options)) : launch(options);
}

async function launch(options: RedisOptions): Promise<RedisServer> {
  const { binary, version } = await redisInstall();
  const port = options.port ?? (await stablePort());
  const { dir } = options;
  await mkdir(dir, { recursive: true });
  // A file of its own, so that what a sentinel makes it remember outlives a restart.
  const file = join(dir, 'redis.conf');
  await writeFile(file, '', { flag: 'a' });
  const server = new LaunchedServer({
    what: `Redis ${version}`,
    start: () =>
      startChild(
        binary,
        [
          ...[file, '--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
          ...['--appendonly', 'yes', '--appendfsync', options.fsync ?? 'everysec', '--save', ''],
          // A master waits five seconds for more replicas before it sends a copy.
          ...['--repl-diskless-sync-delay', '0'],
          ...(options.args ?? []),
        ],
        join(dir, 'redis.log'),
      ),
    isReady: () => isReady(port),
  });
  await server.ready();
  return Object.assign(server, {
    version,
    port,
    url: `redis://127.0.0.1:${port}`,
    dir,
    replicaOf: async (master: number | undefined) => {
      const target = master === undefined ? ['NO', 'ONE'] : ['127.0.0.1', String(master)];
      await redisCommand(port, 'REPLICAOF', ...target);
    },
  });
}

/** Until its data is loaded it refuses; one that asks for a password has come that far. */
async function isReady(port: number): Promise<boolean> {
  try {
    return (await redisCommand(port, 'PING')) === 'PONG';
  } catch (error) {
    return error instanceof Error && error.message.startsWith('NOAUTH');
  }
}

/** Sends one command on a connection of its own. @throws Error of the connection or with Redis' refusal */
export async function redisCommand(port: number, command: string, ...args: string[]): Promise<unknown> {
  // Loaded here: most users of this package need no client.
  const { Redis } = await import('ioredis');
  const client = new Redis({
    port,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: 2000,
    commandTimeout: 5000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}
