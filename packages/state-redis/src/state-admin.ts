import {
  Fields,
  isImportSource,
  Malformed,
  type SourceDescription,
  type StateDescription,
  StateError,
} from '@leastwise/state';

import { Asking, type Patience } from './asking.ts';
import { StoreConnectionError } from './failures.ts';
import { META } from './field-names.ts';
import type { Connection } from './scripts.ts';

/** Where a state is in Redis, and how long to wait for an answer. */
export interface StateAdminOptions extends Patience {
  /** Every key of the state begins with it. */
  readonly prefix: string;
}

/** What a rebuild forgot, or would forget. */
export interface Rebuild {
  /** The sources that were read from a log: to be read again. */
  readonly sources: readonly string[];
  /** Files that were imported: they stay, for nobody would read them again. */
  readonly imports: readonly string[];
}

/** For how long an order to rebuild stands: an empty source after that is a loss again. */
const MARK_SECONDS = 7 * 86_400;

/** Looks at a whole state and forgets parts of it, whoever works on it. What a worker does is `RedisStore`'s. */
export class StateAdmin {
  readonly #connection: Connection;
  readonly #asking: Asking;
  readonly #prefix: string;

  /** @param connection - not closed by it */
  constructor(connection: Connection, options: StateAdminOptions) {
    this.#connection = connection;
    this.#asking = new Asking(connection, options);
    this.#prefix = options.prefix;
  }

  #key(source: string): string {
    return `${this.#prefix}p:${source}`;
  }

  #ask<T>(command: () => Promise<T>): Promise<T> {
    return this.#asking.ask('state', command);
  }

  async #sources(): Promise<string[]> {
    return (await this.#ask(() => this.#connection.smembers(`${this.#prefix}sources`))).sort();
  }

  /**
   * The sources with their positions and watermarks, and what the keys take in memory as Redis estimates it, which its
   * user must be allowed to ask for (`+memory|usage`).
   * @throws StateError where it is damaged
   * @throws StoreConnectionError
   */
  async describe(): Promise<StateDescription> {
    const sources: SourceDescription[] = [];
    const versions: number[] = [];
    const names = await this.#sources();
    for (const source of names) {
      const key = this.#key(source);
      // One by one: a publisher's user may not ask for several fields at once.
      const field = (name: string) => this.#ask(() => this.#connection.hget(key, name));
      const version = await field(META.version);
      const position = await field(META.position);
      const watermarks = await field(META.watermarks);
      if (/^\d{1,9}$/.test(version ?? '')) versions.push(Number(version));
      sources.push({ source, position: position ?? '', watermarks: readWatermarks(key, watermarks) });
    }
    const version = versions.length === 0 ? undefined : Math.max(...versions);
    return { version, bytes: await this.#bytes(names), sources };
  }

  async #bytes(sources: readonly string[]): Promise<number | undefined> {
    const keys = [
      `${this.#prefix}sources`,
      `${this.#prefix}identity-key`,
      ...sources.map((each) => this.#key(each)),
    ];
    let sum = 0;
    try {
      for (const key of keys) {
        sum += (await this.#ask(() => this.#connection.memory('USAGE', key))) ?? 0;
      }
    } catch (error) {
      if (error instanceof StoreConnectionError && error.kind !== 'refused') throw error;
      // Not every Redis lets everybody ask, or knows the command.
      return undefined;
    }
    return sum;
  }

  /** What {@link StateAdmin.rebuild} would forget. @throws StoreConnectionError */
  async planRebuild(): Promise<Rebuild> {
    const all = await this.#sources();
    return {
      sources: all.filter((source) => !isImportSource(source)),
      imports: all.filter(isImportSource),
    };
  }

  /**
   * Forgets what was read from logs, so that it is read again from the earliest record that the log still has. A worker
   * that has a source is fenced by that: its token is gone, so its next batch is refused, and it claims again, at the
   * start. Whatever breaks this off, doing it again ends it; the mark comes first.
   *
   * The user must be allowed `+unlink` besides what `checkRedis` tells.
   * @param at - now, as the mark tells it
   * @throws StoreConnectionError
   */
  async rebuild(at: Date): Promise<Rebuild> {
    await this.#ask(() => this.#connection.set(this.#markKey(), at.toISOString(), 'EX', MARK_SECONDS));
    const plan = await this.planRebuild();
    for (const source of plan.sources) {
      // One command to one key, as everything that writes here. The source stays on the list: somebody may be claiming it.
      await this.#ask(() => this.#connection.unlink(this.#key(source)));
    }
    // Windows are judged again too: what was learnt of them would be learnt twice.
    const clusters = `${this.#prefix}alert-clusters`;
    for (const cluster of await this.#ask(() => this.#connection.smembers(clusters))) {
      await this.#ask(() => this.#connection.unlink(`${this.#prefix}alerts:${cluster}`));
    }
    await this.#ask(() => this.#connection.unlink(clusters));
    // What is read again may come from another log.
    await this.#ask(() => this.#connection.unlink(`${this.#prefix}log`));
    return plan;
  }

  /**
   * When somebody last asked for a rebuild; `undefined` where nobody did within the last seven days. An empty source is
   * no loss then.
   * @throws StoreConnectionError
   */
  async rebuildAskedAt(): Promise<string | undefined> {
    return (await this.#ask(() => this.#connection.get(this.#markKey()))) ?? undefined;
  }

  #markKey(): string {
    return `${this.#prefix}rebuild`;
  }
}

function readWatermarks(key: string, text: string | null | undefined): Map<string, number> {
  const watermarks = new Map<string, number>();
  if (text === null || text === undefined) return watermarks;
  try {
    const pairs = Fields.parse(text);
    while (pairs.more()) {
      const pair = pairs.list();
      watermarks.set(pair.string(), pair.integer());
    }
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    throw new StateError(`${key}: the watermarks: ${cause.message}`, { cause });
  }
  return new Map([...watermarks].sort(([a], [b]) => (a < b ? -1 : 1)));
}
