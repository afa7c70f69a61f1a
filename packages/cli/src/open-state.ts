import { stat } from 'node:fs/promises';

import { type DescribedStore, openEmbeddedStore } from '@leastwise/state';
import {
  checkRedis,
  closeRedis,
  type Connection,
  connectRedis,
  RedisStore,
  StateAdmin,
} from '@leastwise/state-redis';

import { CliError, messageOf } from './exit.ts';

/** How long a person waits for a Redis that is away. */
const OUTAGE_MS = 10_000;
/** What is read forgets nothing, and what is imported has no identities. */
const DEDUPE_HOURS = 100_000;

/** Whether a place is a Redis by its URL (`redis://`, `rediss://`), and not a folder. */
export function isRedis(place: string): boolean {
  return /^rediss?:/.test(place);
}

async function connect(place: string): Promise<Connection> {
  try {
    return await connectRedis({ target: { url: place }, outageMs: OUTAGE_MS });
  } catch (cause) {
    throw new CliError(`cannot open the state: ${messageOf(cause)}`);
  }
}

/**
 * Opens a state that is there: a folder of `run`, or Redis by its URL.
 * @throws CliError where there is none, or it cannot be reached
 */
export async function openState(place: string, prefix: string): Promise<DescribedStore> {
  if (isRedis(place)) return openRedisState(await connect(place), prefix);
  const isFolder = await stat(place).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  // Opening it would make a new one.
  if (!isFolder) throw new CliError(`there is no state in ${place}`);
  return openEmbeddedStore({ dir: place });
}

/**
 * Opens a state to add to it, also one that is not there yet.
 * @throws CliError where it cannot be reached, or must not hold a state
 */
export async function openStateToWrite(place: string, prefix: string): Promise<DescribedStore> {
  if (!isRedis(place)) return openEmbeddedStore({ dir: place });
  const connection = await connect(place);
  const { problems } = await checkRedis(connection);
  if (problems.length === 0) return openRedisState(connection, prefix);
  await closeRedis(connection);
  throw new CliError(`Redis cannot hold a state: ${problems.join('; ')}`);
}

/** A state in Redis, for what is none of a worker's business. @throws CliError where it cannot be reached */
export async function openStateAdmin(place: string, prefix: string): Promise<StateAdmin & AsyncDisposable> {
  const connection = await connect(place);
  const admin = new StateAdmin(connection, { prefix, outageMs: OUTAGE_MS });
  return Object.assign(admin, { [Symbol.asyncDispose]: () => closeRedis(connection) });
}

function openRedisState(connection: Connection, prefix: string): DescribedStore {
  const patience = { outageMs: OUTAGE_MS };
  const store = new RedisStore(connection, { prefix, dedupeHours: DEDUPE_HOURS, ...patience });
  const admin = new StateAdmin(connection, { prefix, ...patience });
  return Object.assign(store, {
    describe: () => admin.describe(),
    [Symbol.asyncDispose]: () => closeRedis(connection),
  });
}
