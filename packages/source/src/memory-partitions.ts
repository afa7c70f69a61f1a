import { MemoryPartitionReader } from './memory-partition-reader.ts';
import type { MemoryPartition } from './memory-partition-reader.ts';
import { LogError, partitionName } from './partitions.ts';
import type {
  LogRecord,
  LogWriter,
  OutgoingRecord,
  Partition,
  PartitionedLog,
  PartitionHandler,
} from './partitions.ts';

/** How a {@link MemoryLog} behaves. */
export interface MemoryLogOptions {
  /** How many records the next batch of any partition has at most; 100 always, where left out. */
  readonly batchRecords?: () => number;
  /** Milliseconds since the epoch for records without a time; 0 where left out. */
  readonly now?: () => number;
}

/** A log in memory with a group of workers, and what can befall them. */
export interface MemoryLog {
  /** @throws RangeError where the topic is there already */
  createTopic(topic: string, partitions: number): void;
  /** Deletes the topic and makes it again, empty. Workers that were further than its end fail. */
  recreateTopic(topic: string, partitions: number): void;
  /** Adds partitions, which the workers share at once. */
  growTopic(topic: string, partitions: number): void;
  /** Retention: the records before `before` are gone. */
  truncate(partition: Partition, before: number): void;
  /** Leaves out some offsets, as control records and compaction do. */
  leaveHole(partition: Partition, offsets: number): void;
  /** A worker; it has partitions while it runs. */
  openWorker(topics: readonly string[]): PartitionedLog;
  /**
   * Takes all partitions from all workers and deals them out anew, to others where there are any. Whoever is within a
   * batch learns of it by `alive` alone, while the next owner claims already.
   */
  rebalance(): void;
  readonly writer: LogWriter;
}

interface Member {
  readonly topics: readonly string[];
  readonly handler: PartitionHandler;
  readonly fail: (error: unknown) => void;
  readonly readers: Map<string, MemoryPartitionReader>;
  /** Of each partition the last reader that this worker had. */
  readonly last: Map<string, Promise<void>>;
}

/** The embedded twin of every {@link PartitionedLog}. Rebalances whenever a worker begins or ends. */
export function createMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
  return new MemoryGroup(options);
}

