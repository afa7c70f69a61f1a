import { type BadReason, type DecodeSink, RecordReader, type SkipReason } from '@leastwise/audit-event';
import type { AuditSource, DeadLetter, DeadLetterSink, SourceChunk } from '@leastwise/source';
import {
  type Claim,
  type Gathered,
  Gathering,
  type GatherOptions,
  StateError,
  type SubjectStore,
} from '@leastwise/state';

import type { Progress } from './progress.ts';

/** What an ingestion read, for the summary. */
export interface IngestStats {
  bytes: number;
  origins: number;
  /** Audit events, of whatever stage. */
  events: number;
  /** Requests counted: stages folded, copies recognised, refused ones included. */
  requests: number;
  denied: number;
  /** Events of requests that were counted already, here or in an earlier run. */
  repeated: number;
  readonly skipped: Map<SkipReason, number>;
  readonly bad: Map<BadReason, number>;
}

/** How records become state. */
export interface IngestOptions extends GatherOptions {
  /** The cluster of records without a cluster field. */
  readonly cluster: string;
  readonly clusterField: string | undefined;
  /** Events after this time, in microseconds since the epoch, are not believed. */
  readonly latestUs?: number;
  /**
   * A reading whose records are not all readable must not become state: nothing is applied before `read` came to
   * its end, and nothing at all where a record could not be read. Takes some 100 bytes a request at the end.
   */
  readonly isAllOrNothing?: boolean;
  readonly deadLetters: DeadLetterSink;
}

/** Requests in a batch: enough that most are like an earlier one of it, so that merging is cheap, and few enough for memory. */
const BATCH_REQUESTS = 32_000;

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * Turns a source's bytes into state: decode, attribute, observe, apply. One instance serves one source
 * and one store; a bad record costs nothing but itself.
 */
export class Ingestion {
  readonly stats: IngestStats = {
    bytes: 0,
    origins: 0,
    events: 0,
    requests: 0,
    denied: 0,
    repeated: 0,
    skipped: new Map(),
    bad: new Map(),
  };
  readonly #options: IngestOptions;
  readonly #store: SubjectStore;
  readonly #claim: Claim;
  readonly #gathering: Gathering;
  #position: string;
  #reader: RecordReader | undefined;

  private constructor(store: SubjectStore, claim: Claim, options: IngestOptions) {
    this.#store = store;
    this.#claim = claim;
    this.#options = options;
    this.#position = claim.position;
    this.#gathering = new Gathering(claim, options);
  }

  /** Takes over the store's embedded source. */
  static async start(store: SubjectStore, options: IngestOptions): Promise<Ingestion> {
    return new Ingestion(store, await store.claim('embedded'), options);
  }

  /** Reads a source to its end, or until `signal` aborts, and applies what it held. */
  async read(source: AuditSource, progress: Progress, signal: AbortSignal): Promise<void> {
    const isAllOrNothing = this.#options.isAllOrNothing === true;
    for await (const chunk of source.chunks(signal)) {
      this.take(chunk);
      if (!isAllOrNothing && this.#gathering.size >= BATCH_REQUESTS) await this.commit();
      progress.update(source.progress(), this.stats.events);
    }
    if (isAllOrNothing && this.stats.bad.size > 0) return;
    await this.commit();
  }

  /** Decodes one chunk into the open batch. */
  take(chunk: SourceChunk): void {
    this.stats.bytes += chunk.bytes.byteLength;
    if (!this.#reader) {
      this.stats.origins += 1;
      const { clusterField } = this.#options;
      this.#reader = new RecordReader(
        this.#sink(chunk.origin),
        clusterField === undefined ? {} : { clusterField },
      );
    }
    this.#reader.push(chunk.bytes);
    if (!chunk.endsOrigin) return;
    this.#reader.end();
    this.#reader = undefined;
    const { origin, damage } = chunk;
    if (damage === undefined) return;
    this.#bad('invalid-compression', { origin, line: 0, detail: damage, bytes: new Uint8Array() });
  }

  /** Applies the open batch to the store. */
  async commit(): Promise<void> {
    if (this.#gathering.isEmpty) return;
    const to = String(Number(this.#position === '' ? '0' : this.#position) + 1);
    const result = await this.#store.applyBatch({
      claim: this.#claim,
      from: this.#position,
      to,
      deltas: this.#gathering.take(),
    });
    if (result !== 'applied') throw new StateError(`the state was changed by another process (${result})`);
    this.#position = to;
  }

  #sink(origin: string): DecodeSink {
    return {
      event: (event, cluster, line) => {
        if (event.receivedAtUs > (this.#options.latestUs ?? Infinity)) {
          // It would move the window of all evidence for good.
          const detail = `auditID ${event.auditID.slice(0, 64)} is of the future`;
          this.#bad('future', { origin, line, detail, bytes: new Uint8Array() });
          return;
        }
        this.stats.events += 1;
        this.#note(this.#gathering.add(event, cluster ?? this.#options.cluster));
      },
      skipped: (reason) => {
        increment(this.stats.skipped, reason);
      },
      bad: (reason, line, detail, bytes) => {
        this.#bad(reason, { origin, line, detail, bytes });
      },
    };
  }

  #bad(reason: BadReason, letter: Omit<DeadLetter, 'reason'>): void {
    increment(this.stats.bad, reason);
    this.#options.deadLetters.write({ ...letter, reason });
  }

  #note(became: Gathered): void {
    switch (became) {
      case 'counted':
        this.stats.requests += 1;
        break;
      case 'denied':
        this.stats.requests += 1;
        this.stats.denied += 1;
        break;
      case 'repeated':
      case 'late':
        this.stats.repeated += 1;
        break;
      default:
        increment(this.stats.skipped, became);
    }
  }
}
