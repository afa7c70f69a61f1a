import assert from 'node:assert/strict';
import { partitionName } from './partitions.ts';
import type { LogBatch, LogRecord, Partition, PartitionHandler } from './partitions.ts';

/** What became of one partition. */
export interface StoredPartition {
  position: number | undefined;
  /** Which worker claimed it last. */
  owner: string;
  readonly records: LogRecord[];
  /** Ranges that were reported as lost. */
  readonly lost: (readonly [number, number])[];
}

/** How a handler of the checks behaves beyond storing. */
export interface StoreHooks {
  /** Runs within every `take`, before anything is stored. */
  readonly onTake?: (batch: LogBatch, alive: () => Promise<void>) => Promise<void>;
  /** Answers `moved` once where it says so, though nothing has moved. */
  readonly pretendMoved?: (partition: Partition) => boolean;
  /** How many batches are stored together; each by itself where it is left out. */
  readonly gather?: number;
}

/** What a worker has taken of a partition and not stored yet. */
interface Gathered {
  readonly records: LogRecord[];
  batches: number;
  to: number;
}

interface WorkerMemory {
  readonly worker: string;
  readonly hooks: StoreHooks;
  /** Where each partition is expected to go on. */
  readonly expected: Map<string, number | undefined>;
  readonly gathered: Map<string, Gathered>;
}

/**
 * A state that several workers share, as a real one is: whoever claims a partition owns it, and what another worker
 * wants to write to it is refused. It holds the log to its promises on the way.
 */
export class SharedStore {
  readonly partitions = new Map<string, StoredPartition>();
  /** What was called, as `worker what partition`. */
  readonly calls: string[] = [];

  /** What is stored of a partition. */
  of(partition: Partition): StoredPartition {
    const name = partitionName(partition);
    const stored = this.partitions.get(name) ?? { position: undefined, owner: '', records: [], lost: [] };
    this.partitions.set(name, stored);
    return stored;
  }

  /** How many records are stored. */
  count(): number {
    return [...this.partitions.values()].reduce((sum, { records }) => sum + records.length, 0);
  }

  #store(
    { worker, hooks, expected, gathered }: WorkerMemory,
    partition: Partition,
    to: number,
    apply: (stored: StoredPartition) => void = () => undefined,
  ): 'stored' | 'moved' {
    const name = partitionName(partition);
    const stored = this.of(partition);
    const { records = [] } = gathered.get(name) ?? {};
    gathered.delete(name);
    if (hooks.pretendMoved?.(partition) === true || stored.owner !== worker) return 'moved';
    stored.records.push(...records);
    apply(stored);
    stored.position = to;
    expected.set(name, to);
    return 'stored';
  }

  #gather(memory: WorkerMemory, { partition, records, to }: LogBatch): 'stored' | 'gathered' | 'moved' {
    const name = partitionName(partition);
    const all = memory.gathered.get(name) ?? { records: [], batches: 0, to };
    memory.gathered.set(name, all);
    all.records.push(...records.map(copy));
    all.batches += 1;
    all.to = to;
    memory.expected.set(name, to);
    return all.batches < (memory.hooks.gather ?? 1) ? 'gathered' : this.#store(memory, partition, to);
  }

  /** The handler of one worker. */
  handler(worker: string, hooks: StoreHooks = {}): PartitionHandler {
    const busy = new Set<string>();
    const owned = new Set<string>();
    const memory: WorkerMemory = { worker, hooks, expected: new Map(), gathered: new Map() };
    const { expected, gathered } = memory;

    const alone = async <T>(what: string, partition: Partition, work: () => Promise<T>): Promise<T> => {
      const name = partitionName(partition);
      this.calls.push(`${worker} ${what} ${name}`);
      assert.ok(!busy.has(name), `${what} while another call for ${name} is running`);
      busy.add(name);
      try {
        return await work();
      } finally {
        busy.delete(name);
      }
    };

    return {
      claim: (partition) =>
        alone('claim', partition, async () => {
          await Promise.resolve();
          const stored = this.of(partition);
          stored.owner = worker;
          owned.add(partitionName(partition));
          gathered.delete(partitionName(partition));
          expected.set(partitionName(partition), stored.position);
          return stored.position;
        }),
      take: (batch, alive) =>
        alone('take', batch.partition, async () => {
          const name = partitionName(batch.partition);
          assert.ok(owned.has(name), `take of ${name}, which is not claimed`);
          checkBatch(batch, expected.get(name));
          await hooks.onTake?.(batch, alive);
          return this.#gather(memory, batch);
        }),
      settle: (partition) =>
        alone('settle', partition, async () => {
          const name = partitionName(partition);
          assert.ok(owned.has(name), `settle of ${name}, which is not claimed`);
          const { to } = gathered.get(name) ?? {};
          assert.ok(to !== undefined, 'nothing was gathered');
          return this.#store(memory, partition, to);
        }),
      lost: (partition, from, to) =>
        alone('lost', partition, async () => {
          assert.ok(owned.has(partitionName(partition)));
          assert.ok(from < to, 'nothing is lost');
          return this.#store(memory, partition, to, (stored) => stored.lost.push([from, to]));
        }),
      release: (partition) =>
        alone('release', partition, async () => {
          assert.ok(owned.delete(partitionName(partition)), 'released what was not claimed');
        }),
    };
  }
}

function checkBatch({ from, records, to, end }: LogBatch, expected: number | undefined): void {
  if (expected !== undefined) assert.equal(from, expected, 'a batch does not go on where the last one ended');
  assert.ok(to > from, 'a batch that goes nowhere');
  assert.ok(end >= to, 'a batch beyond the end');
  let before = from - 1;
  for (const { offset } of records) {
    assert.ok(offset > before && offset < to, `offset ${String(offset)} is out of order`);
    before = offset;
  }
}

/** The bytes are the log's own until the call returns. */
function copy(record: LogRecord): LogRecord {
  return {
    ...record,
    key: record.key === null ? null : Buffer.from(record.key),
    value: record.value === null ? null : Buffer.from(record.value),
  };
}
