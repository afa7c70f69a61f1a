import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Random, type RedisServer, startTcpProxy, type TcpProxy } from '@leastwise/testkit';
import { Redis } from 'ioredis';

import { closeRedis, connectRedis } from '../connect.ts';
import { RedisStore, type RedisStoreOptions } from '../redis-store.ts';
import type { Connection } from '../scripts.ts';
import type { LogEvent } from './events.ts';
import { keyOf } from './setup.ts';
import { LogWorker } from './worker.ts';

/** What happened, by its name. */
export type Tale = Map<string, number>;

function tell(tale: Tale, what: string): void {
  tale.set(what, (tale.get(what) ?? 0) + 1);
}

/** The file that Redis appends to. */
export async function appendOnlyFile(dir: string): Promise<string> {
  const folder = join(dir, 'appendonlydir');
  const names = (await readdir(folder)).filter((each) => each.endsWith('.incr.aof'));
  const [name] = names.toSorted().slice(-1);
  if (name === undefined) throw new Error('no append-only file');
  return join(folder, name);
}

/** A process with a connection of its own that reads any of the partitions, whoever has them. */
export class TortureWorker implements AsyncDisposable {
  readonly proxy: TcpProxy;
  readonly #connection: Connection;
  readonly #random: Random;

  private constructor(proxy: TcpProxy, connection: Connection, random: Random) {
    this.proxy = proxy;
    this.#connection = connection;
    this.#random = random;
  }

  static async start(redis: RedisServer, random: Random): Promise<TortureWorker> {
    const proxy = await startTcpProxy(redis.port);
    const target = { host: '127.0.0.1', port: proxy.port };
    return new TortureWorker(proxy, await connectRedis({ target, commandTimeoutMs: 600 }), random);
  }

  /** Reads batches of partitions until it is over. What it had claimed it keeps, even if others have it now. */
  async run(
    logs: ReadonlyMap<string, readonly LogEvent[]>,
    options: RedisStoreOptions,
    { isOver, tale }: { readonly isOver: () => boolean; readonly tale: Tale },
  ): Promise<void> {
    const random = this.#random;
    const store = new RedisStore(this.#connection, options);
    const readers = [...logs].map(([source, log]) => new LogWorker(store, source, log));
    while (!isOver()) {
      const reader = random.pick(readers);
      for (let left = random.int(6); left >= 0 && !isOver(); left -= 1) {
        // Stopped with a batch in its hands, for as long as another one takes to claim.
        const between = random.int(15) === 0 ? () => sleep(random.int(150)) : undefined;
        const step = await reader.step(1 + random.int(25), between);
        tell(tale, step === 'setback' && typeof reader.last === 'string' ? reader.last : step);
        // Fast enough to find its way through, and not so fast that all is over at once.
        await sleep(random.int(4));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeRedis(this.#connection);
    await this.proxy[Symbol.asyncDispose]();
  }
}

/** Does to a Redis, and to the ways to it, what happens to them. */
export class Tormentor {
  readonly #redis: RedisServer;
  readonly #workers: readonly TortureWorker[];
  readonly #random: Random;
  readonly #tale: Tale;
  readonly #sources: readonly string[];
  readonly #prefix: string;
  /** Partitions as they were a while ago. */
  readonly #memories = new Map<string, Buffer>();

  constructor(
    redis: RedisServer,
    workers: readonly TortureWorker[],
    round: {
      readonly random: Random;
      readonly tale: Tale;
      readonly sources: readonly string[];
      readonly prefix: string;
    },
  ) {
    this.#redis = redis;
    this.#workers = workers;
    this.#random = round.random;
    this.#tale = round.tale;
    this.#sources = round.sources;
    this.#prefix = round.prefix;
  }

  async torment(): Promise<void> {
    const random = this.#random;
    const acts = [
      this.#cut,
      this.#cut,
      this.#stall,
      this.#stop,
      this.#kill,
      this.#tear,
      this.#tear,
      this.#forgetScripts,
      this.#remember,
      this.#rollBack,
      this.#rollBack,
      ...(random.int(6) === 0 ? [this.#flush] : []),
    ] as const;
    await sleep(random.int(200));
    await random.pick(acts).call(this);
  }

  async #asAdmin(act: (client: Redis) => Promise<unknown>): Promise<void> {
    const client = new Redis({ port: this.#redis.port, lazyConnect: true });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await act(client);
    } finally {
      client.disconnect();
    }
  }

  #cut(): Promise<void> {
    tell(this.#tale, 'connection cut');
    this.#random.pick(this.#workers).proxy.cut();
    return Promise.resolve();
  }

  async #stall(): Promise<void> {
    tell(this.#tale, 'connection stalled');
    const { proxy } = this.#random.pick(this.#workers);
    proxy.stall();
    await sleep(this.#random.int(900));
    proxy.heal();
  }

  async #stop(): Promise<void> {
    tell(this.#tale, 'Redis stopped');
    this.#redis.pause();
    await sleep(this.#random.int(900));
    this.#redis.resume();
  }

  async #kill(): Promise<void> {
    tell(this.#tale, 'Redis killed');
    await this.#redis.kill();
    await this.#redis.restart();
  }

  async #tear(): Promise<void> {
    tell(this.#tale, 'append-only file torn');
    await this.#redis.kill();
    const file = await appendOnlyFile(this.#redis.dir);
    const { size } = await stat(file);
    await truncate(file, Math.max(0, size - this.#random.int(this.#random.int(4) === 0 ? 60_000 : 3000)));
    await this.#redis.restart();
    if (this.#random.int(2) === 0) await this.#kill();
  }

  #forgetScripts(): Promise<void> {
    tell(this.#tale, 'scripts forgotten');
    return this.#asAdmin((client) => client.script('FLUSH'));
  }

  #flush(): Promise<void> {
    tell(this.#tale, 'all lost');
    return this.#asAdmin((client) => client.flushall());
  }

  /** Keeps partitions as they are now, for {@link Tormentor.#rollBack}. */
  #remember(): Promise<void> {
    return this.#asAdmin(async (client) => {
      for (const source of this.#sources) {
        const memory = (await client.dumpBuffer(keyOf(source, this.#prefix))) as Buffer | null;
        if (memory) this.#memories.set(source, memory);
      }
    });
  }

  /** One partition is what it was a while ago, as after a failover. */
  #rollBack(): Promise<void> {
    return this.#asAdmin(async (client) => {
      const source = this.#random.pick(this.#sources);
      const memory = this.#memories.get(source);
      if (!memory) return;
      tell(this.#tale, 'partition rolled back');
      await client.restore(keyOf(source, this.#prefix), 0, memory, 'REPLACE');
    });
  }
}
