import { readFileSync } from 'node:fs';

import type { Connection } from './scripts.ts';

interface Scripts {
  lwLeaseTake(key: string, value: string, ttlMs: string): Promise<number>;
  lwLeaseRenew(key: string, value: string, ttlMs: string): Promise<number>;
  lwLeaseRelease(key: string, value: string): Promise<number>;
}

const COMMANDS = { lwLeaseTake: 'take', lwLeaseRenew: 'renew', lwLeaseRelease: 'release' } as const;

/** The scripts `lua/lease-*.lua` on a connection; each is at most one write to one key, and safe to be sent again. */
export class LeaseScripts {
  readonly #scripts: Scripts;

  constructor(connection: Connection) {
    for (const [command, name] of Object.entries(COMMANDS)) {
      const lua = readFileSync(new URL(`../lua/lease-${name}.lua`, import.meta.url), 'utf8');
      connection.defineCommand(command, { numberOfKeys: 1, lua });
    }
    // ioredis adds the commands to the connection, unknown to its type.
    this.#scripts = connection as unknown as Scripts;
  }

  /** Whether the lease is ours now. */
  async take(key: string, value: string, ttlMs: number): Promise<boolean> {
    return (await this.#scripts.lwLeaseTake(key, value, String(ttlMs))) === 1;
  }

  /** Whether it was still ours, and lives on. */
  async renew(key: string, value: string, ttlMs: number): Promise<boolean> {
    return (await this.#scripts.lwLeaseRenew(key, value, String(ttlMs))) === 1;
  }

  /** Whether it was still ours, and is gone. */
  async release(key: string, value: string): Promise<boolean> {
    return (await this.#scripts.lwLeaseRelease(key, value)) === 1;
  }
}
