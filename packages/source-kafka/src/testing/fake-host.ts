import type { Partition, PartitionHandler } from '@leastwise/source';
import type { Bounds, ReaderHost } from '../reader-host.ts';

/** A consumer that only remembers what it was told. */
export interface FakeHost extends ReaderHost {
  readonly calls: string[];
  readonly bound: { low: number; high: number };
  isBusy: boolean;
  held: number;
  heartbeatError: Error | undefined;
}

/** A host of one partition with records from 0 up to 1000. */
export function createFakeHost(handler: PartitionHandler): FakeHost {
  const calls: string[] = [];
  return {
    handler,
    limits: { records: 10, bytes: 100_000 },
    calls,
    bound: { low: 0, high: 1000 },
    isBusy: false,
    held: 0,
    heartbeatError: undefined,
    start(_partition: Partition, offset: number) {
      calls.push(`start ${String(offset)}`);
    },
    pause() {
      calls.push('pause');
    },
    resume() {
      calls.push('resume');
    },
    async bounds(): Promise<Bounds> {
      await Promise.resolve();
      return { ...this.bound };
    },
    async heartbeat() {
      await Promise.resolve();
      if (this.heartbeatError !== undefined) throw this.heartbeatError;
    },
    isFull() {
      return this.isBusy;
    },
    hold(bytes: number) {
      this.held += bytes;
    },
    stopped(_partition: Partition, reason: string) {
      calls.push(`stopped ${reason}`);
    },
    log(_level: string, message: string) {
      calls.push(message);
    },
  };
}
