import { setTimeout as sleep } from 'node:timers/promises';

import type { AuditSource, SourceChunk } from '@leastwise/source';

/** What a live reading does with its chunks. One loop calls all of it: nothing here runs side by side. */
export interface LiveReading {
  readonly source: AuditSource;
  readonly signal: AbortSignal;
  /** Monotonic milliseconds. */
  now(): number;
  readonly intervalMs: number;
  take(chunk: SourceChunk): void;
  /** Makes everything taken durable. */
  save(): Promise<void>;
  /** Renders and writes what the state knows; false where that failed and is to be tried again. */
  publish(): Promise<boolean>;
}

const TICK_MS = 200;
/** Saving takes at most this share of the time, however large the state has grown. */
const SAVE_SHARE = 0.1;
const MIN_SAVE_MS = 500;
/** An API server waits 30 s for its webhook, and then sends the batch again. */
const MAX_SAVE_MS = 10_000;

/**
 * Reads a source that does not end: takes chunks as they come, saves and acknowledges soon after,
 * publishes at an interval when anything came, and once more at the end.
 */
export async function readLive(reading: LiveReading): Promise<void> {
  const { source, signal } = reading;
  const iterator = source.chunks(signal)[Symbol.asyncIterator]();
  let next = iterator.next();
  let tick = sleep(TICK_MS, undefined);
  let unsaved: number | undefined;
  // At first there may be something left from an earlier run that was stopped before it published.
  let isUnpublished = true;
  let saveAfter = 0;
  let publishAfter = reading.now() + reading.intervalMs;
  const save = async (): Promise<void> => {
    if (unsaved === undefined) return;
    const startedMs = reading.now();
    await reading.save();
    await source.acknowledge(unsaved);
    unsaved = undefined;
    const tookMs = reading.now() - startedMs;
    saveAfter = reading.now() + Math.min(Math.max(MIN_SAVE_MS, tookMs / SAVE_SHARE), MAX_SAVE_MS);
  };
  try {
    for (;;) {
      const result = await Promise.race([next, tick]);
      if (result?.done === true) break;
      if (result === undefined) {
        tick = sleep(TICK_MS, undefined);
      } else {
        reading.take(result.value);
        unsaved = result.value.position;
        isUnpublished = true;
        next = iterator.next();
      }
      if (reading.now() >= saveAfter) await save();
      if (isUnpublished && reading.now() >= publishAfter) {
        await save();
        isUnpublished = !(await reading.publish());
        publishAfter = reading.now() + reading.intervalMs;
      }
    }
  } finally {
    // A source whose chunks are not taken to their end keeps its file open. Not awaited: the chunk that was asked for
    // may never come, until the source is closed.
    iterator.return?.().catch(() => undefined);
  }
  await save();
  if (isUnpublished) await reading.publish();
}
