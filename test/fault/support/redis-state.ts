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

/** Fields that are no lists: version, token, claims, identity key, hours, position, watermarks, numbers, journal. */
const META = new Set('vtekhownj');
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
    for (const [field, value] of fields) {
      // What is empty is not there, and what is remembered of identities is told by the counts.
      if (value.length > 0 && !field.startsWith('["f"')) addField(known, field, list(value));
    }
  }
  return known;
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

function addField(known: Known, field: string, value: readonly unknown[]): void {
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
    case 'w':
      // Still open: an hour is what its twelve windows hold, and has no cells of its own.
      if (rest[0] !== '5m') throw new Error(`unexpected in the state: ${field}`);
      addWindow(known, windowKey(cluster, rest), numbersOf(value, 0));
      addWindow(
        known,
        windowKey(cluster, ['1h', String(Math.floor(Number(rest[1]) / 12))]),
        numbersOf(value, 0),
      );
      break;
    case 'W':
      // Closed: the name of a cell, then its numbers, then the next one.
      for (let at = 0; at < value.length; at += 4) {
        addWindow(known, windowKey(cluster, rest), numbersOf(value, at + 1));
      }
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