class MemoryGroup implements MemoryLog {
  readonly writer: LogWriter = { append: (topic, records) => this.#append(topic, records) };
  readonly #options: MemoryLogOptions;
  readonly #topics = new Map<string, MemoryPartition[]>();
  readonly #members: Member[] = [];
  #change = deferred();
  #generation = 0;
  #unkeyed = 0;

  constructor(options: MemoryLogOptions) {
    this.#options = options;
  }

  createTopic(topic: string, partitions: number): void {
    if (this.#topics.has(topic)) throw new RangeError(`${topic} is there already`);
    this.recreateTopic(topic, partitions);
  }

  recreateTopic(topic: string, partitions: number): void {
    this.#topics.set(topic, Array.from({ length: partitions }, emptyPartition));
    this.rebalance();
  }

  growTopic(topic: string, partitions: number): void {
    const existing = this.#topics.get(topic) ?? [];
    while (existing.length < partitions) existing.push(emptyPartition());
    this.rebalance();
  }

  truncate(partition: Partition, before: number): void {
    const content = this.#content(partition);
    content.low = Math.min(Math.max(content.low, before), content.end);
    content.records = content.records.filter(({ offset }) => offset >= content.low);
    this.#tell();
  }

  leaveHole(partition: Partition, offsets: number): void {
    this.#content(partition).end += offsets;
    this.#tell();
  }

  openWorker(topics: readonly string[]): PartitionedLog {
    const closing = new AbortController();
    const runs = new Set<Promise<void>>();
    let member: Member | undefined;
    return {
      writer: this.writer,
      run: async (handler, signal) => {
        if (member !== undefined) throw new Error('the log is being read already');
        const failure = deferred();
        member = { topics, handler, fail: failure.reject, readers: new Map(), last: new Map() };
        const run = this.#run(member, failure.promise, AbortSignal.any([signal, closing.signal]));
        runs.add(run);
        try {
          await run;
        } finally {
          runs.delete(run);
          member = undefined;
        }
      },
      progress: () => [...(member?.readers.values() ?? [])].flatMap((reader) => reader.progress() ?? []),
      async [Symbol.asyncDispose]() {
        closing.abort();
        await Promise.allSettled(runs);
      },
    };
  }

  rebalance(): void {
    this.#generation += 1;
    for (const { readers } of this.#members) {
      for (const reader of readers.values()) reader.revoke();
      readers.clear();
    }
    this.#tell();
    let turn = this.#generation;
    for (const [topic, partitions] of this.#topics) {
      const members = this.#members.filter(({ topics }) => topics.includes(topic));
      for (const partition of partitions.keys()) {
        const member = members[turn % members.length];
        turn += 1;
        if (member !== undefined) this.#give(member, { topic, partition });
      }
    }
  }

  async #run(member: Member, failed: Promise<void>, signal: AbortSignal): Promise<void> {
    const missing = member.topics.filter((topic) => !this.#topics.has(topic));
    if (missing.length > 0) throw new LogError('refused', `no such topic: ${missing.join(', ')}`);
    if (signal.aborted) return;
    const aborted = deferred();
    signal.addEventListener('abort', aborted.resolve);
    this.#members.push(member);
    this.rebalance();
    try {
      await Promise.race([failed, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', aborted.resolve);
      for (const reader of member.readers.values()) reader.finish();
      this.#members.splice(this.#members.indexOf(member), 1);
      this.#tell();
      await Promise.allSettled(member.last.values());
      this.rebalance();
    }
  }

  #give(member: Member, partition: Partition): void {
    const name = partitionName(partition);
    const reader = new MemoryPartitionReader(
      {
        partition,
        handler: member.handler,
        content: () => this.#content(partition),
        batchRecords: this.#options.batchRecords ?? (() => 100),
        changed: () => this.#change.promise,
      },
      member.last.get(name),
    );
    member.readers.set(name, reader);
    member.last.set(name, reader.ended);
    reader.ended.catch(member.fail);
  }

  #content({ topic, partition }: Partition): MemoryPartition {
    // A topic that was made anew may have fewer.
    return this.#topics.get(topic)?.[partition] ?? emptyPartition();
  }

  async #append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) throw new LogError('refused', `no such topic: ${topic}`);
    await Promise.resolve();
    for (const record of records) {
      const content = partitions[this.#partitionOf(record, partitions.length)] ?? emptyPartition();
      content.records.push(toRecord(record, content.end, this.#options.now?.() ?? 0));
      content.end += 1;
    }
    this.#tell();
  }

  #partitionOf({ key }: OutgoingRecord, partitions: number): number {
    this.#unkeyed += 1;
    if (key === null) return this.#unkeyed % partitions;
    let hash = 7;
    for (const byte of Buffer.from(key)) hash = (hash * 31 + byte) % 1_000_003;
    return hash % partitions;
  }

  #tell(): void {
    const before = this.#change;
    this.#change = deferred();
    before.resolve();
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function deferred(): Deferred {
  let settle: Omit<Deferred, 'promise'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => undefined);
  return { promise, resolve: () => settle?.resolve(), reject: (error) => settle?.reject(error) };
}

function emptyPartition(): MemoryPartition {
  return { low: 0, end: 0, records: [] };
}

function toRecord(
  { key, value, headers, timestampMs }: OutgoingRecord,
  offset: number,
  now: number,
): LogRecord {
  return {
    offset,
    timestampMs: timestampMs ?? now,
    key: toBytes(key),
    value: toBytes(value),
    headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  };
}

function toBytes(value: Uint8Array | string | null): Uint8Array | null {
  return value === null ? null : Buffer.from(value);
}
