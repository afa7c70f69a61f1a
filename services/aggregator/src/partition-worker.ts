import { createHash } from 'node:crypto';

import type { Settings } from '@leastwise/activity';
import { encodeEvent } from '@leastwise/audit-event';
import type { LogBatch, LogRecord, OutgoingRecord, Partition } from '@leastwise/source';
import { type Batch, type Claim, type Gathered, Gathering } from '@leastwise/state';

import { CLUSTER_HEADER, clusterOf, type ClusterRules, TIME_HEADER } from './cluster-name.ts';
import { type DeadLetter, deadLetterRecords } from './dead-letter-records.ts';
import type { AggregatorMetrics } from './metrics.ts';
import {
  type RecordContent,
  type RecordEvent,
  RecordEventReader,
  type RepeatedEvent,
  type Unreadable,
} from './record-events.ts';

/** How records become state. */
export interface WorkerOptions {
  readonly cluster: ClusterRules & { readonly field: string | undefined };
  readonly skewMs: number;
  /** Topics that end in it hold what was produced again. */
  readonly keyedSuffix: string;
  /** The largest value that is appended anywhere. */
  readonly deadLetterBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly gather?: GatherLimits;
  /** What detections are told of clusters; what most have where it is not given. */
  readonly settings?: Settings;
}

/** Readers of records that all partitions share: what repeats in one repeats in the others. */
export interface RecordReaders {
  readonly plain: RecordEventReader;
  /** Of what was produced again: the cluster of each record is in its header, and nowhere else. */
  readonly keyed: RecordEventReader;
}

/** Makes the readers of a process. */
export function createRecordReaders({ cluster, skewMs, now }: WorkerOptions): RecordReaders {
  return {
    plain: new RecordEventReader({ clusterField: cluster.field, skewMs, now }),
    keyed: new RecordEventReader({ clusterField: undefined, skewMs, now }),
  };
}

/** What the workers of a process share. */
export interface WorkerParts {
  readonly options: WorkerOptions;
  readonly metrics: AggregatorMetrics;
  readonly readers: RecordReaders;
}

/** What one batch of records asks for before its position may be stored. */
export interface BatchPlan {
  readonly deadLetters: readonly OutgoingRecord[];
  /** Events to be produced again, one by one. */
  readonly rekeyed: readonly OutgoingRecord[];
}

/** How much is gathered before it is stored: a commit costs about the same for many events as for few. */
export interface GatherLimits {
  readonly records: number;
  /** Of their values. */
  readonly bytes: number;
  /** Since the first of them, in milliseconds. */
  readonly ms: number;
}

/** What is stored at the latest. */
export const GATHER_LIMITS: GatherLimits = { records: 131_072, bytes: 512_000_000, ms: 5000 };

/**
 * Turns the records of one claimed partition into what is to be stored, in their order. What it makes of a record
 * depends on the state at the claim and the records since, however they were cut into batches.
 */
export class PartitionWorker {
  readonly #claim: Claim;
  readonly #options: WorkerOptions;
  readonly #metrics: AggregatorMetrics;
  readonly #gathering: Gathering;
  readonly #reader: RecordEventReader;
  readonly #topic: string;
  readonly #isKeyedTopic: boolean;
  readonly #seen = new Seen();
  /** Up to where everything was handed over to be stored. */
  #position: string;
  /** Up to where everything is gathered, and what that is. */
  #gathered:
    | { readonly to: string; readonly sinceMs: number; readonly records: number; readonly bytes: number }
    | undefined;

