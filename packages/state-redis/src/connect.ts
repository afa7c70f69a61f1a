import { Cluster, Redis } from 'ioredis';

import {
  backOffMs,
  clusterNodes,
  clusterOptions,
  type ConnectionSettings,
  keepPasswords,
  redisOptions,
  type RedisConnectionOptions,
  settingsOf,
} from './connect-options.ts';
import { sayingOf, StoreConnectionError, troubleOf } from './failures.ts';
import type { Connection } from './scripts.ts';

/** How long an orderly end may take. */
const QUIT_MS = 1000;

/** Keeps note of what goes wrong, and says how long to go on. */
class Outage {
  readonly #settings: ConnectionSettings;
  #isConnected = false;
  #sinceMs: number | undefined;
  #attempts = 0;
  /** What went wrong, until the first connection stands. */
  readonly #errors: Error[] = [];

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  note(error: Error): void {
    if (!this.#isConnected) this.#errors.push(error);
    this.#settings.onTrouble(sayingOf(error));
  }

  connected(): void {
    this.#isConnected = true;
    this.#sinceMs = undefined;
    this.#attempts = 0;
  }

  /** How long to wait before the next attempt; a first connection is tried once. */
  retry(): number | null {
    if (!this.#isConnected) return null;
    const now = performance.now();
    this.#sinceMs ??= now;
    if (now - this.#sinceMs > this.#settings.outageMs) return null;
    this.#attempts += 1;
    return backOffMs(this.#attempts);
  }

  /** Why the first connection does not stand. */
  reason(error: unknown): StoreConnectionError {
    const errors = error instanceof Error ? [...this.#errors, error] : this.#errors;
    const refusal = errors.find((each) => troubleOf(each) === 'refused');
    const told = refusal ?? this.#errors.at(-1) ?? errors.at(-1);
    const kind = (told && troubleOf(told)) ?? 'unreachable';
    return new StoreConnectionError(
      kind,
      `Redis at ${placeOf(this.#settings)}: ${told ? sayingOf(told) : kind}`,
    );
  }

  /** What did not fail the connection, and yet leaves us with less than we asked for: another database, for one. */
  get refusal(): StoreConnectionError | undefined {
    return this.#errors.some((each) => troubleOf(each) === 'refused') ? this.reason(undefined) : undefined;
  }
}

function placeOf({ target }: ConnectionSettings): string {
  const addresses = 'sentinels' in target ? target.sentinels : 'nodes' in target ? target.nodes : [target];
  const list = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
  return 'sentinels' in target ? `${target.masterName} (sentinels ${list})` : list;
}

/**
 * Breaks a connection off on which nothing comes though something is owed: of a host that is gone nobody says so. What
 * was sent is sent again on the next one. A long answer is no silence, however long it takes.
 */
function watchForSilence(redis: Redis, silenceMs: number): void {
  redis.on('connect', () => {
    const { stream } = redis;
    let isAsked = false;
    stream.on('data', () => {
      isAsked = false;
    });
    stream.setTimeout(silenceMs / 2);
    stream.on('timeout', () => {
      if (isAsked) {
        stream.destroy(new Error(`silent for ${silenceMs} ms`));
        return;
      }
      isAsked = true;
      redis.ping().catch(noProblem);
      // Where the bytes before it are stuck, nothing else would start the time again.
      stream.setTimeout(silenceMs / 2);
    });
  });
}

function noProblem(): void {
  // The connection's own error is told.
}

function open(settings: ConnectionSettings, outage: Outage): Connection {
  const { target, commandTimeoutMs } = settings;
  const retry = (): number | null => outage.retry();
  const note = (error: Error): void => {
    outage.note(error);
  };
  if ('nodes' in target) {
    const cluster = new Cluster(clusterNodes(target.nodes), clusterOptions(settings, retry));
    cluster.on('+node', (node: Redis) => {
      keepPasswords(node.options, settings);
      watchForSilence(node, commandTimeoutMs);
    });
    cluster.on('error', note);
    cluster.on('node error', note);
    return cluster;
  }
  const redis = new Redis(redisOptions(settings, retry));
  keepPasswords(redis.options, settings);
  watchForSilence(redis, commandTimeoutMs);
  redis.on('error', note);
  return redis;
}

/**
 * Connects to Redis. The connection mends itself: what was sent and not answered is sent again, for as long as the
 * outage lasts at most `outageMs`; then it has ended, and whoever waits gets an error.
 *
 * A server that loads its data is waited for.
 *
 * @throws StoreConnectionError where the first connection does not stand: it is tried once
 * @throws TypeError for options that make no sense
 */
export async function connectRedis(options: RedisConnectionOptions): Promise<Connection> {
  const settings = settingsOf(options);
  const outage = new Outage(settings);
  const connection = open(settings, outage);
  // A Cluster whose ready check fails ends without telling whoever waits for the connection.
  const ended = new Promise<never>((_, reject) => {
    connection.once('end', () => {
      reject(new Error('the connection ended'));
    });
  });
  ended.catch(noProblem);
  try {
    await Promise.race([connection.connect(), ended]);
  } catch (error) {
    connection.disconnect();
    throw outage.reason(error);
  }
  const { refusal } = outage;
  if (refusal) {
    connection.disconnect();
    throw refusal;
  }
  outage.connected();
  connection.on('ready', () => {
    outage.connected();
  });
  return connection;
}

/** Ends a connection, whatever state it is in; whoever still waits for an answer gets an error. */
export async function closeRedis(connection: Connection): Promise<void> {
  if (connection.status === 'ready') {
    const quit = connection.quit().then(noProblem, noProblem);
    await Promise.race([quit, new Promise((resolve) => setTimeout(resolve, QUIT_MS).unref())]);
  }
  const isWaiting = connection.status === 'reconnecting';
  connection.disconnect();
  // A connection that waits for its next attempt forgets to say that there will be none.
  if (isWaiting) connection.emit('end');
}
