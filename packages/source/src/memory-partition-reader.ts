import { LogError, partitionName } from './partitions.ts';
import type {
  BatchOutcome,
  LogBatch,
  LogRecord,
  Partition,
  PartitionHandler,
  PartitionProgress,
} from './partitions.ts';

/** A partition in memory. Offsets below `low` are gone, those from `end` on are not there yet. */
export interface MemoryPartition {
  low: number;
  end: number;
  /** Ascending, from `low` on, perhaps with holes. */
  records: LogRecord[];
}

/** What a reader reads, and how. */
export interface MemoryReaderInput {
  readonly partition: Partition;
  readonly handler: PartitionHandler;
  /** Of the partition as it is now: it may have been made anew. */
  readonly content: () => MemoryPartition;
  /** How many records the next batch has at most. */
  readonly batchRecords: () => number;
  /** Settles when something changed that may concern this reader. */
  readonly changed: () => Promise<void>;
}

/** A partition for as long as one worker has it. */
export class MemoryPartitionReader {
  /** @throws LogError */
  readonly ended: Promise<void>;
  readonly #input: MemoryReaderInput;
  #isOver = false;
  #isRevoked = false;
  /** Up to where everything is stored. */
  #position: number | undefined;
  #hasGathered = false;

  constructor(input: MemoryReaderInput, previous: Promise<void> | undefined) {
    this.#input = input;
    this.ended = this.#live(previous);
    this.ended.catch(() => undefined);
  }

  /** Lets the running batch end, and takes no other. Takes effect with the next change. */
  finish(): void {
    this.#isOver = true;
  }

  /** The partition is another's. */
  revoke(): void {
    this.#isOver = true;
    this.#isRevoked = true;
  }

  /** Where it is; undefined before it was claimed. */
  progress(): PartitionProgress | undefined {
    if (this.#position === undefined) return undefined;
    return { partition: this.#input.partition, position: this.#position, end: this.#input.content().end };
  }

  #hasEnded(): boolean {
    return this.#isOver;
  }

  async #live(previous: Promise<void> | undefined): Promise<void> {
    await previous?.catch(() => undefined);
    if (this.#hasEnded()) return;
    const { handler, partition } = this.#input;
    try {
      while (!this.#hasEnded()) {
        this.#hasGathered = false;
        const claimed = await this.#asked(() => handler.claim(partition));
        await this.#readFrom(claimed ?? this.#input.content().low);
        // Others are to have a turn where a handler answers `moved` time and again.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (!this.#isRevoked) await this.#settle();
    } catch (error) {
      if (!this.#isRevoked) throw error;
    } finally {
      this.#position = undefined;
      await this.#asked(() => handler.release(partition));
    }
  }

  /** Returns where the partition is to be claimed again, or given up. */
  async #readFrom(position: number): Promise<void> {
    let at = position;
    while (!this.#isOver) {
      // Asked for before the content is looked at: what comes while something is being stored is not to be missed.
      const changed = this.#input.changed();
      const { low, end } = this.#input.content();
      if (!this.#hasGathered) this.#position = at;
      let outcome: BatchOutcome;
      let next = at;
      if (at > end) throw this.#recreated(at, end);
      if (at < low) {
        const from = at;
        next = low;
        outcome = await this.#asked(() => this.#input.handler.lost(this.#input.partition, from, low));
      } else if (at < end) {
        const batch = this.#batchAt(at);
        next = batch.to;
        outcome = await this.#asked(() => this.#input.handler.take(batch, () => this.#alive()));
      } else {
        outcome = await this.#settle();
        if (outcome === 'stored') await changed;
      }
      if (outcome === 'moved') return;
      at = next;
      this.#hasGathered = outcome === 'gathered';
      if (!this.#isRevoked && !this.#hasGathered) this.#position = at;
    }
  }

  /** Has everything stored that was only gathered. */
  async #settle(): Promise<BatchOutcome> {
    const { handler, partition } = this.#input;
    const outcome = this.#hasGathered ? await this.#asked(async () => handler.settle?.(partition)) : 'stored';
    this.#hasGathered = false;
    return outcome ?? 'stored';
  }

  #batchAt(from: number): LogBatch {
    const { records, end } = this.#input.content();
    const count = Math.max(1, this.#input.batchRecords());
    const first = records.findIndex(({ offset }) => offset >= from);
    const taken = first < 0 ? [] : records.slice(first, first + count);
    const isLast = first < 0 || first + count >= records.length;
    const to = isLast ? end : (taken.at(-1)?.offset ?? from) + 1;
    return { partition: this.#input.partition, from, records: taken, to, end };
  }

  async #alive(): Promise<void> {
    await Promise.resolve();
    if (this.#isRevoked) throw new Error(`${partitionName(this.#input.partition)} is not ours any more`);
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      if (cause instanceof LogError) throw cause;
      throw new LogError('handler', `the handler failed at ${partitionName(this.#input.partition)}`, {
        cause,
      });
    }
  }

  #recreated(at: number, end: number): LogError {
    const name = partitionName(this.#input.partition);
    return new LogError('recreated', `${name} was read up to ${at}, but it ends at ${end}`);
  }
}
