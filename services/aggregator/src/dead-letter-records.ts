import { type OutgoingRecord, type Partition, partitionName } from '@leastwise/source';

import type { DeadReason } from './metrics.ts';

/** What cannot be used, and why. */
export interface DeadLetter {
  readonly reason: DeadReason;
  readonly detail: string;
  readonly bytes: Uint8Array;
}

/** Where a dead letter came from. */
export interface LetterOrigin {
  readonly partition: Partition;
  readonly offset: number;
}

const MAX_DETAIL = 512;

/**
 * A dead letter as records: its bytes as they came, cut where they are more than a record may hold. The key says
 * where it came from, so a copy (the worker died before it noted that it had sent it) is known as one.
 */
export function deadLetterRecords(
  letter: DeadLetter,
  origin: LetterOrigin,
  maxBytes: number,
): OutgoingRecord[] {
  const { partition, offset } = origin;
  const parts = Math.max(1, Math.ceil(letter.bytes.length / maxBytes));
  return Array.from({ length: parts }, (_, part) => ({
    key: `${partitionName(partition)}/${offset}`,
    value: letter.bytes.subarray(part * maxBytes, (part + 1) * maxBytes),
    headers: {
      'leastwise-reason': letter.reason,
      'leastwise-detail': letter.detail.slice(0, MAX_DETAIL),
      'leastwise-topic': partition.topic,
      'leastwise-partition': String(partition.partition),
      'leastwise-offset': String(offset),
      'leastwise-part': `${part + 1}/${parts}`,
    },
  }));
}
