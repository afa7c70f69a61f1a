import { randomUUID } from 'node:crypto';

import {
  type ActivityRetention,
  type ActivityState,
  emptyActivity,
  mergeActivity,
} from '@leastwise/activity';
import type { Identity } from '@leastwise/audit-event';
import { type ClusterState, emptyCluster, mergeCluster } from '@leastwise/rbac';

import { checkBatch, isEmpty } from './checks.ts';
import { type Content, emptyContent, isIdentityKey } from './content.ts';
import type { DescribedStore, StateDescription } from './description.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { StateFolder } from './state-folder.ts';
import { ACTIVITY_RETENTION, isIdle, newestOf, pruneActivity } from './retention.ts';
import {
  type ApplyResult,
  type Batch,
  type Claim,
  type Deltas,
  StateError,
  type StoreFacts,
} from './types.ts';

/** Where an embedded store keeps its state. */
export interface EmbeddedStoreOptions {
  /** The folder of the state, made if need be; without it the state lives in memory only. */
  readonly dir?: string | undefined;
  /** The key of request identities for a new state, 16 lower-case hexadecimal digits; drawn at random without it. */
  readonly identityKey?: string | undefined;
  /** How long windows are kept before their cluster's newest request. */
  readonly activityRetention?: ActivityRetention | undefined;
}

function merge(content: Content, deltas: Deltas): void {
  for (const [name, delta] of deltas.clusters) {
    const cluster = content.clusters.get(name) ?? emptyCluster(name);
    mergeCluster(cluster, delta);
    content.clusters.set(name, cluster);
  }
  for (const [name, delta] of deltas.activity) {
    const activity = content.activity.get(name) ?? emptyActivity(name);
    mergeActivity(activity, delta);
    content.activity.set(name, activity);
  }
  for (const { hi, lo } of deltas.counted) {
    content.counted.add(hi, lo);
    content.onlyReceived.delete(hi, lo);
  }
  for (const { hi, lo } of deltas.resolved) {
    content.resolved.add(hi, lo);
    content.onlyReceived.delete(hi, lo);
  }
  for (const { hi, lo } of deltas.received) {
    if (content.counted.has(hi, lo) || content.resolved.has(hi, lo)) continue;
    content.onlyReceived.add(hi, lo);
  }
  const { late, lost } = content.tally;
  content.tally = { late: late + deltas.tally.late, lost: lost + deltas.tally.lost };
}

