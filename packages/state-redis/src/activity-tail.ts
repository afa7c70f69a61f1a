import {
  type ActivityRetention,
  type ActivityState,
  mergeWindows,
  type SourceLook,
  windowsToKeep,
} from '@leastwise/activity';
import { ACTIVITY_RETENTION, Malformed, StateError } from '@leastwise/state';

import { Asking, type Patience } from './asking.ts';
import { StoreConnectionError } from './failures.ts';
import { META, segmentField, windowField, windowPart } from './field-names.ts';
import { readJournal } from './journal.ts';
import { checkVersion, readCount, readWatermarks } from './partition-content.ts';
import { KEPT_KIND, stateIn, unpack } from './partition-windows.ts';
import type { Connection } from './scripts.ts';
import { readSegment } from './segment.ts';

/** The first window of a cluster that is asked for, by its number; `undefined`: all that are kept. */
export type FirstWindow = (cluster: string) => number | undefined;

/** How the activity of a state is looked at. */
export interface ActivityTailOptions extends Patience {
  /** Every key of the state begins with it. */
  readonly prefix: string;
  /** How long windows are kept before their cluster's newest request. */
  readonly activityRetention?: ActivityRetention | undefined;
}

/** A source that commits in between is asked again, and it commits a few times a second at most. */
const MAX_TRIES = 10;

/**
 * Sees the activity of a state as workers commit it, without having claimed anything. Each commit of a source is a field
 * until many of them are summed up: as long as none was missed, only what is new is read; otherwise the windows that are
 * asked for, and nothing else of a source.
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
   * What a source delivered since the last look; at the first one, and where commits were summed up since, all of its
   * windows from some on.
   * @param firstOf - the first window of a cluster that is asked for; `undefined`: all that are kept
   * @throws StateError where a newer version wrote it, or it is damaged
   * @throws StoreConnectionError
   */
  async look(source: string, firstOf: FirstWindow = () => undefined): Promise<SourceLook> {
    const key = `${this.#options.prefix}p:${source}`;
    try {
      return await this.#look({ source, key, firstOf });
    } catch (error) {
      if (!(error instanceof Malformed) && !(error instanceof RangeError)) throw error;
      throw new StateError(`${key}: ${error.message}`, { cause: error });
    }
  }

  /** Forgets what it has seen: the next look at a source is a whole one. */
  forget(): void {
    this.#seen.clear();
  }

  async #look(place: Place): Promise<SourceLook> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const standing = await this.#standing(place);
      const seen = this.#seen.get(place.source);
      if (seen === standing.revision) return lookOf(place, standing, { hasMoved: false, isWhole: false });
      const isMissed = seen === undefined || seen > standing.revision || standing.folded > seen;
      const look = await this.#read(place, standing, isMissed ? undefined : seen);
      if (look === undefined) continue;
      this.#seen.set(place.source, standing.revision);
      return look;
    }
    throw new StoreConnectionError('unreachable', `${place.key} changes faster than it can be read`);
  }

  async #standing({ key }: Place): Promise<Standing> {
    const names = [META.version, META.revision, META.folded, META.watermarks];
    const [version, revision, folded, watermarks] = await this.#fields(key, names);
    checkVersion(version?.toString());
    return {
      revision: readCount(revision?.toString()),
      folded: readCount(folded?.toString()),
      watermarks: readWatermarks(watermarks?.toString()),
    };
  }

  /**
   * @param seen - reads the commits behind it; `undefined`: the windows, and the commits that are not in them yet
   * @returns `undefined` where the source has summed up its commits meanwhile
   */
  async #read(place: Place, standing: Standing, seen: number | undefined): Promise<SourceLook | undefined> {
    const { revision, folded } = standing;
    const after = seen ?? folded;
    const segments = Array.from({ length: revision - after }, (_, n) => segmentField(after + 1 + n));
    const windows = seen === undefined ? this.#windowsOf(place, standing) : [];
    // The journal counts for windows alone, and may be long.
    const inFields = windows.length === 0 ? [] : [META.journal, ...windows.map(({ field }) => field)];
    const names = [META.folded, ...segments, ...inFields];
    const [foldedNow, ...values] = await this.#fields(place.key, names);
    if (readCount(foldedNow?.toString()) !== folded) return undefined;
    const activity = new Map<string, ActivityState>();
    for (const bytes of values.slice(0, segments.length)) {
      // Not every commit adds something.
      if (bytes === null || bytes.length === 0) continue;
      for (const [cluster, state] of readSegment(bytes, 'windows').activity)
        mergeWindows(stateIn(activity, cluster), state);
    }
    addWindows(activity, windows, values.slice(segments.length));
    return { ...lookOf(place, standing, { hasMoved: true, isWhole: seen === undefined }), activity };
  }

  #windowsOf({ firstOf }: Place, { watermarks }: Standing): readonly WindowField[] {
    const { activityRetention = ACTIVITY_RETENTION } = this.#options;
    return [...watermarks].flatMap(([cluster, newestUs]) => {
      const { first, last } = windowsToKeep(KEPT_KIND, newestUs, activityRetention);
      const from = Math.max(first, firstOf(cluster) ?? first);
      return Array.from({ length: Math.max(0, last - from + 1) }, (_, n) => {
        const place = { cluster, kind: KEPT_KIND, number: from + n };
        return { cluster, number: from + n, field: windowField(windowPart(place)) };
      });
    });
  }

  async #fields(key: string, fields: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#asking.ask('read', () => this.#connection.hmgetBuffer(key, ...fields));
  }
}

/** Where a source stands, all of one moment. */
interface Standing {
  /** How many commits there were, and how many of them are summed up. */
  readonly revision: number;
  readonly folded: number;
  readonly watermarks: ReadonlyMap<string, number>;
}

interface Place {
  readonly source: string;
  readonly key: string;
  readonly firstOf: FirstWindow;
}

interface WindowField {
  readonly cluster: string;
  readonly number: number;
  readonly field: string;
}

function lookOf(
  { source }: Place,
  { watermarks }: Standing,
  how: Pick<SourceLook, 'hasMoved' | 'isWhole'>,
): SourceLook {
  return { source, watermarks, ...how, activity: new Map() };
}

/**
 * Adds windows as a source keeps them: what a commit had no room for stands in the journal, and counts before the field.
 * @param values - of the journal, and of the windows' fields
 */
function addWindows(
  activity: Map<string, ActivityState>,
  windows: readonly WindowField[],
  [journal, ...values]: readonly (Buffer | null)[],
): void {
  const journalled = new Map(readJournal(journal ?? Buffer.alloc(0)));
  for (const [at, { field, cluster, number }] of windows.entries()) {
    const value = journalled.get(field) ?? values[at];
    if (!value || value.length === 0) continue;
    unpack(stateIn(activity, cluster), { kind: KEPT_KIND, number }, value.toString());
  }
}
