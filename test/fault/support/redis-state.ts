import { Redis } from 'ioredis';

/** What is known of one cell: who did what to what, and with which outcome. */
export interface Cell {
  count: number;
  first: number;
  last: number;
  firstID: string;
  lastID: string;
  /** Days since the epoch, ascending. */
  days: readonly number[];
}

/** Everything that is known, by names that are lists in JSON. */
export interface Known {
  /** `[cluster, "a" or "d", kind, namespace, name, verb, group, resource, namespace, object]` */
  readonly cells: Map<string, Cell>;
  /** `[cluster, kind, namespace, name]` */
  readonly subjects: Set<string>;
  /** Newest time seen, newest time something was made in it. */
  readonly namespaces: Map<string, readonly [seen: number, live: number]>;
  /** Oldest and newest time of a cluster. */
  readonly spans: Map<string, readonly [first: number, last: number]>;
  /** `[cluster, kind, number]`: how many requests of whomever a window counts, the first and the last of them. */
  readonly windows: Map<string, readonly [count: number, first: number, last: number]>;
  late: number;
  lost: number;
  onlyReceived: number;
}

/** Nothing known yet. */
export function nothingKnown(): Known {
  return {
    cells: new Map(),
    subjects: new Set(),
    namespaces: new Map(),
    spans: new Map(),
    windows: new Map(),
    late: 0,
    lost: 0,
    onlyReceived: 0,
  };
}

/** The subject's name in the name of a cell or a subject. */
export function usernameIn(key: string): string {
  const parts = list(key);
  return String(parts[parts.length > 4 ? 4 : 3]);
}

/** Adds what is known of a cell; of two auditIDs at one time the smaller one stays. */
export function addCell({ cells }: Known, key: string, more: Cell): void {
  const known = cells.get(key);
  if (!known) {
    cells.set(key, { ...more });
    return;
  }
  known.count += more.count;
  if (more.first < known.first || (more.first === known.first && more.firstID < known.firstID)) {
    known.first = more.first;
    known.firstID = more.firstID;
  }
  if (more.last > known.last || (more.last === known.last && more.lastID < known.lastID)) {
    known.last = more.last;
    known.lastID = more.lastID;
  }
  known.days = [...new Set([...known.days, ...more.days])].sort((a, b) => a - b);
}

/** Adds the newest times of a namespace. */
export function addNamespace({ namespaces }: Known, key: string, seen: number, live: number): void {
  const [seenBefore, liveBefore] = namespaces.get(key) ?? [0, 0];
  namespaces.set(key, [Math.max(seen, seenBefore), Math.max(live, liveBefore)]);
}

/** Adds the ends of a cluster's time. */
export function addSpan({ spans }: Known, cluster: string, first: number, last: number): void {
  const [firstBefore, lastBefore] = spans.get(cluster) ?? [first, last];
  spans.set(cluster, [Math.min(first, firstBefore), Math.max(last, lastBefore)]);
}

/** Adds requests to a window. */
export function addWindow(
  { windows }: Known,
  key: string,
  [count, first, last]: readonly [number, number, number],
): void {
  const known = windows.get(key) ?? [0, first, last];
  windows.set(key, [known[0] + count, Math.min(known[1], first), Math.max(known[2], last)]);
}

/**
 * Fields that are no lists: version, token, claims, identity key, hours, position, watermarks, numbers, journal, revision,
 * up to where segments are folded in.
 */
const META = new Set('vtekhownjrg');
/** A Redis that was killed comes back, and a sentinel's master moves. */
const RETRIES = 100;

/** The raw hash of each partition, by `topic/partition`. */
export async function rawPartitions(url: string, prefix: string): Promise<Map<string, Map<string, Buffer>>> {
  const redis = new Redis(url, { maxRetriesPerRequest: RETRIES });
  redis.on('error', () => undefined);
  try {
    return await hashesOn(redis, prefix);
  } finally {
    redis.disconnect();
  }
}

/** As {@link rawPartitions}, on a connection that is there. */
export async function hashesOn(redis: Redis, prefix: string): Promise<Map<string, Map<string, Buffer>>> {
  const partitions = new Map<string, Map<string, Buffer>>();
  for (const key of await redis.keys(`${prefix}p:*`)) {
    const hash = new Map<string, Buffer>();
    const reply = (await redis.callBuffer('HGETALL', key)) as Buffer[];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      hash.set(String(reply[at]), reply[at + 1] ?? Buffer.alloc(0));
    }
    partitions.set(key.slice(prefix.length + 2), hash);
  }
  return partitions;
}

/** Every field of every hash, as one text. */
export function textOf(partitions: ReadonlyMap<string, ReadonlyMap<string, Buffer>>): string {
  const texts = [...partitions].map(([source, hash]) => [
    source,
    [...hash].map(([field, value]) => [field, value.toString('latin1')]).sort(),
  ]);
  return JSON.stringify(texts.sort());
}

