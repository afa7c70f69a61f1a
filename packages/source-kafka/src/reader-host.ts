import type { Partition, PartitionHandler } from '@leastwise/source';
import type { BatchLimits } from './sub-batches.ts';

/** The first offset that a partition has, and the one after its last. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** What a {@link PartitionReader} needs of the consumer that it belongs to. */
export interface ReaderHost {
  readonly handler: PartitionHandler;
  readonly limits: BatchLimits;
  /** Reads on at `offset`, and lets answers come in. */
  start(partition: Partition, offset: number): void;
  /** Lets no further answers come in. */
  pause(partition: Partition): void;
  resume(partition: Partition): void;
  /** `isFresh`: asked for now, not a moment ago. */
  bounds(partition: Partition, isFresh: boolean): Promise<Bounds>;
  /** @throws RevokedError where the partition went to another worker */
  heartbeat(): Promise<void>;
  /** Whether so much is read ahead already, in all partitions together, that one with some should wait. */
  isFull(): boolean;
  /** Counts what is read ahead. */
  hold(bytes: number): void;
  /** Told of a partition that cannot be read on. */
  stopped(partition: Partition, reason: string): void;
  log(level: 'warn' | 'info', message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What a handler learns by `alive` when its partition went to another worker. */
export class RevokedError extends Error {
  override readonly name = 'RevokedError';
  readonly code = 'LW_REVOKED';
}
