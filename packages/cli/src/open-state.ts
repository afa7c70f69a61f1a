import { stat } from 'node:fs/promises';

import { openEmbeddedStore, type SubjectStore } from '@leastwise/state';
import { closeRedis, connectRedis, RedisStore } from '@leastwise/state-redis';

import { CliError, messageOf } from './exit.ts';

/** How long a person waits for a Redis that is away. */
const OUTAGE_MS = 10_000;
/** Reading forgets nothing; a store that writes has its own. */
const READING_DEDUPE_HOURS = 100_000;

/**
 * Opens a state that is there: a folder of `run`, or Redis by its URL (`redis://`, `rediss://`).
 * @throws CliError where there is none, or it cannot be reached
 */
export async function openState(place: string, prefix: string): Promise<SubjectStore> {
  if (!/^rediss?:/.test(place)) return openFolder(place);
  try {
    const connection = await connectRedis({ target: { url: place }, outageMs: OUTAGE_MS });
    const store = new RedisStore(connection, { prefix, dedupeHours: READING_DEDUPE_HOURS });
    return Object.assign(store, {
      [Symbol.asyncDispose]: () => closeRedis(connection),
    });
  } catch (cause) {
    throw new CliError(`cannot open the state: ${messageOf(cause)}`);
  }
}

async function openFolder(path: string): Promise<SubjectStore> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  // Opening it would make a new one.
  if (!isFolder) throw new CliError(`there is no state in ${path}`);
  return openEmbeddedStore({ dir: path });
}
