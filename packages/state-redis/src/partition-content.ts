import type { ActivityRetention } from '@leastwise/activity';
import { type ClusterState, mergeCluster } from '@leastwise/rbac';
import { Fields, Malformed, StateError, type Tally } from '@leastwise/state';

import { ClustersReader } from './clusters-reader.ts';
import { horizonUs, withoutOld } from './expiry.ts';
import { LAYOUT_VERSION, META } from './field-names.ts';
import { PartitionDays } from './partition-days.ts';
import { PartitionWindows, readWindowPlace } from './partition-windows.ts';
import { readJournal } from './journal.ts';
import { Remembered, type SetName } from './remembered.ts';
import { readSegment } from './segment.ts';
import { Unfolded } from './unfolded.ts';

/** How far back a state reaches, measured from its clusters' watermarks. */
export interface Horizons {
  /** For how many hours a request can be told from its copies. */
  readonly dedupeHours: number;
  /** For how many days evidence is kept. */
  readonly keepDays: number;
  /** How long windows are kept. */
  readonly activityRetention: ActivityRetention;
}

/** Everything that Redis keeps of a partition. */
export interface PartitionContent {
  readonly position: string;
  /** How many commits there were. */
  readonly revision: number;
  /** As {@link Horizons.dedupeHours}, or less where it ever was less: what was forgotten then is not known any more. */
  readonly dedupeHours: number;
  readonly watermarks: Map<string, number>;
  readonly tally: Tally;
  /** Requests without an outcome in hours that were forgotten. */
  readonly forgottenReceived: number;
  /** What the fields say. */
  readonly clusters: Map<string, ClusterState>;
  /** What segments add to that. */
  readonly unfolded: Unfolded;
  readonly remembered: Remembered;
  /** Segments included. */
  readonly windows: PartitionWindows;
  /** Segments included. */
  readonly days: PartitionDays;
  /** Fields whose values are newer in the journal. */
  readonly journalled: Map<string, Buffer>;
  readonly hasJournal: boolean;
  /** Fields that mean nothing any more. */
  readonly garbage: Set<string>;
}

/** The clusters of everything that stands in a partition. It takes what it is given apart. */
export function wholeClusters({ clusters, unfolded }: PartitionContent): Map<string, ClusterState> {
  for (const [name, state] of unfolded.clusters) {
    const known = clusters.get(name);
    if (known) mergeCluster(known, state, { ownership: 'take' });
    else clusters.set(name, state);
  }
  return clusters;
}

/** The numbers of a partition: what `n` holds. */
export interface Numbers extends Tally {
  readonly forgottenReceived: number;
  /** In hours that are remembered. */
  readonly onlyReceived: number;
}

/** The inverse of {@link readNumbers}. */
export function encodeNumbers({ late, lost, forgottenReceived, onlyReceived }: Numbers): string {
  return JSON.stringify([late, lost, forgottenReceived, onlyReceived]);
}

/** @throws Malformed */
export function readNumbers(text: string | undefined): Numbers {
  if (text === undefined) return { late: 0, lost: 0, forgottenReceived: 0, onlyReceived: 0 };
  const fields = Fields.parse(text);
  return {
    late: fields.integer(0),
    lost: fields.integer(0),
    forgottenReceived: fields.integer(0),
    onlyReceived: fields.integer(0),
  };
}

/** The inverse of how watermarks are read: a list of pairs. */
export function encodeWatermarks(watermarks: ReadonlyMap<string, number>): string {
  return JSON.stringify([...watermarks]);
}

/** By cluster, the newest time received; of nothing where the field is not there. @throws Malformed */
export function readWatermarks(text: string | undefined): Map<string, number> {
  const watermarks = new Map<string, number>();
  if (text === undefined) return watermarks;
  const pairs = Fields.parse(text);
  while (pairs.more()) {
    const pair = pairs.list();
    watermarks.set(pair.string(), pair.integer());
    pair.end();
  }
  return watermarks;
}

/** A segment, as it stands there. */
interface RawSegment {
  readonly field: string;
  readonly revision: number;
  readonly bytes: Buffer;
}

