import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { StateError } from '@leastwise/state';

import { Asking, type Patience } from './asking.ts';
import { type Connection, MAX_DROPPED, MAX_PAIRS } from './scripts.ts';

/** Version of the layout. What a newer version wrote is refused. */
const VERSION = 1;
/** Fields of our own: token and version. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['t', 'v']);

/** Where alerts are remembered. */
export interface AlertMemoryOptions extends Patience {
  /** Every key begins with it. */
  readonly prefix: string;
}

/** What is remembered of a cluster, in the hands of one worker. */
export interface ClaimedAlerts {
  /** As it was when it was claimed. */
  readonly fields: ReadonlyMap<string, Buffer>;
  /**
   * Remembers values from now on; an empty one says that its field is not there.
   * @param last - the field that is written when all others are there
   * @returns false where somebody else has claimed it since, and then nothing was written, or no more of it
   * @throws StoreConnectionError; what became of the values is not known then, and writing them again is safe
   */
  write(values: ReadonlyMap<string, Uint8Array>, last: string): Promise<boolean>;
}

interface Scripts {
  lwAlertsClaim(key: string, ...args: string[]): Promise<unknown>;
  lwAlertsClaimBuffer(key: string, ...args: string[]): Promise<(Buffer | number)[]>;
  lwAlertsCommit(key: string, ...args: (string | Uint8Array)[]): Promise<number>;
  lwAlertsDrop(key: string, ...args: string[]): Promise<number>;
}

const COMMANDS = { lwAlertsClaim: 'claim', lwAlertsCommit: 'commit', lwAlertsDrop: 'drop' } as const;

/**
 * What is remembered for alerts in Redis: one hash for each cluster, with fields whose meaning is their writer's. A claim
 * fences whoever had it before.
 */
export class AlertMemory {
  readonly #connection: Connection;
  readonly #scripts: Scripts;
  readonly #asking: Asking;
  readonly #prefix: string;

  /** @param connection - not closed by it */
  constructor(connection: Connection, options: AlertMemoryOptions) {
    for (const [command, name] of Object.entries(COMMANDS)) {
      const lua = readFileSync(new URL(`../lua/alerts-${name}.lua`, import.meta.url), 'utf8');
      connection.defineCommand(command, { numberOfKeys: 1, lua });
    }
    this.#connection = connection;
    // ioredis adds the commands to the connection, unknown to its type.
    this.#scripts = connection as unknown as Scripts;
    this.#asking = new Asking(connection, options);
    this.#prefix = options.prefix;
  }

  /** The clusters of which anything is remembered, in the order of their names. @throws StoreConnectionError */
  async clusters(): Promise<readonly string[]> {
    return (await this.#asking.ask('read', () => this.#connection.smembers(this.#clustersKey()))).sort();
  }

  /** What is remembered of a cluster, without taking it over. @throws StoreConnectionError */
  async read(cluster: string): Promise<ReadonlyMap<string, Buffer>> {
    const reply = await this.#asking.ask('read', () =>
      this.#connection.callBuffer('HGETALL', this.#key(cluster)),
    );
    // Without a type, for it could be any command.
    return fieldsOf(reply as Buffer[]);
  }

  /**
   * Takes a cluster over from whoever had it.
   * @throws StateError where a newer version wrote it
   * @throws StoreConnectionError
   */
  async claim(cluster: string): Promise<ClaimedAlerts> {
    const [key, token] = [this.#key(cluster), randomUUID()];
    await this.#asking.ask('write', () => this.#connection.sadd(this.#clustersKey(), cluster));
    const claim = (): Promise<(Buffer | number)[]> =>
      this.#scripts.lwAlertsClaimBuffer(key, token, String(VERSION));
    const [found, ...reply] = await this.#asking.ask('claim', claim);
    if (found !== 1) {
      throw new StateError(
        `${key}: of version ${String(reply[0])}; this program reads versions up to ${VERSION}`,
      );
    }
    return {
      fields: fieldsOf(reply.map((each) => (typeof each === 'number' ? Buffer.from(String(each)) : each))),
      write: (values, last) => this.#write({ key, token }, values, last),
    };
  }

  async #write(
    { key, token }: { readonly key: string; readonly token: string },
    values: ReadonlyMap<string, Uint8Array>,
    last: string,
  ): Promise<boolean> {
    // One command where there is room in one; the last field tells that all is there.
    const ordered = [...values].sort(([a], [b]) => Number(a === last) - Number(b === last));
    for (let at = 0; at < ordered.length; at += MAX_PAIRS) {
      const pairs = ordered
        .slice(at, at + MAX_PAIRS)
        .flatMap(([field, value]) => [field, Buffer.from(value)]);
      const isOurs = await this.#asking.ask('commit', () =>
        this.#scripts.lwAlertsCommit(key, token, ...pairs),
      );
      if (isOurs !== 1) return false;
    }
    const gone = ordered.filter(([, value]) => value.length === 0).map(([field]) => field);
    for (let at = 0; at < gone.length; at += MAX_DROPPED) {
      const fields = gone.slice(at, at + MAX_DROPPED);
      await this.#asking.ask('drop', () => this.#scripts.lwAlertsDrop(key, token, ...fields));
    }
    return true;
  }

  #key(cluster: string): string {
    return `${this.#prefix}alerts:${cluster}`;
  }

  #clustersKey(): string {
    return `${this.#prefix}alert-clusters`;
  }
}

function fieldsOf(reply: readonly Buffer[]): Map<string, Buffer> {
  const fields = new Map<string, Buffer>();
  for (let at = 0; at + 1 < reply.length; at += 2) {
    const [field, value] = [reply[at]?.toString() ?? '', reply[at + 1]];
    if (value !== undefined && value.length > 0 && !OWN_FIELDS.has(field)) fields.set(field, value);
  }
  return fields;
}
