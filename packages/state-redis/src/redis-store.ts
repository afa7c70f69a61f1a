import { randomBytes, randomUUID } from 'node:crypto';

import type { ActivityRetention, ActivityState } from '@leastwise/activity';
import { type ClusterState, emptyCluster, mergeCluster } from '@leastwise/rbac';
import {
  ACTIVITY_RETENTION,
  type ApplyResult,
  type Batch,
  checkBatch,
  type Claim,
  isEmpty,
  isIdle,
  Malformed,
  newestOf,
  pruneActivity,
  StateError,
  type StoreFacts,
  type SubjectStore,
} from '@leastwise/state';

import { Asking, type Patience } from './asking.ts';
import { LAYOUT_VERSION, META } from './field-names.ts';
import { OwnedPartition } from './owned-partition.ts';
import {
  type Horizons,
  type PartitionContent,
  readNumbers,
  readPartition,
  wholeClusters,
} from './partition-content.ts';
import { type Answer, type Connection, PartitionScripts, type Standing } from './scripts.ts';
import { FOLD_LIMITS, type FoldLimits } from './unfolded.ts';

/** How a state is kept in Redis. */
export interface RedisStoreOptions extends Patience {
  /** Every key begins with it. */
  readonly prefix: string;
  /**
   * For how many hours before its cluster's watermark a request can be told from its copies. A source that ever had
   * less keeps that until its state is rebuilt: what was forgotten would be counted again.
   */
  readonly dedupeHours: number;
  /** For how many days before its cluster's watermark evidence is kept that was not seen again; 400. */
  readonly keepDays?: number | undefined;
  /** How long windows are kept before their cluster's newest request. */
  readonly activityRetention?: ActivityRetention | undefined;
  /** The key of request identities for a new state, 16 lower-case hexadecimal digits; drawn at random without it. */
  readonly identityKey?: string | undefined;
  /** When commits are summed up: after so many of them, or of their bytes. */
  readonly foldLimits?: FoldLimits | undefined;
}

/** Where one source of a state is. */
export interface SourcePosition {
  readonly source: string;
  readonly position: string;
}

const KEEP_DAYS = 400;
const MAX_HORIZON = 100_000;
/** How often a source is put on the list of all again, which may stand on a node that loses more than ours. */
const LIST_EVERY_MS = 60_000;

/**
 * A state in Redis, one hash for each source. A commit is one write command to that hash, sent by the one worker
 * that has claimed it and so knows what stood there; the script only checks that this is still so. So nothing is
 * ever half there, whatever Redis loses, and state is merged by the same code as in the embedded store.
 *
 * `flush` waits for nothing: what `applyBatch` answered to is in Redis, and what Redis loses of it, position
 * included, is read again.
 */
export class RedisStore implements SubjectStore {
  readonly #connection: Connection;
  readonly #scripts: PartitionScripts;
  readonly #asking: Asking;
  readonly #options: RedisStoreOptions;
  readonly #horizons: Horizons;
  readonly #owned = new Map<string, OwnedPartition>();
  /** By source, when it was put on the list last. */
  readonly #listed = new Map<string, number>();
  /** By source, the end of its queue. */
  readonly #queues = new Map<string, Promise<unknown>>();

  /** @param connection - not closed by the store */
  constructor(connection: Connection, options: RedisStoreOptions) {
    this.#connection = connection;
    this.#scripts = new PartitionScripts(connection);
    this.#asking = new Asking(connection, options);
    this.#options = options;
    const { dedupeHours, keepDays = KEEP_DAYS } = options;
    for (const each of [dedupeHours, keepDays]) {
      if (!Number.isInteger(each) || each < 1 || each > MAX_HORIZON) {
        throw new RangeError('horizons are whole numbers of hours or days, at least 1');
      }
    }
    const { activityRetention = ACTIVITY_RETENTION } = options;
    this.#horizons = { dedupeHours, keepDays, activityRetention };
  }

