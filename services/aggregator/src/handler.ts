import {
  type BatchOutcome,
  type LogBatch,
  LogError,
  type LogWriter,
  type OutgoingRecord,
  type Partition,
  type PartitionHandler,
  partitionName,
} from '@leastwise/source';
import { type Log, retry, type RetryOptions } from '@leastwise/runtime';
import { type Batch, type Claim, StateError } from '@leastwise/state';
import { StoreConnectionError } from '@leastwise/state-redis';

import type { AggregatorMetrics } from './metrics.ts';
import {
  createRecordReaders,
  PartitionWorker,
  type RecordReaders,
  type WorkerOptions,
} from './partition-worker.ts';

/** What an aggregator needs of a store: besides the port, to be told that a partition went to another worker. */
export interface AggregatorStore {
  claim(source: string): Promise<Claim>;
  applyBatch(batch: Batch): Promise<'applied' | 'stale' | 'fenced'>;
  release(source: string): void;
}

/** What a handler is made of. */
export interface HandlerParts {
  readonly store: AggregatorStore;
  readonly writer: LogWriter;
  readonly metrics: AggregatorMetrics;
  readonly log: Log;
  readonly options: HandlerOptions;
  /**
   * How far the group has read a partition by the word of others, asked only where the state knows nothing of it. Left
   * out where reading anew is wanted.
   */
  readonly readBefore?: (partition: Partition) => Promise<number | undefined>;
}

/**
 * The state knows nothing of a partition that the group has read before: it was lost. Nothing is read anew by itself,
 * since the log may not go back as far as the policies that were merged.
 */
export class StateLostError extends Error {
  override readonly name = 'StateLostError';
  readonly code = 'LW_STATE_LOST';
  readonly exitCode = 78;
}

/** How a handler works. */
export interface HandlerOptions extends WorkerOptions {
  readonly deadLetterTopic: string;
  readonly dedupeHours: number;
  /** How an outage is waited out. */
  readonly patience: Pick<RetryOptions, 'baseMs' | 'maxMs' | 'totalMs'>;
}

function isOutage(error: unknown): boolean {
  if (error instanceof LogError) return error.failure === 'unreachable';
  if (error instanceof StoreConnectionError) return error.kind !== 'refused';
  return !(error instanceof StateError) && !(error instanceof TypeError);
}

/** Position as the state has it → offset. @throws StateError where it is none */
function offsetOf(source: string, position: string): number | undefined {
  if (position === '') return undefined;
  const offset = Number(position);
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new StateError(
      `${source}: the state's position ${JSON.stringify(position.slice(0, 40))} is no offset`,
    );
  }
  return offset;
}

/** Raises each number to another one, where that is higher. */
function raise(numbers: Map<string, number>, by: ReadonlyMap<string, number>): void {
  for (const [key, value] of by) numbers.set(key, Math.max(value, numbers.get(key) ?? value));
}

