import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'vitest';

import { RedisStore, type RedisStoreOptions } from '../redis-store.ts';
import type { Connection } from '../scripts.ts';
import { expectedOf, plainOf } from './oracle.ts';
import type { LogEvent } from './events.ts';

/** What the stores of these tests have in common. */
export const OPTIONS = {
  prefix: 'lw:',
  dedupeHours: 2,
  // So that all that happens to a state happens between folds, and in them.
  foldLimits: { segments: 3, bytes: 1_000_000 },
} as const satisfies RedisStoreOptions;
/** The one source that most of them read. */
export const SOURCE = 'topic/0';

/** The hash of a source. */
export function keyOf(source: string, prefix: string = OPTIONS.prefix): string {
  return `${prefix}p:${source}`;
}

/** A store that does not wait long. */
export function impatient(connection: Connection, more: Partial<RedisStoreOptions> = {}): RedisStore {
  return new RedisStore(connection, { ...OPTIONS, commandTimeoutMs: 2000, outageMs: 5000, ...more });
}

/** Every value of a source is what the log says. */
export async function expectExact(
  connection: Connection,
  log: readonly LogEvent[],
  source: string = SOURCE,
  prefix: string = OPTIONS.prefix,
): Promise<void> {
  const key = keyOf(source, prefix);
  const plain = await plainOf(connection, key, OPTIONS.dedupeHours);
  expect(plain).toEqual(expectedOf(log, OPTIONS.dedupeHours));
  expect((await connection.hget(key, 'o')) ?? '0').toBe(String(log.length));
}

/** Every value of a source is what the log says up to the source's position, whatever that is. */
export async function expectPrefix(
  connection: Connection,
  log: readonly LogEvent[],
  source: string = SOURCE,
  prefix: string = OPTIONS.prefix,
): Promise<void> {
  const position = Number((await connection.hget(keyOf(source, prefix), 'o')) ?? '0');
  await expectExact(connection, log.slice(0, position), source, prefix);
}

/** A folder of its own, removed in the end. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'leastwise-redis-faults-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}
