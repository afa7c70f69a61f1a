import { type AuditEvent, type DecodeSink, RecordReader, type SkipReason } from '@leastwise/audit-event';
import type { LogRecord } from '@leastwise/source';

import type { DeadReason } from './metrics.ts';

/** One event of a record. */
export interface RecordEvent {
  readonly event: AuditEvent;
  /** By the field that the shipper sets; `undefined` where there is none. */
  readonly cluster: string | undefined;
}

/** A part of a record that cannot be used. */
export interface Unreadable {
  readonly reason: DeadReason;
  readonly detail: string;
  readonly bytes: Uint8Array;
}

/** What a record held. */
export interface RecordContent {
  readonly events: readonly RecordEvent[];
  readonly skipped: readonly SkipReason[];
  readonly unreadable: readonly Unreadable[];
}

/** Reads the records of one partition, one after the other. */
export class RecordEventReader {
  readonly #reader: RecordReader;
  readonly #skewMs: number;
  #latestUs = Infinity;
  #events: RecordEvent[] = [];
  #skipped: SkipReason[] = [];
  #unreadable: Unreadable[] = [];
  #value: Uint8Array = new Uint8Array();

  /** @param skewMs - by how much an event may be later than its record */
  constructor(clusterField: string | undefined, skewMs: number) {
    this.#skewMs = skewMs;
    const sink: DecodeSink = {
      event: (event, cluster) => {
        if (event.receivedAtUs <= this.#latestUs) this.#events.push({ event, cluster });
        else this.#bad('future', `auditID ${event.auditID.slice(0, 64)} is of the future`, this.#value);
      },
      skipped: (reason) => {
        this.#skipped.push(reason);
      },
      bad: (reason, _line, detail, bytes) => {
        this.#bad(reason, detail, bytes.length === 0 ? this.#value : bytes);
      },
    };
    this.#reader = new RecordReader(sink, clusterField === undefined ? {} : { clusterField });
  }

  read({ value, timestampMs }: LogRecord): RecordContent {
    this.#events = [];
    this.#skipped = [];
    this.#unreadable = [];
    if (value === null || value.length === 0) {
      this.#bad('empty', 'a record without a value', new Uint8Array());
    } else {
      // A record without a time of its own cannot say what the future is.
      this.#latestUs = timestampMs > 0 ? (timestampMs + this.#skewMs) * 1000 : Infinity;
      this.#value = value;
      this.#reader.push(value);
      this.#reader.end();
    }
    return { events: this.#events, skipped: this.#skipped, unreadable: this.#unreadable };
  }

  #bad(reason: DeadReason, detail: string, bytes: Uint8Array): void {
    this.#unreadable.push({ reason, detail, bytes: Uint8Array.from(bytes) });
  }
}