/** The sum of what stands in the hashes of partitions. @throws Error for what should not be there */
export function decode(partitions: ReadonlyMap<string, ReadonlyMap<string, Buffer>>): Known {
  const known = nothingKnown();
  for (const hash of partitions.values()) {
    const numbers = list(hash.get('n') ?? Buffer.from('[0,0,0,0]')).map(Number);
    known.late += numbers[0] ?? 0;
    known.lost += numbers[1] ?? 0;
    known.onlyReceived += (numbers[2] ?? 0) + (numbers[3] ?? 0);
    const fields = new Map([...hash].filter(([field]) => !META.has(field)));
    for (const [field, value] of journal(hash.get('j') ?? Buffer.alloc(0))) fields.set(field, value);
    const folded = Number(hash.get('g') ?? 0);
    const windows: PartitionWindows = { cells: new Map(), hours: new Set() };
    for (const [field, value] of fields) {
      // What is empty is not there, and what is remembered of identities is told by the counts.
      if (value.length === 0 || field.startsWith('["f"')) continue;
      if (!field.startsWith('["b"')) addField({ known, windows }, field, list(value));
      else if (Number(list(field)[1]) > folded) addSegment({ known, windows }, list(value));
    }
    addWindows(known, windows);
  }
  dropOldWindows(known);
  return known;
}

/** The windows of one partition: by what they are, count, first, last; and which hours it has added up itself. */
interface PartitionWindows {
  readonly cells: Map<string, [count: number, first: number, last: number][]>;
  readonly hours: Set<string>;
}

interface Sink {
  readonly known: Known;
  readonly windows: PartitionWindows;
}

const FIVE_MINUTES_US = 300_000_000;

function noteWindow({ cells }: PartitionWindows, key: string, numbers: [number, number, number]): void {
  cells.set(key, [...(cells.get(key) ?? []), numbers]);
}

/** An hour is what its twelve windows hold, as long as nobody has added it up. */
function addWindows(known: Known, { cells, hours }: PartitionWindows): void {
  for (const [key, all] of cells) {
    const [cluster, kind, number] = list(key);
    const hour = windowKey(String(cluster), ['1h', String(Math.floor(Number(number) / 12))]);
    for (const numbers of all) {
      addWindow(known, key, numbers);
      if (kind === '5m' && !hours.has(hour)) addWindow(known, hour, numbers);
    }
  }
}

const HOUR_US = 3_600_000_000;
/** How long windows are, and how many of them are kept before the newest request of their cluster. */
const KEPT: Readonly<Record<string, readonly [us: number, kept: number]>> = {
  '5m': [HOUR_US / 12, 72],
  '1h': [HOUR_US, 72],
};

/** Leaves out the windows that are too old to be told. They may still stand in Redis. */
export function dropOldWindows({ windows, spans }: Known): void {
  for (const key of windows.keys()) {
    const [cluster, kind, number] = list(key);
    const [us, kept] = KEPT[String(kind)] ?? [1, 0];
    const newest = spans.get(String(cluster))?.[1] ?? 0;
    if (Number(number) <= Math.floor(newest / us) - kept) windows.delete(key);
  }
}

/** What a commit added: lists in lists, which have their order from the writer. */
function addSegment({ known, windows }: Sink, segment: readonly unknown[]): void {
  for (const state of lists(segment[0])) addCluster({ known, windows }, state);
  for (const [cluster, ...all] of lists(segment[1])) {
    for (const [number, other, ...subjects] of lists(all)) {
      if (lists([other])[0]?.length !== 0) throw new Error('more subjects than a window may have');
      const start = Number(number) * FIVE_MINUTES_US;
      const key = windowKey(String(cluster), ['5m', String(number)]);
      for (const cells of lists(subjects.filter((_, at) => at % 2 === 1))) {
        for (let at = 0; at < cells.length; at += 4) {
          const [count, first, last] = numbersOf(cells, at + 1);
          noteWindow(windows, key, [count, start + first, start + last]);
        }
      }
    }
  }
}

function addCluster(sink: Sink, [name, first, last, crowded, overflow, spaces, subjects]: unknown[]): void {
  const cluster = String(name);
  addField(sink, JSON.stringify(['c', cluster]), [first, last, crowded, overflow]);
  const namespaces = lists([spaces])[0] ?? [];
  for (let at = 0; at < namespaces.length; at += 4) {
    const field = JSON.stringify(['n', cluster, String(namespaces[at])]);
    addField(sink, field, namespaces.slice(at + 1, at + 4));
  }
  for (const [kind, namespace, subject, allowedMore, deniedMore, allowed, denied] of lists(subjects)) {
    const who = [cluster, kind, namespace, subject];
    addField(sink, JSON.stringify(['s', ...who]), [allowedMore, deniedMore]);
    for (const [code, rules] of [['a', allowed] as const, ['d', denied] as const]) {
      for (const [verb, group, resource, space, more, ...cells] of lists(rules)) {
        if (more !== null) throw new Error('more names than a rule may have');
        for (let at = 0; at < cells.length; at += 2) {
          const cell = JSON.stringify([code, ...who, verb, group, resource, space, cells[at]]);
          addField(sink, cell, lists([cells[at + 1]])[0] ?? []);
        }
      }
    }
  }
}

