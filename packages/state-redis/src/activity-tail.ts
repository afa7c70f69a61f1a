import {
  type ActivityRetention,
  type ActivityState,
  emptyActivity,
  mergeActivity,
  type SourceLook,
} from '@leastwise/activity';
import { ACTIVITY_RETENTION, Malformed, StateError } from '@leastwise/state';

import { Asking, type Patience } from './asking.ts';
import { META, segmentField } from './field-names.ts';
import { readCount, readPartition, readWatermarks } from './partition-content.ts';
import type { Connection } from './scripts.ts';
import { readSegment } from './segment.ts';

/** How the activity of a state is looked at. */
export interface ActivityTailOptions extends Patience {
  /** Every key of the state begins with it. */
  readonly prefix: string;
  /** How long windows are kept before their cluster's newest request. */
  readonly activityRetention?: ActivityRetention | undefined;
}

/** More commits than this since the last look are more to read than everything. */
const MAX_COMMITS = 64;
/** Identities and evidence are of no interest here, so that nothing of them is to be given up. */
const HORIZONS = { dedupeHours: 100_000, keepDays: 100_000 };

/**
 * Sees the activity of a state as workers commit it, without having claimed anything. Each commit of a source is a field
 * until many of them are summed up: as long as none was missed, only what is new is read.
 */
export class ActivityTail {
  readonly #connection: Connection;
  readonly #asking: Asking;
  readonly #options: ActivityTailOptions;
  /** By source, how many commits have been seen. */
  readonly #seen = new Map<string, number>();

  /** @param connection - not closed by it */
  constructor(connection: Connection, options: ActivityTailOptions) {
    this.#connection = connection;
    this.#asking = new Asking(connection, options);
    this.#options = options;
  }

  /** The sources that were ever claimed. @throws StoreConnectionError */
  async sources(): Promise<readonly string[]> {
    const key = `${this.#options.prefix}sources`;
    return (await this.#asking.ask('read', () => this.#connection.smembers(key))).sort();
  }

  /**
   * What a source delivered since the last look; everything at the first one.
   * @throws StateError where a newer version wrote it, or it is damaged
   * @throws StoreConnectionError
   */
  async look(source: string): Promise<SourceLook> {
    const key = `${this.#options.prefix}p:${source}`;
    try {
      return await this.#look({ source, key });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new StateError(`${key}: ${error.message}`, { cause: error });
    }
  }

  /** Forgets what it has seen: the next look at a source is a whole one. */
  forget(): void {
    this.#seen.clear();
  }

  async #look(place: Place): Promise<SourceLook> {
    const { source, key } = place;
    const [revision, folded, newest] = await this.#fields(key, [META.revision, META.folded, META.watermarks]);
    const watermarks = readWatermarks(newest?.toString());
    const now = readCount(revision?.toString());
    const seen = this.#seen.get(source);
    if (seen === now) return { source, watermarks, hasMoved: false, isWhole: false, activity: new Map() };
    const isMissed = seen === undefined || seen > now || readCount(folded?.toString()) > seen;
    if (isMissed || now - seen > MAX_COMMITS) return this.#whole(place);
    // With the watermarks of that commit: later ones would close windows whose requests are not here yet.
    return this.#since(place, { seen, now, watermarks });
  }

  /** What the commits since then add. */
  async #since(place: Place, { seen, now, watermarks }: Commits): Promise<SourceLook> {
    const { key, source } = place;
    const fields = Array.from({ length: now - seen }, (_, n) => segmentField(seen + 1 + n));
    const [folded, ...segments] = await this.#fields(key, [META.folded, ...fields]);
    // They were summed up in the meantime, and may have been dropped.
    if (readCount(folded?.toString()) > seen) return this.#whole(place);
    const activity = new Map<string, ActivityState>();
    for (const bytes of segments) {
      // Not every commit adds something.
      if (bytes === null || bytes.length === 0) continue;
      for (const [cluster, state] of readSegment(bytes).activity) {
        const sum = activity.get(cluster) ?? emptyActivity(cluster);
        activity.set(cluster, sum);
        mergeActivity(sum, state);
      }
    }
    this.#seen.set(source, now);
    return { source, watermarks, hasMoved: true, isWhole: false, activity };
  }

  async #whole({ source, key }: Place): Promise<SourceLook> {
    const reply = await this.#asking.askForMuch('read', () => this.#connection.callBuffer('HGETALL', key));
    const { activityRetention = ACTIVITY_RETENTION } = this.#options;
    // Without a type, for it could be any command.
    const content = readPartition(key, reply as Buffer[], { ...HORIZONS, activityRetention });
    const activity = new Map<string, ActivityState>();
    content.windows.mergeInto(activity);
    this.#seen.set(source, content.revision);
    return { source, watermarks: content.watermarks, hasMoved: true, isWhole: true, activity };
  }

  async #fields(key: string, fields: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#asking.ask('read', () => this.#connection.hmgetBuffer(key, ...fields));
  }
}

/** Commits of a source: those behind `seen`, up to `now`. */
interface Commits {
  readonly seen: number;
  readonly now: number;
  /** As of `now`. */
  readonly watermarks: ReadonlyMap<string, number>;
}

interface Place {
  readonly source: string;
  readonly key: string;
}