class PartitionReader {
  readonly #clusters = new ClustersReader();
  readonly #remembered: Remembered;
  readonly #watermarks: ReadonlyMap<string, number>;
  readonly #windows: PartitionWindows;
  readonly #days: PartitionDays;
  readonly #folded: number;
  readonly garbage = new Set<string>();
  /** Those that are not folded in. */
  readonly segments: RawSegment[] = [];

  constructor(
    into: {
      readonly remembered: Remembered;
      readonly windows: PartitionWindows;
      readonly days: PartitionDays;
    },
    at: { readonly watermarks: ReadonlyMap<string, number>; readonly folded: number },
  ) {
    this.#remembered = into.remembered;
    this.#windows = into.windows;
    this.#days = into.days;
    this.#watermarks = at.watermarks;
    this.#folded = at.folded;
  }

  field(field: string, value: Buffer): void {
    if (value.length === 0) {
      this.garbage.add(field);
      return;
    }
    const name = Fields.parse(field);
    const kind = name.string();
    if (kind === 'f') this.#identities(field, name, value);
    else if (kind === 'b') this.#segment(field, name.integer(0), value);
    else if (kind === 'W') this.#windows.loadWindow(readWindowPlace(name), value.toString());
    else if (kind === 'w') this.#windowCell(name, Fields.parse(value.toString()));
    else if (kind === 'D') this.#days.load('day', name, { field, text: value.toString() });
    else if (kind === 'A') this.#days.load('actor', name, { field, text: value.toString() });
    else if (kind === 'T') this.#days.load('traces', name, { field, text: value.toString() });
    else if (kind === 'M') this.#days.load('matches', name, { field, text: value.toString() });
    else if (kind === 'K') this.#days.load('keys', name, { field, text: value.toString() });
    else this.#state(kind, name, Fields.parse(value.toString()));
    name.end();
  }

  #identities(field: string, name: Fields, bytes: Buffer): void {
    const set = setName(name.string());
    const bucket = { cluster: name.string(), hour: name.integer() };
    const piece = name.integer(0);
    if (this.#remembered.isRemembered(bucket.hour, this.#watermarks.get(bucket.cluster))) {
      this.#remembered.load(set, bucket, piece, bytes);
    } else {
      this.garbage.add(field);
    }
  }

  #windowCell(name: Fields, value: Fields): void {
    this.#windows.loadCell(readWindowPlace(name), name.string(), value);
    value.end();
  }

  #segment(field: string, revision: number, bytes: Buffer): void {
    if (revision > this.#folded) this.segments.push({ field, revision, bytes });
    else this.garbage.add(field);
  }

  #state(kind: string, name: Fields, value: Fields): void {
    switch (kind) {
      case 'c':
        this.#clusters.readCluster(name, value);
        break;
      case 'n':
        this.#clusters.readNamespace(name, value);
        break;
      case 's':
        this.#clusters.readSubject(name, value);
        break;
      case 'oa':
      case 'od':
        this.#clusters.readOverflow(kind === 'oa' ? 'allowed' : 'denied', name, value);
        break;
      case 'a':
      case 'd':
        this.#clusters.readCell(kind === 'a' ? 'allowed' : 'denied', name, value);
        break;
      default:
        throw new Malformed('a field of an unknown kind');
    }
    value.end();
  }

  end(keepDays: number, progress: Progress): Map<string, ClusterState> {
    this.#remembered.loaded();
    this.#windows.loaded({
      gone: (field) => this.garbage.add(field),
      reading: (field) => {
        progress.reading(field);
      },
    });
    return this.#clusters.end((cluster) =>
      withoutOld(cluster, horizonUs(this.#watermarks.get(cluster.cluster), keepDays), (field) =>
        this.garbage.add(field),
      ),
    );
  }
}

function setName(text: string): SetName {
  if (text !== 'c' && text !== 'r' && text !== 'v') throw new Malformed('identities of an unknown kind');
  return text;
}

const META_FIELDS = new Set<string>(Object.values(META));

/** A whole number that is a field's value by itself. */
function readWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Malformed('a whole number is missing');
  return Number(text);
}