  constructor(claim: Claim, partition: Partition, parts: WorkerParts) {
    const { options, metrics, readers } = parts;
    this.#claim = claim;
    this.#options = options;
    this.#metrics = metrics;
    this.#position = claim.position;
    this.#topic = partition.topic;
    this.#isKeyedTopic = partition.topic.endsWith(options.keyedSuffix);
    this.#gathering = new Gathering(claim, {
      hasWindows: true,
      windowKinds: ['5m'],
      observe: { deniedAs: 'denied' },
      ...(parts.options.settings ? { settings: parts.options.settings } : {}),
    });
    this.#reader = this.#isKeyedTopic ? readers.keyed : readers.plain;
  }

  /** Whether so much is gathered that it should be stored now. @param nowMs - by the clock that `plan` was told */
  isDue(nowMs: number): boolean {
    const { records, bytes, ms } = this.#options.gather ?? GATHER_LIMITS;
    const gathered = this.#gathered;
    if (!gathered) return false;
    return gathered.records >= records || gathered.bytes >= bytes || nowMs - gathered.sinceMs >= ms;
  }

  /** Whether there is anything to be stored. */
  get hasGathered(): boolean {
    return this.#gathered !== undefined;
  }

  /**
   * Reads a batch, and gathers what is to be stored of it. Its plan is to be carried out whole before anything else is
   * asked for.
   * @param nowMs - by any clock that does not go back
   */
  plan({ partition, records, to }: LogBatch, nowMs: number): BatchPlan {
    const { sinceMs = nowMs, records: before = 0, bytes = 0 } = this.#gathered ?? {};
    this.#gathered = {
      to: String(to),
      sinceMs,
      records: before + records.length,
      bytes: bytes + records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
    };
    const deadLetters: OutgoingRecord[] = [];
    const rekeyed: OutgoingRecord[] = [];
    for (const record of records) {
      const content = this.#reader.read(record.value, this.#timeOf(record));
      this.#count(record, content);
      const letter = deadLetterOf(record, content.unreadable);
      if (letter) {
        const origin = { partition, offset: record.offset };
        deadLetters.push(...deadLetterRecords(letter, origin, this.#options.deadLetterBytes));
        this.#metrics.deadLetters.inc({ reason: letter.reason });
      }
      if (content.repeated) this.#takeRepeated(record, content.repeated, rekeyed);
      else if (content.events.length > 0) this.#takeEvents(record, content, rekeyed);
    }
    this.#metrics.rekeyed.inc(rekeyed.length);
    this.#seen.tell(this.#metrics);
    return { deadLetters, rekeyed };
  }

  #takeEvents(record: LogRecord, content: RecordContent, rekeyed: OutgoingRecord[]): void {
    const cluster = this.#clusterOf(record);
    const isFit = this.#isFitToCount(record, content);
    for (const each of content.events) {
      const again = isFit ? undefined : rekeyedRecord(each, cluster, record);
      // What no topic takes is counted here: better a copy twice than a permission never.
      if (again && again.value.length <= this.#options.deadLetterBytes) rekeyed.push(again);
      else this.#seen.add(this.#gathering.add(each.event, each.cluster ?? cluster));
    }
  }

  #takeRepeated(record: LogRecord, repeated: RepeatedEvent, rekeyed: OutgoingRecord[]): void {
    const { occurrence } = repeated;
    const { bytes, auditIDStart, auditIDEnd } = occurrence;
    const isFit =
      this.#isKeyedTopic || (record.key && isPart(record.key, bytes, auditIDStart, auditIDEnd)) === true;
    if (isFit) {
      const cluster = repeated.cluster ?? this.#clusterOf(record);
      this.#seen.add(this.#gathering.addRepeated(occurrence, cluster));
    } else {
      const events = [{ event: occurrence.event(), cluster: repeated.cluster }];
      this.#takeEvents(record, { repeated: undefined, events, skipped: [], unreadable: [] }, rekeyed);
    }
  }

  /** Records up to a position are gone: what is to be stored of that, and of what was gathered before. */
  lost(records: number, to: number): Batch {
    this.#gathering.addLost(records);
    return this.#batch(String(to));
  }

  /** What is to be stored of all that was gathered. */
  take(): Batch {
    return this.#batch(this.#gathered?.to ?? this.#position);
  }

  #batch(to: string): Batch {
    const from = this.#position;
    this.#position = to;
    this.#gathered = undefined;
    return { claim: this.#claim, from, to, deltas: this.#gathering.take() };
  }

  /** When a record was made. Of what was produced again, the record that it came in. */
  #timeOf({ headers, timestampMs }: LogRecord): number {
    const header = this.#isKeyedTopic ? headers.get(TIME_HEADER) : undefined;
    const time = Number(header === undefined ? timestampMs : Buffer.from(header).toString('latin1'));
    return Number.isSafeInteger(time) ? time : 0;
  }

  #count({ value }: LogRecord, { skipped }: RecordContent): void {
    this.#seen.records += 1;
    this.#seen.bytes += value?.length ?? 0;
    for (const reason of skipped) this.#seen.add(reason);
  }

  #clusterOf(record: LogRecord): string {
    const { cluster } = this.#options;
    const topic = this.#topic;
    const rules = this.#isKeyedTopic ? { ...cluster, header: CLUSTER_HEADER } : cluster;
    return clusterOf(record, topic, rules);
  }

  /**
   * Copies of an event are recognised within a partition. They meet there if the event alone decides about it: by its
   * auditID as the key, in a record of its own, for a list that is sent again may have been put together otherwise.
   */
  #isFitToCount({ key }: LogRecord, { events, skipped, unreadable }: RecordContent): boolean {
    if (this.#isKeyedTopic) return true;
    const [only] = events;
    if (!only || events.length + skipped.length + unreadable.length !== 1) return false;
    return key !== null && isText(key, only.event.auditID);
  }
}

