import { createMetrics, createNullLog } from '@leastwise/runtime';
import type { LogBatch, LogRecord, OutgoingRecord } from '@leastwise/source';
import { openEmbeddedStore, type SubjectStore } from '@leastwise/state';

import { AggregatorHandler, type AggregatorStore, type HandlerOptions } from '../handler.ts';
import { createAggregatorMetrics } from '../metrics.ts';

/** Options that change nothing. */
export const OPTIONS: HandlerOptions = {
  cluster: { name: 'default', header: undefined, topicPattern: undefined, field: undefined },
  skewMs: 300_000,
  keyedSuffix: '-keyed',
  deadLetterTopic: 'dead',
  deadLetterBytes: 1000,
  dedupeHours: 2,
  now: () => Date.UTC(2030, 0, 1),
  patience: { baseMs: 1, maxMs: 2, totalMs: 50 },
};

/** The partition of all tests. */
export const PARTITION = { topic: 'audit', partition: 0 };

/** The auditID in a text, as shippers take it for the key. */
function keyOf(value: string | Uint8Array | null): Uint8Array {
  const text = value === null ? '' : Buffer.from(value).toString('latin1');
  return Buffer.from(/"auditID":"([^"]*)"/.exec(text.replaceAll('\\', ''))?.[1] ?? 'none');
}

/** A record with its auditID as the key. */
export function record(
  offset: number,
  value: string | Uint8Array | null,
  more: Partial<LogRecord> = {},
): LogRecord {
  return {
    offset,
    timestampMs: Date.UTC(2030, 0, 1),
    key: keyOf(value),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: new Map(),
    ...more,
  };
}

/** Consecutive records. */
export function batchOf(records: readonly LogRecord[], topic = PARTITION.topic): LogBatch {
  const from = records[0]?.offset ?? 0;
  const to = (records.at(-1)?.offset ?? from) + 1;
  return { partition: { topic, partition: 0 }, from, records, to, end: to };
}

/** An aggregator without Kafka and Redis. */
export interface TestAggregator {
  readonly handler: AggregatorHandler;
  readonly store: SubjectStore;
  /** By topic, what was appended. */
  readonly appended: Map<string, OutgoingRecord[]>;
}

/** Makes one; `faults` stand in the way of the store or of the writer. */
export async function testAggregator(
  options: Partial<HandlerOptions> = {},
  faults: {
    readonly append?: () => Promise<void>;
    readonly store?: Partial<AggregatorStore>;
    readonly readBefore?: () => Promise<number | undefined>;
  } = {},
): Promise<TestAggregator> {
  const store = await openEmbeddedStore({ identityKey: '00112233445566ff' });
  const appended = new Map<string, OutgoingRecord[]>();
  const handler = new AggregatorHandler({
    store: {
      claim: (source) => store.claim(source),
      applyBatch: (batch) => store.applyBatch(batch),
      release: () => undefined,
      ...faults.store,
    },
    writer: {
      append: async (topic, records) => {
        await faults.append?.();
        appended.set(topic, [...(appended.get(topic) ?? []), ...records]);
      },
    },
    metrics: createAggregatorMetrics(createMetrics()),
    log: createNullLog(),
    ...(faults.readBefore ? { readBefore: faults.readBefore } : {}),
    options: { ...OPTIONS, ...options },
  });
  return { handler, store, appended };
}

/** For `take`: the partition is ours for ever. */
export function alive(): Promise<void> {
  return Promise.resolve();
}
