import { readFileSync } from 'node:fs';

import type { Cluster, Redis } from 'ioredis';

/** A connection to Redis: standalone, by way of Sentinel, or a Cluster. */
export type Connection = Redis | Cluster;

/** Pairs of a commit: Lua cannot hand over more than 8000 values at once. */
export const MAX_PAIRS = 3900;
/** Fields that are dropped at once. */
export const MAX_DROPPED = 7000;

/** What Redis answered; `fenced` and `moved` are answers, not errors: the caller claims again. */
export type Answer = 'done' | 'fenced' | 'moved';

/** What a claim found. */
export type ClaimAnswer =
  | { readonly kind: 'claimed'; readonly position: string; readonly identityKey: string }
  | { readonly kind: 'newer'; readonly version: string };

/** What a claim brings for a partition that has none of it yet. */
export interface ClaimArguments {
  readonly version: number;
  readonly identityKey: string;
  readonly dedupeHours: number;
}

interface Scripts {
  lwClaim(key: string, ...args: string[]): Promise<unknown[]>;
  lwCommit(key: string, ...args: (string | Buffer)[]): Promise<number>;
  lwDrop(key: string, ...args: string[]): Promise<number>;
}

function source(name: string): string {
  return readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), 'utf8');
}

/** Where a partition stands, as its owner knows it: what a script checks before it writes. */
export interface Standing {
  readonly token: string;
  readonly position: string;
  /** How many commits there were. */
  readonly revision: number;
}

/** The scripts of `lua/` on a connection, each of which is one write to one key. */
export class PartitionScripts {
  readonly #scripts: Scripts;

  constructor(connection: Connection) {
    for (const name of ['claim', 'commit', 'drop']) {
      const command = `lw${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
      connection.defineCommand(command, { numberOfKeys: 1, lua: source(name) });
    }
    // ioredis adds the commands to the connection, unknown to its type.
    this.#scripts = connection as unknown as Scripts;
  }

  /** See `lua/claim.lua`. Calling it again is safe. */
  async claim(key: string, token: string, mine: ClaimArguments): Promise<ClaimAnswer> {
    const { version, identityKey, dedupeHours } = mine;
    const args = [token, String(version), identityKey, String(dedupeHours)];
    const [first, second] = await this.#scripts.lwClaim(key, ...args);
    if (first === -1) return { kind: 'newer', version: String(second) };
    return { kind: 'claimed', position: typeof first === 'string' ? first : '', identityKey: String(second) };
  }

  /**
   * See `lua/commit.lua`.
   * @throws ReplyError on a fault of Redis; whether it happened is not known then, and calling again is safe.
   */
  async commit(key: string, at: Standing, pairs: readonly (string | Buffer)[]): Promise<Answer> {
    return answerOf(await this.#scripts.lwCommit(key, at.token, at.position, String(at.revision), ...pairs));
  }

  /** See `lua/drop.lua`. */
  async drop(key: string, at: Standing, fields: readonly string[]): Promise<Answer> {
    return answerOf(await this.#scripts.lwDrop(key, at.token, at.position, String(at.revision), ...fields));
  }
}

function answerOf(reply: number): Answer {
  switch (reply) {
    case 1:
      return 'done';
    case -1:
      return 'fenced';
    case -2:
      return 'moved';
    default:
      throw new Error(`a script answered ${String(reply)}`);
  }
}
