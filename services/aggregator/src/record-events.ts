import {
  type AuditEvent,
  type DecodeSink,
  type Occurrence,
  RecordReader,
  type SkipReason,
} from '@leastwise/audit-event';

import type { DeadReason } from './metrics.ts';

/** One event of a record. */
export interface RecordEvent {
  readonly event: AuditEvent;
  /** By the field that the shipper sets; `undefined` where there is none. */
  readonly cluster: string | undefined;
}

/** An event that repeats, of which none was made yet. */
export interface RepeatedEvent {
  readonly occurrence: Occurrence;
  readonly cluster: string | undefined;
}

/** A part of a record that cannot be used. */
export interface Unreadable {
  readonly reason: DeadReason;
  readonly detail: string;
  /** The part of the record; `undefined` for all of it. */
  readonly bytes: Uint8Array | undefined;
}

/** What a record held. Valid until the next one is read. */
export interface RecordContent {
  /** The one event of a record that holds nothing else, where it repeats; then there are no events. */
  readonly repeated: RepeatedEvent | undefined;
  readonly events: readonly RecordEvent[];
  readonly skipped: readonly SkipReason[];
  readonly unreadable: readonly Unreadable[];
}

/** The clock of a producer, or of this machine, may be wrong by as much; evidence is kept by the day. */
const MAX_CLOCK_ERROR_MS = 86_400_000;

/** How records of a partition are read. */
export interface RecordReading {
  readonly clusterField: string | undefined;
  /** By how much an event may be later than its record. */
  readonly skewMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const NO_BYTES = new Uint8Array();

/** Reads the records of one partition, one after the other. */
export class RecordEventReader {
  readonly #reader: RecordReader;
  readonly #reading: RecordReading;
  #latestUs = Infinity;
  #value: Uint8Array = NO_BYTES;
  #repeated: RepeatedEvent | undefined;
  readonly #events: RecordEvent[] = [];
  #skipped: SkipReason[] = [];
  #unreadable: Unreadable[] = [];

  constructor(reading: RecordReading) {
    this.#reading = reading;
    const { clusterField } = reading;
    const sink: DecodeSink = {
      event: (event, cluster) => {
        if (event.receivedAtUs <= this.#latestUs) this.#events.push({ event, cluster });
        else this.#bad('future', `auditID ${event.auditID.slice(0, 64)} is of the future`, undefined);
      },
      repeated: (occurrence, cluster) => {
        // What is of the future, or does not stand alone, goes the way of all events.
        const isAlone = occurrence.start === 0 && occurrence.end === this.#value.length;
        if (!isAlone || occurrence.receivedAtUs > this.#latestUs) return false;
        this.#repeated = { occurrence, cluster };
        return true;
      },
      skipped: (reason) => {
        this.#skipped.push(reason);
      },
      bad: (reason, _line, detail, bytes) => {
        this.#bad(reason, detail, bytes.length === 0 ? undefined : bytes);
      },
    };
    this.#reader = new RecordReader(sink, clusterField === undefined ? {} : { clusterField });
  }

  /** @param timestampMs - when the record was made, in milliseconds; 0 or less where nobody knows */
  read(value: Uint8Array | null, timestampMs: number): RecordContent {
    // New lists only where the old ones were used: most records hold one event and nothing else.
    this.#events.length = 0;
    this.#repeated = undefined;
    if (this.#skipped.length > 0) this.#skipped = [];
    if (this.#unreadable.length > 0) this.#unreadable = [];
    if (value === null || value.length === 0) {
      this.#bad('empty', 'a record without a value', undefined);
    } else {
      this.#latestUs = this.#latest(timestampMs);
      this.#value = value;
      this.#reader.readWhole(value);
    }
    return {
      repeated: this.#repeated,
      events: this.#events,
      skipped: this.#skipped,
      unreadable: this.#unreadable,
    };
  }

  /**
   * What is later would make all that is true look late, and old. A replay judges by the record, as the first reading
   * did; our own clock is asked only against what is a day off, for a shipper's clock may be as wrong as its API server's.
   */
  #latest(timestampMs: number): number {
    const { skewMs, now } = this.#reading;
    const byRecord = timestampMs > 0 ? timestampMs + skewMs : Infinity;
    return Math.min(byRecord, now() + MAX_CLOCK_ERROR_MS) * 1000;
  }

  #bad(reason: DeadReason, detail: string, bytes: Uint8Array | undefined): void {
    // One letter is made of a record, so one copy is enough: of the first.
    const isFirst = this.#unreadable.length === 0;
    this.#unreadable.push({ reason, detail, bytes: isFirst && bytes ? Uint8Array.from(bytes) : undefined });
  }
}
