import {
  attribute,
  type AttributeContext,
  type AuditEvent,
  type BadReason,
  type CountedRequest,
  createAttributeContext,
  createFilter,
  type DecodeSink,
  type FilterRule,
  type Identity,
  RecordReader,
  type SkipReason,
} from '@leastwise/audit-event';
import { observe, type Observations, type ObserveOptions } from '@leastwise/rbac';
import type { AuditSource, DeadLetter, DeadLetterSink, SourceChunk } from '@leastwise/source';
import { type Claim, type Deltas, FingerprintSet, StateError, type SubjectStore } from '@leastwise/state';

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
export interface IngestOptions {
  /** The cluster of records without a cluster field. */
  readonly cluster: string;
  readonly clusterField: string | undefined;
  readonly filters: readonly FilterRule[];
  readonly filterDefault: 'allow' | 'deny';
  /** Take the requests of a group instead of each subject's. */
  readonly group: AttributeContext['group'];
  /** How requests become state; or who else wants them, and then no state grows. */
  readonly observe: ObserveOptions | ((request: CountedRequest, isNew: boolean) => void);
  /** Events after this time, in microseconds since the epoch, are not believed. */
  readonly latestUs?: number;
  /**
   * A reading whose records are not all readable must not become state: nothing is applied before `read` came to
   * its end, and nothing at all where a record could not be read. Takes some 100 bytes a request at the end.
   */
  readonly isAllOrNothing?: boolean;
  readonly deadLetters: DeadLetterSink;
}

/** Requests in a batch: enough to make merging cheap, few enough that a batch dies young in memory. */
const BATCH_REQUESTS = 4_000;

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** What a batch gathers until it is applied. */
class Gathering {
  readonly clusters: Observations = new Map();
  readonly counted = new FingerprintSet();
  readonly resolved = new FingerprintSet();
  readonly received = new FingerprintSet();

  get size(): number {
    return this.counted.size + this.resolved.size + this.received.size;
  }

  get deltas(): Deltas {
    return {
      clusters: this.clusters,
      counted: [...this.counted.entries()],
      resolved: [...this.resolved.entries()],
      received: [...this.received.entries()],
    };
  }
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
  readonly #context: AttributeContext;
  readonly #accepts: (event: AuditEvent) => boolean;
  #position: string;
  #batch = new Gathering();
  #reader: RecordReader | undefined;

  private constructor(store: SubjectStore, claim: Claim, options: IngestOptions) {
    this.#store = store;
    this.#claim = claim;
    this.#options = options;
    this.#position = claim.position;
    this.#context = createAttributeContext({ keyHex: claim.identityKey, group: options.group });
    this.#accepts = createFilter(options.filters, options.filterDefault);
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
      if (!isAllOrNothing && this.#batch.size >= BATCH_REQUESTS) await this.commit();
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
    const batch = this.#batch;
    if (batch.clusters.size === 0 && batch.size === 0) return;
    this.#batch = new Gathering();
    const to = String(Number(this.#position === '' ? '0' : this.#position) + 1);
    const result = await this.#store.applyBatch({
      claim: this.#claim,
      from: this.#position,
      to,
      deltas: batch.deltas,
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
        this.#event(event, cluster ?? this.#options.cluster);
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

  #event(event: AuditEvent, cluster: string): void {
    this.stats.events += 1;
    if (!this.#accepts(event)) {
      increment(this.stats.skipped, 'filtered');
      return;
    }
    const attribution = attribute(event, cluster, this.#context);
    switch (attribution.kind) {
      case 'skip':
        increment(this.stats.skipped, attribution.reason);
        this.#batch.resolved.add(attribution.receivedIdentity.hi, attribution.receivedIdentity.lo);
        return;
      case 'received':
        increment(this.stats.skipped, 'request-received');
        this.#batch.received.add(attribution.identity.hi, attribution.identity.lo);
        return;
      case 'request': {
        const { request } = attribution;
        const isNew = this.#isNew(request.identity);
        if (isNew) {
          this.stats.requests += 1;
          if (request.outcome === 'denied') this.stats.denied += 1;
          if (request.identity !== attribution.receivedIdentity)
            this.#batch.resolved.add(attribution.receivedIdentity.hi, attribution.receivedIdentity.lo);
        } else {
          this.stats.repeated += 1;
        }
        const { observe: observing } = this.#options;
        if (typeof observing === 'function') observing(request, isNew);
        else observe(this.#batch.clusters, request, isNew, observing);
      }
    }
  }

  #isNew(identity: Identity): boolean {
    return !this.#claim.isCounted(identity) && this.#batch.counted.add(identity.hi, identity.lo);
  }
}
