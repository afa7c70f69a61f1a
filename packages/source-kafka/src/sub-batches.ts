import type { LogBatch, LogRecord, Partition } from '@leastwise/source';
import type { Fetched } from './fetched.ts';
import { sizeOf } from './fetched.ts';

/** What a handler gets at most at a time. */
export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Cuts what was fetched into pieces that a handler is done with soon. They touch each other: the first begins at
 * `position`, the last ends where the answer does. Records below `position` are left out.
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
  for (const record of fetched.records) {
    if (record.offset < position) continue;
    const size = sizeOf(record);
    if (records.length > 0 && (records.length >= limits.records || bytes + size > limits.bytes)) {
      const next = (records.at(-1)?.offset ?? from) + 1;
      yield { partition, from, records, to: next, end };
      from = next;
      records = [];
      bytes = 0;
    }
    records.push(record);
    bytes += size;
  }
  if (to > from) yield { partition, from, records, to, end };
}
