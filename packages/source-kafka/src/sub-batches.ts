import type { LogBatch, LogRecord, Partition } from '@leastwise/source';
import type { Fetched } from './fetched.ts';
import { sizeOf } from './fetched.ts';
import { DamagedBatchError } from './record-batch.ts';

/** What a handler gets at most at a time. */
export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Cuts what was fetched into pieces that a handler is done with soon. They touch each other: the first begins at
 * `position`, the last ends where the answer does. Records below `position` are left out.
 * @throws DamagedBatchError behind the last record that is good
 */
export function* subBatches(
  partition: Partition,
  fetched: Fetched,
  position: number,
  limits: BatchLimits,
): Generator<LogBatch, void> {
  const { to, end } = fetched;
  let from = position;
  let records: LogRecord[] = [];
  let bytes = 0;
  const piece = (next: number): LogBatch => {
    const batch = { partition, from, records, to: next, end };
    from = next;
    records = [];
    bytes = 0;
    return batch;
  };
  const source = fetched.records[Symbol.iterator]();
  for (;;) {
    const next = nextOf(source);
    if (next instanceof DamagedBatchError) {
      if (records.length > 0) yield piece(afterLast(records, from));
      throw next;
    }
    if (next === undefined) break;
    if (next.offset < position) continue;
    const size = sizeOf(next);
    if (records.length > 0 && (records.length >= limits.records || bytes + size > limits.bytes)) {
      yield piece(afterLast(records, from));
    }
    records.push(next);
    bytes += size;
  }
  if (to > from) yield piece(to);
}

function nextOf(records: Iterator<LogRecord, unknown>): LogRecord | DamagedBatchError | undefined {
  try {
    const next = records.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    if (error instanceof DamagedBatchError) return error;
    throw error;
  }
}

function afterLast(records: readonly LogRecord[], otherwise: number): number {
  return (records.at(-1)?.offset ?? otherwise - 1) + 1;
}