/** What a batch held, told to the metrics once: they look at every label anew. */
class Seen {
  records = 0;
  bytes = 0;
  readonly #outcomes = new Map<Gathered, number>();

  add(outcome: Gathered): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  tell({ records, bytes, events }: AggregatorMetrics): void {
    records.inc(this.records);
    bytes.inc(this.bytes);
    for (const [outcome, count] of this.#outcomes) events.inc({ outcome }, count);
    this.records = 0;
    this.bytes = 0;
    this.#outcomes.clear();
  }
}

/** Whether bytes are a text. Most are ASCII, for which no copy has to be made. */
function isText(bytes: Uint8Array, text: string): boolean {
  if (bytes.length !== text.length) return Buffer.from(text).equals(bytes);
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return Buffer.from(text).equals(bytes);
    if (unit !== bytes[i]) return false;
  }
  return true;
}

/** Whether bytes are a part of others. */
function isPart(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let i = 0; i < key.length; i += 1) if (key[i] !== bytes[start + i]) return false;
  return true;
}

/** One for a record, however much of it cannot be read: a megabyte of newlines is not a million letters. */
function deadLetterOf({ value }: LogRecord, unreadable: readonly Unreadable[]): DeadLetter | undefined {
  const [first] = unreadable;
  if (!first) return undefined;
  const { reason, detail } = first;
  const whole = value ?? new Uint8Array();
  if (unreadable.length === 1) return { reason, detail, bytes: first.bytes ?? whole };
  return { reason, detail: `${detail} (and ${unreadable.length - 1} more)`, bytes: whole };
}

// Without a time of its own it would be as old as what it came from, and Kafka might remove it unread.
function rekeyedRecord(
  { event, cluster }: RecordEvent,
  otherwise: string,
  record: LogRecord,
): OutgoingRecord & { readonly value: Buffer } {
  return {
    key: keyOf(event.auditID),
    value: Buffer.from(encodeEvent(event)),
    headers: { [CLUSTER_HEADER]: cluster ?? otherwise, [TIME_HEADER]: String(record.timestampMs) },
  };
}

/** Longest auditID that is a key as it is: the API server's own have 36 characters, clients may send anything. */
const MAX_KEY = 64;

function keyOf(auditID: string): string {
  return auditID.length <= MAX_KEY ? auditID : createHash('sha256').update(auditID).digest('hex');
}
