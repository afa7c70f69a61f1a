import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingRecord, PartitionedLog, PartitionHandler } from '@leastwise/source';
import type { SharedStore } from '@leastwise/source/conformance';
import { openKafkaLog } from '../index.ts';
import type { KafkaLogOptions } from '../index.ts';

/** A worker that runs while a test does other things. */
export interface Background extends AsyncDisposable {
  readonly log: PartitionedLog;
  /** Waits, and fails as soon as the worker does. */
  until(what: string, isSo: () => boolean, timeoutMs?: number): Promise<void>;
  /** Waits until it has failed by itself. */
  failure(): Promise<Error>;
  /** Aborts it, and waits for a good end. */
  stop(): Promise<void>;
}

/** Opens a log and runs it. */
export function runInBackground(options: KafkaLogOptions, handler: PartitionHandler): Background {
  const log = openKafkaLog(options);
  const abort = new AbortController();
  let failed: Error | undefined;
  const run = log.run(handler, abort.signal).catch((error: unknown) => {
    failed = error instanceof Error ? error : new Error(String(error));
  });

  return {
    log,
    async until(what, isSo, timeoutMs = 30_000) {
      const end = Date.now() + timeoutMs;
      while (!isSo()) {
        if (failed !== undefined) throw failed;
        if (Date.now() > end) throw new Error(`not in time: ${what}`);
        await sleep(10);
      }
    },
    async failure() {
      await run;
      return failed ?? new Error('it ended without an error');
    },
    async stop() {
      abort.abort();
      await run;
      if (failed !== undefined) throw failed;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await log[Symbol.asyncDispose]();
    },
  };
}

/** Records that tell their number. */
export function numbered(first: number, count: number, text = ''): readonly OutgoingRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `key-${String((first + i) % 50)}`,
    value: `${text}${String(first + i)}`,
    headers: { number: String(first + i) },
  }));
}

/** The numbers of all records that are stored, sorted: with repetitions where one is stored twice. */
export function storedNumbers(store: SharedStore): readonly number[] {
  return [...store.partitions.values()]
    .flatMap(({ records }) => records.map(({ headers }) => Number(Buffer.from(headers.get('number') ?? []))))
    .sort((a, b) => a - b);
}

/** 0, 1, 2, … */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