/** The values by their keys. */
function sorted<V>(states: ReadonlyMap<string, V>): V[] {
  return [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
}

class EmbeddedStore implements DescribedStore {
  readonly #content: Content;
  readonly #folder: StateFolder | undefined;
  readonly #retention: ActivityRetention;
  readonly #tokens = new Map<string, string>();
  /** The end of the queue: one step at a time, so that no batch changes what a flush is writing. */
  #last: Promise<unknown> = Promise.resolve();
  #isDirty = false;
  /** Why the store can do no more. */
  #ended: string | undefined;

  constructor(content: Content, folder: StateFolder | undefined, retention = ACTIVITY_RETENTION) {
    this.#content = content;
    this.#folder = folder;
    this.#retention = retention;
  }

  #inTurn<T>(step: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#ended !== undefined) throw new Error(this.#ended);
      return step();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  claim(source: string): Promise<Claim> {
    return this.#inTurn(() => {
      const { identityKey, counted, positions } = this.#content;
      const token = randomUUID();
      this.#tokens.set(source, token);
      return {
        source,
        token,
        position: positions.get(source) ?? '',
        identityKey,
        watermarks: NO_WATERMARKS,
        dedupeHours: Infinity,
        isCounted: ({ hi, lo }: Identity) => counted.has(hi, lo),
      };
    });
  }

  applyBatch(batch: Batch): Promise<ApplyResult> {
    return this.#inTurn(() => {
      const { claim, from, to, deltas } = batch;
      checkBatch(batch);
      if (this.#tokens.get(claim.source) !== claim.token) return 'fenced';
      const { positions, counted } = this.#content;
      if ((positions.get(claim.source) ?? '') !== from) return 'stale';
      // Another source's batch may have counted some of it after this one was built.
      for (const { hi, lo } of deltas.counted) if (counted.has(hi, lo)) return 'stale';
      if (from === to && isEmpty(deltas)) return 'applied';
      this.#isDirty = true;
      try {
        merge(this.#content, deltas);
      } catch (error) {
        // Out of memory half-way: what is on the disk is whole, what is here must never get there.
        this.#ended = 'a batch could not be applied whole, so the store must be opened again';
        throw error;
      }
      positions.set(claim.source, to);
      return 'applied';
    });
  }

  async #save(): Promise<void> {
    if (!this.#isDirty || !this.#folder) return;
    this.#prune();
    await this.#folder.save(this.#content);
    this.#isDirty = false;
  }

  flush(): Promise<void> {
    return this.#inTurn(() => this.#save());
  }

  read(): Promise<readonly ClusterState[]> {
    return this.#inTurn(() => sorted(this.#content.clusters));
  }

  #prune(): void {
    const { activity, clusters } = this.#content;
    for (const [name, state] of activity) {
      const newest = newestOf(clusters, name);
      if (newest !== undefined) pruneActivity(state, newest, this.#retention);
      if (isIdle(state)) activity.delete(name);
    }
  }

  activity(): Promise<readonly ActivityState[]> {
    return this.#inTurn(() => {
      this.#prune();
      return sorted(this.#content.activity);
    });
  }

  whole(): ReturnType<DescribedStore['whole']> {
    return this.#inTurn(() => {
      this.#prune();
      const { clusters, activity } = this.#content;
      return { clusters: sorted(clusters), activity: sorted(activity) };
    });
  }

  facts(): Promise<StoreFacts> {
    return this.#inTurn(() => ({
      onlyReceived: this.#content.onlyReceived.size,
      ...this.#content.tally,
    }));
  }

  describe(): Promise<StateDescription> {
    return this.#inTurn(async () => {
      const positions = [...this.#content.positions].sort(([a], [b]) => (a < b ? -1 : 1));
      const sources = positions.map(([source, position]) => ({
        source,
        position,
        watermarks: NO_WATERMARKS,
      }));
      return { version: undefined, bytes: undefined, ...(await this.#folder?.describe()), sources };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended === CLOSED) return;
    try {
      await this.flush();
    } finally {
      this.#ended = CLOSED;
      await this.#folder?.release();
    }
  }
}

const CLOSED = 'the store is closed';
/** Identities are kept for ever, so nothing is ever late. */
const NO_WATERMARKS: ReadonlyMap<string, number> = new Map();

/** As {@link openEmbeddedStore}, on a disk that may be made to fail. */
export async function openStoreOn(options: EmbeddedStoreOptions, disk: Disk): Promise<DescribedStore> {
  const { dir, identityKey, activityRetention } = options;
  if (identityKey !== undefined && !isIdentityKey(identityKey)) {
    throw new TypeError('an identity key has 16 lower-case hexadecimal digits');
  }
  if (dir === undefined) {
    return new EmbeddedStore(emptyContent(identityKey), undefined, activityRetention);
  }
  const folder = await StateFolder.open(dir, disk);
  try {
    const content = await folder.load();
    if (content && identityKey !== undefined && content.identityKey !== identityKey) {
      throw new StateError(`${dir}: the state has another identity key than the given one`);
    }
    return new EmbeddedStore(content ?? emptyContent(identityKey), folder, activityRetention);
  } catch (error) {
    await folder.release();
    throw error;
  }
}

/**
 * Opens a store in this process: in memory, or in a folder that this process then has to itself.
 *
 * - It writes when flushed and when disposed of, and only if something changed; a failed flush throws,
 *   changes nothing on disk and may be tried again. The same state gives the same files.
 * - Identities are kept for ever, for all sources together: a batch that counts what another source's
 *   batch counted since the claim or the last batch is `stale` too.
 * - `read` answers with the live state: it is valid until the next batch.
 *
 * @throws StateError where the folder cannot be used, is another process's (which it names), or holds a
 * state that is damaged, of another version, or made with another identity key.
 */
export function openEmbeddedStore(options: EmbeddedStoreOptions = {}): Promise<DescribedStore> {
  return openStoreOn(options, nodeDisk);
}