  #key(source: string): string {
    return `${this.#options.prefix}p:${source}`;
  }

  #sourcesKey(): string {
    return `${this.#options.prefix}sources`;
  }

  #inTurn<T>(source: string, step: () => Promise<T>): Promise<T> {
    const result = (this.#queues.get(source) ?? Promise.resolve()).then(step);
    const end = result.catch(() => undefined);
    this.#queues.set(source, end);
    void end.then(() => {
      if (this.#queues.get(source) === end) this.#queues.delete(source);
    });
    return result;
  }

  /**
   * @throws StateError where a newer version wrote the state, or it is damaged
   * @throws StoreConnectionError
   */
  claim(source: string): Promise<Claim> {
    return this.#inTurn(source, async () => {
      this.#owned.delete(source);
      await this.#list(source);
      const [key, token] = [this.#key(source), randomUUID()];
      const identityKey = await this.#identityKey();
      const { dedupeHours, keepDays } = this.#horizons;
      const answer = await this.#asking.ask('claim', () =>
        this.#scripts.claim(key, token, { version: LAYOUT_VERSION, identityKey, dedupeHours }),
      );
      if (answer.kind === 'newer') {
        throw new StateError(
          `${key}: a state of version ${answer.version}; this program reads versions up to ${LAYOUT_VERSION}`,
        );
      }
      const content = await this.#load(source);
      const { foldLimits = FOLD_LIMITS } = this.#options;
      const owned = orDamaged(
        `${key}: a day`,
        () => new OwnedPartition(key, token, content, { keepDays, foldLimits }),
      );
      this.#owned.set(source, owned);
      return {
        source,
        token,
        position: owned.position,
        identityKey: answer.identityKey,
        watermarks: new Map(owned.watermarks),
        dedupeHours: content.dedupeHours,
        isCounted: (seen) => owned.isCounted(seen),
      };
    });
  }

  async #list(source: string): Promise<void> {
    await this.#asking.ask('claim', () => this.#connection.sadd(this.#sourcesKey(), source));
    this.#listed.set(source, performance.now());
  }

  // A new source takes the common key; one that has identities already keeps the key that they were made with.
  async #identityKey(): Promise<string> {
    const key = `${this.#options.prefix}identity-key`;
    const get = (): Promise<string | null> => this.#asking.ask('claim', () => this.#connection.get(key));
    const known = await get();
    if (known !== null) return known;
    const fresh = this.#options.identityKey ?? randomBytes(8).toString('hex');
    await this.#asking.ask('claim', () => this.#connection.set(key, fresh, 'NX'));
    return (await get()) ?? fresh;
  }

  async #load(source: string): Promise<PartitionContent> {
    const key = this.#key(source);
    // One command, so that no commit can come in between.
    const reply = await this.#asking.askForMuch('read', () => this.#connection.callBuffer('HGETALL', key));
    // Without a type, for it could be any command.
    return readPartition(key, reply as Buffer[], this.#horizons);
  }

  /** @throws StoreConnectionError; what became of the batch is not known then: claim again */
  applyBatch(batch: Batch): Promise<ApplyResult> {
    const { source, token } = batch.claim;
    return this.#inTurn(source, async () => {
      checkBatch(batch);
      const owned = this.#owned.get(source);
      if (owned?.token !== token) return 'fenced';
      if (owned.position !== batch.from) return 'stale';
      if (batch.from === batch.to && isEmpty(batch.deltas)) return 'applied';
      // Until Redis has answered nobody knows what stands there: whatever happens now, only a new claim does.
      this.#owned.delete(source);
      let answer = await this.#commit(owned, () => owned.apply(batch));
      while (answer === 'done' && owned.isBehind) {
        answer = await this.#commit(owned, () => owned.catchUp());
      }
      if (answer !== 'done') return answer === 'fenced' ? 'fenced' : 'stale';
      this.#owned.set(source, owned);
      await this.#tidy(source, owned);
      return 'applied';
    });
  }

  #commit(owned: OwnedPartition, next: () => readonly (string | Buffer)[]): Promise<Answer> {
    const { key, token, position, revision } = owned;
    const before: Standing = { token, position, revision };
    const pairs = next();
    return this.#asking.ask('commit', () => this.#scripts.commit(key, before, pairs));
  }

  /** What is not needed for a batch to be there, so that its failure may pass. */
  async #tidy(source: string, owned: OwnedPartition): Promise<void> {
    try {
      const garbage = owned.takeGarbage();
      // It means nothing, so it may stay: whoever loads the partition next finds it.
      if (garbage.length > 0) {
        await this.#asking.ask('drop', () => this.#scripts.drop(owned.key, owned, garbage));
      }
      if (performance.now() - (this.#listed.get(source) ?? 0) > LIST_EVERY_MS) await this.#list(source);
    } catch {
      // The next batch finds out what is wrong.
    }
  }

  /** Another worker has the source: what is known of it here is of no use any more. */
  release(source: string): void {
    this.#owned.delete(source);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#queues.values());
  }

  /** The sources that were ever claimed, in the order of their names. */
  async sources(): Promise<readonly string[]> {
    return (await this.#asking.ask('read', () => this.#connection.smembers(this.#sourcesKey()))).sort();
  }

  /** Whether no source was ever claimed: a Redis that is new, or that has lost everything. */
  async isEmptyState(): Promise<boolean> {
    const keys = [this.#sourcesKey(), `${this.#options.prefix}identity-key`];
    // One at a time, for in a Cluster they are on different nodes.
    for (const key of keys) {
      if ((await this.#asking.ask('read', () => this.#connection.exists(key))) > 0) return false;
    }
    return true;
  }

  /**
   * Notes which log the state is of, where nobody has yet.
   * @returns the log that it is of
   */
  async bindTo(log: string): Promise<string> {
    const key = `${this.#options.prefix}log`;
    await this.#asking.ask('write', () => this.#connection.set(key, log, 'NX'));
    return (await this.#asking.ask('read', () => this.#connection.get(key))) ?? log;
  }

  async #field(source: string, field: string): Promise<string | undefined> {
    const key = this.#key(source);
    return (await this.#asking.ask('read', () => this.#connection.hget(key, field))) ?? undefined;
  }

  /** How far each source was read. */
  async positions(): Promise<readonly SourcePosition[]> {
    const sources = await this.sources();
    return Promise.all(
      sources.map(async (source) => ({ source, position: (await this.#field(source, META.position)) ?? '' })),
    );
  }

  async read(): Promise<readonly ClusterState[]> {
    const { clusters } = await this.#sum();
    return sorted(clusters);
  }

  async activity(): Promise<readonly ActivityState[]> {
    return (await this.whole()).activity;
  }

  async whole(): ReturnType<SubjectStore['whole']> {
    const { clusters, activity } = await this.#sum();
    for (const [name, state] of activity) {
      const newest = newestOf(clusters, name);
      if (newest !== undefined) pruneActivity(state, newest, this.#horizons.activityRetention);
      if (isIdle(state)) activity.delete(name);
    }
    return { clusters: sorted(clusters), activity: sorted(activity) };
  }

  async #sum(): Promise<{ clusters: Map<string, ClusterState>; activity: Map<string, ActivityState> }> {
    const total = new Map<string, ClusterState>();
    const activity = new Map<string, ActivityState>();
    // One at a time: what is merged in is garbage before the next one comes.
    for (const source of await this.sources()) {
      const content = await this.#load(source);
      orDamaged(`${this.#key(source)}: a closed window`, () => content.windows.mergeInto(activity));
      orDamaged(`${this.#key(source)}: a day`, () => content.days.mergeInto(activity));
      for (const [name, state] of wholeClusters(content)) {
        const cluster = total.get(name) ?? emptyCluster(name);
        total.set(name, cluster);
        mergeCluster(cluster, state, { ownership: 'take' });
      }
    }
    return { clusters: total, activity };
  }

  async facts(): Promise<StoreFacts> {
    let [onlyReceived, late, lost] = [0, 0, 0];
    for (const source of await this.sources()) {
      const text = await this.#field(source, META.numbers);
      const numbers = orDamaged(`${this.#key(source)}: the numbers`, () => readNumbers(text));
      onlyReceived += numbers.onlyReceived + numbers.forgottenReceived;
      late += numbers.late;
      lost += numbers.lost;
    }
    return { onlyReceived, late, lost };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }
}

/** The values by their keys. */
function sorted<V>(states: ReadonlyMap<string, V>): V[] {
  return [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
}

/** @throws StateError that names the part, where it cannot be read */
function orDamaged<T>(part: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new StateError(`${part}: ${error.message}`, { cause: error });
  }
}