/** @throws Malformed where a newer version wrote it */
export function checkVersion(version: string | undefined): void {
  if (version === undefined || readWhole(version) <= LAYOUT_VERSION) return;
  throw new Malformed(`a state of version ${version}; this program reads versions up to ${LAYOUT_VERSION}`);
}

/** A whole number that is a field's value by itself; 0 where the field is not there. */
export function readCount(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,15}$/.test(text)) throw new Malformed('a whole number is missing');
  return Number(text);
}

/** What a hash holds, by what it is. */
interface RawPartition {
  readonly meta: ReadonlyMap<string, string>;
  readonly values: Map<string, Buffer>;
  readonly journal: Buffer;
}

function sortOut(reply: readonly Buffer[]): RawPartition {
  const meta = new Map<string, string>();
  const values = new Map<string, Buffer>();
  let journal: Buffer = NO_BYTES;
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const [field, value] = [reply[i]?.toString() ?? '', reply[i + 1] ?? NO_BYTES];
    if (field === META.journal) journal = value;
    else if (META_FIELDS.has(field)) meta.set(field, value.toString());
    else values.set(field, value);
  }
  return { meta, values, journal };
}

const NO_BYTES = Buffer.alloc(0);

/** Reads one thing after the other, and knows which one it is at. */
class Progress {
  at = 'its version';

  reading(what: string): void {
    this.at = what;
  }
}

function readRaw(raw: RawPartition, horizons: Horizons, progress: Progress): PartitionContent {
  const { meta, values, journal } = raw;
  checkVersion(meta.get(META.version));
  progress.reading('the journal');
  const journalled = new Map(readJournal(journal));
  for (const [field, value] of journalled) values.set(field, value);
  progress.reading('the watermarks');
  const watermarks = readWatermarks(meta.get(META.watermarks));
  progress.reading('the numbers');
  const { late, lost, forgottenReceived } = readNumbers(meta.get(META.numbers));
  progress.reading('the dedupe horizon');
  const hours = meta.get(META.dedupeHours);
  const dedupeHours = Math.min(horizons.dedupeHours, hours === undefined ? Infinity : readWhole(hours));
  progress.reading('the revision');
  const [revision, folded] = [readCount(meta.get(META.revision)), readCount(meta.get(META.folded))];
  const remembered = new Remembered(dedupeHours);
  const windows = new PartitionWindows({ dedupeHours, retention: horizons.activityRetention });
  const days = new PartitionDays(dedupeHours);
  const reader = new PartitionReader({ remembered, windows, days }, { watermarks, folded });
  for (const [field, value] of values) {
    progress.reading(field);
    reader.field(field, value);
  }
  const clusters = reader.end(horizons.keepDays, progress);
  const unfolded = new Unfolded();
  for (const { field, revision: at, bytes } of reader.segments) {
    progress.reading(field);
    const segment = readSegment(bytes);
    unfolded.add(at, segment.clusters, bytes.length);
    windows.add(segment.activity);
    days.add(segment.activity);
  }
  for (const [field, value] of journalled) {
    // What the journal says is gone may still stand in its field; what is too old need not be written there.
    if (value.length === 0) reader.garbage.delete(field);
    else if (reader.garbage.has(field)) journalled.delete(field);
  }
  return {
    position: meta.get(META.position) ?? '',
    revision,
    dedupeHours,
    watermarks,
    tally: { late, lost },
    forgottenReceived,
    clusters,
    unfolded,
    remembered,
    windows,
    days,
    journalled,
    hasJournal: journal.length > 0,
    garbage: reader.garbage,
  };
}

/**
 * Reads a partition.
 * @param reply - what HGETALL answered: field, value, field, value, …
 * @throws StateError where a newer version wrote it, or naming the field that is damaged
 */
export function readPartition(key: string, reply: readonly Buffer[], horizons: Horizons): PartitionContent {
  const progress = new Progress();
  try {
    return readRaw(sortOut(reply), horizons, progress);
  } catch (error) {
    if (!(error instanceof Malformed) && !(error instanceof RangeError)) throw error;
    throw new StateError(`${key}: ${progress.at.slice(0, 200)}: ${error.message}`, { cause: error });
  }
}