/** Brings the records of partitions into the state: each batch once in effect, whatever happens in between. */
export class AggregatorHandler implements PartitionHandler {
  readonly #parts: HandlerParts;
  readonly #readers: RecordReaders;
  readonly #workers = new Map<string, PartitionWorker>();
  /** By source and cluster, the newest time received that this process has stored, in microseconds. */
  readonly #newest = new Map<string, Map<string, number>>();
  /** By source, since when nothing could be stored. */
  readonly #failing = new Map<string, number>();

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#readers = createRecordReaders(parts.options);
  }

  async claim(partition: Partition): Promise<number | undefined> {
    const { store, metrics, log, options } = this.#parts;
    const source = partitionName(partition);
    const started = performance.now();
    const claim = await retry(() => store.claim(source), {
      ...options.patience,
      isRetriable: isOutage,
      onRetry: ({ error }) => log.warn('state cannot be claimed', { source, err: error }),
    });
    if (claim.position === '') await this.#refuseLostState(partition);
    metrics.claimSeconds.observe((performance.now() - started) / 1000);
    this.#workers.set(
      source,
      new PartitionWorker(claim, partition, { options, metrics, readers: this.#readers }),
    );
    log.info('partition claimed', { source, position: claim.position });
    if (claim.dedupeHours < options.dedupeHours) {
      const fields = { source, dedupeHours: claim.dedupeHours, configured: options.dedupeHours };
      log.warn('copies are told for less long than configured, until the state is rebuilt', fields);
    }
    return offsetOf(source, claim.position);
  }

  async #refuseLostState(partition: Partition): Promise<void> {
    const { readBefore, options, log } = this.#parts;
    if (!readBefore) return;
    const source = partitionName(partition);
    const offset = await retry(() => readBefore(partition), {
      ...options.patience,
      isRetriable: isOutage,
      onRetry: ({ error }) => log.warn('committed offsets cannot be read', { source, err: error }),
    });
    if (offset === undefined || offset === 0) return;
    throw new StateLostError(
      `the state knows nothing of ${source}, which this group has read up to ${offset}: restore Redis, or ` +
        'let it be read again as far as Kafka goes back (state.rebuild, or `leastwise state rebuild`)',
    );
  }

  async take(batch: LogBatch, alive: () => Promise<void>): Promise<BatchOutcome> {
    const source = partitionName(batch.partition);
    const worker = this.#workers.get(source);
    if (!worker) return 'moved';
    const { metrics, options } = this.#parts;
    const started = performance.now();
    const plan = worker.plan(batch, started);
    try {
      // Before the commit: what the position has passed is never read again.
      await this.#append(options.deadLetterTopic, plan.deadLetters, alive);
      await this.#append(`${batch.partition.topic}${options.keyedSuffix}`, plan.rekeyed, alive);
    } catch (error) {
      // What it has gathered is not to be stored any more.
      this.#workers.delete(source);
      throw error;
    }
    // Whoever has read all there is waits for no more: what came is to be seen.
    const isDue = batch.to >= batch.end || worker.isDue(performance.now());
    const outcome = isDue ? await this.#commit(source, worker.take()) : 'gathered';
    metrics.batchSeconds.observe((performance.now() - started) / 1000);
    return outcome;
  }

  async settle(partition: Partition): Promise<'stored' | 'moved'> {
    const source = partitionName(partition);
    const worker = this.#workers.get(source);
    if (!worker) return 'moved';
    return worker.hasGathered ? this.#commit(source, worker.take()) : 'stored';
  }

  async lost(partition: Partition, from: number, to: number): Promise<'stored' | 'moved'> {
    const source = partitionName(partition);
    const worker = this.#workers.get(source);
    if (!worker) return 'moved';
    const outcome = await this.#commit(source, worker.lost(to - from, to));
    if (outcome === 'stored') {
      this.#parts.metrics.lost.inc(to - from);
      this.#parts.log.error('records are gone from the log unread', { source, from, to });
    }
    return outcome;
  }

  async release(partition: Partition): Promise<void> {
    const source = partitionName(partition);
    this.#workers.delete(source);
    this.#failing.delete(source);
    this.#newest.delete(source);
    this.#parts.store.release(source);
  }

  /** By cluster, the newest time received that was stored of the partitions that are ours, in microseconds. */
  newest(): ReadonlyMap<string, number> {
    const newest = new Map<string, number>();
    for (const clusters of this.#newest.values()) raise(newest, clusters);
    return newest;
  }

  async #append(
    topic: string,
    records: readonly OutgoingRecord[],
    alive: () => Promise<void>,
  ): Promise<void> {
    if (records.length === 0) return;
    const { writer, log, options } = this.#parts;
    let gone: unknown;
    let isFirst = true;
    const append = async (): Promise<void> => {
      if (!isFirst) {
        await alive().catch((error: unknown) => {
          gone = error;
          throw error;
        });
      }
      isFirst = false;
      await writer.append(topic, records);
    };
    await retry(append, {
      ...options.patience,
      isRetriable: (error) => error !== gone && isOutage(error),
      onRetry: ({ error }) => log.warn('records cannot be appended', { topic, err: error }),
    });
  }

  async #commit(source: string, batch: Batch): Promise<'stored' | 'moved'> {
    const { store, metrics, log, options } = this.#parts;
    const started = performance.now();
    let result: 'applied' | 'stale' | 'fenced' | 'outage';
    try {
      result = await store.applyBatch(batch);
    } catch (error) {
      const since = this.#failing.get(source) ?? started;
      this.#failing.set(source, since);
      if (!isOutage(error) || started - since > options.patience.totalMs) throw error;
      log.warn('state cannot be written', { source, err: error });
      result = 'outage';
    }
    metrics.commitSeconds.observe((performance.now() - started) / 1000);
    if (result === 'applied') {
      this.#failing.delete(source);
      const newest = this.#newest.get(source) ?? new Map<string, number>();
      this.#newest.set(source, newest);
      raise(newest, batch.deltas.watermarks);
      // Not before: what is not taken is read again.
      metrics.requests.add(batch.deltas.activity);
      return 'stored';
    }
    // Whatever the state is now, only a new claim knows.
    this.#workers.delete(source);
    metrics.setbacks.inc({ reason: result });
    log.info('batch not taken, claiming again', { source, reason: result, from: batch.from, to: batch.to });
    return 'moved';
  }
}
