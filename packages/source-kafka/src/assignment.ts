import { partitionName } from '@leastwise/source';
import type { Partition } from '@leastwise/source';
import { PartitionReader } from './partition-reader.ts';
import type { ReaderHost } from './reader-host.ts';

/** The partitions that this worker has, through all generations of one session. */
export class Assignment {
  readonly #host: ReaderHost;
  readonly #onFailure: (error: unknown) => void;
  readonly #current = new Map<string, PartitionReader>();
  /** The last reader that each partition had, until it has ended: the next one waits for it. */
  readonly #last = new Map<string, PartitionReader>();

  constructor(host: ReaderHost, onFailure: (error: unknown) => void) {
    this.#host = host;
    this.#onFailure = onFailure;
  }

  /** Begins to read these partitions, each when whoever read it before has ended. */
  assign(partitions: readonly Partition[]): void {
    for (const partition of partitions) {
      const name = partitionName(partition);
      const reader = new PartitionReader(partition, this.#host, this.#last.get(name)?.ended);
      this.#current.set(name, reader);
      this.#last.set(name, reader);
      reader.ended.catch(this.#onFailure).finally(() => {
        if (this.#last.get(name) === reader) this.#last.delete(name);
      });
    }
  }

  /** All of them are somebody else's from now on. */
  revoke(): void {
    for (const reader of this.#current.values()) reader.revoke();
    this.#current.clear();
  }

  /** Lets running batches end. Resolves when every partition has been released. */
  async finish(): Promise<void> {
    for (const reader of this.#current.values()) reader.finish();
    await Promise.allSettled([...this.#last.values()].map(({ ended }) => ended));
  }

  get(partition: Partition): PartitionReader | undefined {
    return this.#current.get(partitionName(partition));
  }

  readers(): readonly PartitionReader[] {
    return [...this.#current.values()];
  }
}
