import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SharedStore, StoreHooks } from './partitions-conformance-store.ts';
import type { OutgoingRecord, Partition, PartitionedLog } from './partitions.ts';

/** A log under test, all of it for one check. */
export interface LogUnderTest extends AsyncDisposable {
  /** A topic that is there, empty, with three partitions. */
  readonly topic: string;
  /** One more worker of the group. */
  openWorker(): Promise<PartitionedLog>;
  /** Retention: the records before `before` are gone. */
  truncate(partition: Partition, before: number): Promise<void>;
  /** Deletes the topic and makes it again, empty. */
  recreate(): Promise<void>;
}

const WAIT_MS = 30_000;
/** The partitions of the topic. */
export const PARTITIONS = [0, 1, 2] as const;

/** A record that tells its number. */
export function record(i: number): OutgoingRecord {
  return {
    key: `key-${String(i % 17)}`,
    value: `value ${String(i)}`,
    headers: { number: String(i), empty: '' },
    timestampMs: 1_700_000_000_000 + i,
  };
}

/** Some records in a row. */
export function recordsFrom(first: number, count: number): readonly OutgoingRecord[] {
  return Array.from({ length: count }, (_, i) => record(first + i));
}

/** A worker that runs in the background. */
export class Running {
  readonly log: PartitionedLog;
  readonly #abort = new AbortController();
  readonly #run: Promise<void>;
  #error: Error | undefined;

  constructor(log: PartitionedLog, store: SharedStore, worker: string, hooks?: StoreHooks) {
    this.log = log;
    this.#run = log.run(store.handler(worker, hooks), this.#abort.signal).catch((error: unknown) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** Waits until `isDone`, and fails as soon as the worker does. */
  async until(what: string, isDone: () => boolean): Promise<void> {
    const end = Date.now() + WAIT_MS;
    while (!isDone()) {
      if (this.#error !== undefined) throw this.#error;
      assert.ok(Date.now() < end, `not within ${String(WAIT_MS)} ms: ${what}`);
      await sleep(5);
    }
  }

  /** Waits until it has failed by itself. */
  async failure(): Promise<unknown> {
    await this.#run;
    assert.ok(this.#error !== undefined, 'the worker ended without an error');
    return this.#error;
  }

  /** Aborts it and waits for its end, which is to be a good one. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#run;
    if (this.#error !== undefined) throw this.#error;
  }

  /** Aborts it without waiting. */
  abort(): void {
    this.#abort.abort();
  }
}

/** Opens a log, and closes it with all its workers whatever happens. */
export async function withLog(
  open: () => Promise<LogUnderTest>,
  use: (
    log: LogUnderTest,
    start: (store: SharedStore, worker: string, hooks?: StoreHooks) => Promise<Running>,
  ) => Promise<void>,
): Promise<void> {
  const log = await open();
  const workers: PartitionedLog[] = [];
  try {
    await use(log, async (store, worker, hooks) => {
      const opened = await log.openWorker();
      workers.push(opened);
      return new Running(opened, store, worker, hooks);
    });
  } finally {
    await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
    await log[Symbol.asyncDispose]();
  }
}

/** Appends by a worker that does not read. */
export async function append(log: LogUnderTest, records: readonly OutgoingRecord[]): Promise<void> {
  const worker = await log.openWorker();
  try {
    await worker.writer.append(log.topic, records);
  } finally {
    await worker[Symbol.asyncDispose]();
  }
}

/** The numbers of the records that are stored, sorted. */
function numbers(store: SharedStore): readonly number[] {
  return [...store.partitions.values()]
    .flatMap(({ records }) => records.map(({ headers }) => Number(Buffer.from(headers.get('number') ?? []))))
    .sort((a, b) => a - b);
}

/** Every record is stored once, and in order. */
export function assertAll(store: SharedStore, count: number): void {
  assert.deepEqual(
    numbers(store),
    Array.from({ length: count }, (_, i) => i),
  );
  for (const { records } of store.partitions.values()) {
    for (const [i, { offset }] of records.entries()) {
      assert.ok(i === 0 || offset > (records[i - 1]?.offset ?? 0), 'records are stored out of order');
    }
  }
}

/** Everything that was claimed was given back, and nothing was done to it afterwards. */
export function assertReleased(store: SharedStore): void {
  const claimed = new Set<string>();
  for (const call of store.calls) {
    const [, what, partition = ''] = call.split(' ');
    if (what === 'claim') claimed.add(partition);
    else if (what === 'release') claimed.delete(partition);
    else assert.ok(claimed.has(partition), `${call} without a claim`);
  }
  assert.deepEqual([...claimed], []);
}