function lists(value: unknown): unknown[][] {
  return list(JSON.stringify(value)).map((each) => list(JSON.stringify(each)));
}

function list(text: Buffer | string): unknown[] {
  const value: unknown = JSON.parse(String(text));
  if (!Array.isArray(value)) throw new Error(`no list: ${String(text).slice(0, 100)}`);
  return value;
}

function* journal(bytes: Buffer): Generator<readonly [string, Buffer]> {
  for (let at = 0; at < bytes.length;) {
    const nameEnd = at + 4 + bytes.readUInt32LE(at);
    const valueEnd = nameEnd + 4 + bytes.readUInt32LE(nameEnd);
    yield [bytes.toString('utf8', at + 4, nameEnd), bytes.subarray(nameEnd + 4, valueEnd)];
    at = valueEnd;
  }
}

function addField({ known, windows }: Sink, field: string, value: readonly unknown[]): void {
  const [kind, cluster, ...rest] = list(field).map(String);
  switch (kind) {
    case 'c':
      addSpan(known, String(cluster), Number(value[0]), Number(value[1]));
      if (value[2] !== 0 || value[3] !== null) throw new Error(`more than a cluster may have: ${field}`);
      break;
    case 'n':
      addNamespace(known, JSON.stringify([cluster, ...rest]), Number(value[0]), Number(value[1]));
      break;
    case 's':
      known.subjects.add(JSON.stringify([cluster, ...rest]));
      if (value[0] !== null || value[1] !== null)
        throw new Error(`more rules than a subject may have: ${field}`);
      break;
    case 'a':
    case 'd':
      addCell(known, JSON.stringify([cluster, kind, ...rest]), cellOf(value));
      break;
    case 'W':
      if (rest[0] === '1h') windows.hours.add(windowKey(cluster, rest));
      // First what detections found, if they found anything; then the name of a cell, its numbers, and the next one.
      for (let at = Array.isArray(value[0]) ? 1 : 0; at < value.length; at += 4) {
        noteWindow(windows, windowKey(cluster, rest), numbersOf(value, at + 1));
      }
      break;
    // What reports are made of follows from the same events; tests of the stores hold it.
    case 'D':
    case 'A':
    case 'T':
    case 'M':
    case 'K':
      break;
    default:
      throw new Error(`unexpected in the state: ${field}`);
  }
}

function windowKey(cluster: string | undefined, [kind, number]: readonly string[]): string {
  return JSON.stringify([cluster, kind, Number(number)]);
}

function numbersOf(values: readonly unknown[], at: number): [number, number, number] {
  return [Number(values[at]), Number(values[at + 1]), Number(values[at + 2])];
}

function cellOf(value: readonly unknown[]): Cell {
  const [count, first, last] = numbersOf(value, 0);
  const ranges = list(JSON.stringify(value[5])).map(Number);
  const days: number[] = [];
  for (let at = 0; at < ranges.length; at += 2) {
    for (let i = 0; i < (ranges[at + 1] ?? 0); i += 1) days.push((ranges[at] ?? 0) + i);
  }
  return { count, first, last, firstID: String(value[3]), lastID: String(value[4]), days };
}

/** What differs, at most ten of it: nothing where both know the same. */
export function differences(got: Known, wanted: Known): string[] {
  const found: string[] = [];
  const compare = (what: string, a: unknown, b: unknown): void => {
    const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
    if (left !== right) found.push(`${what}: is ${left}, should be ${right}`);
  };
  const compareMaps = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): void => {
    for (const key of new Set([...a.keys(), ...b.keys()])) compare(key, a.get(key), b.get(key));
  };
  for (const number of ['late', 'lost', 'onlyReceived'] as const)
    compare(number, got[number], wanted[number]);
  compareMaps(got.cells, wanted.cells);
  compareMaps(got.namespaces, wanted.namespaces);
  compareMaps(got.spans, wanted.spans);
  compareMaps(got.windows, wanted.windows);
  compare('subjects', [...got.subjects].sort(), [...wanted.subjects].sort());
  const rest = found.length - 10;
  return rest > 0 ? [...found.slice(0, 10), `and ${rest} more`] : found;
}
