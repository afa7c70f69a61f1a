/** One partition of a log that several workers share: of a Kafka topic, for example. */
export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** The name of a partition, unique among all topics: `topic/partition`. */
export function partitionName({ topic, partition }: Partition): string {
  return `${topic}/${partition}`;
}

/** One record of a partition. Its bytes are valid until the handler's promise settles: copy what must live longer. */
export interface LogRecord {
  /** Ascending within the partition, with holes where the log was compacted or holds control records. */
  readonly offset: number;
  /** Milliseconds since the epoch, by the log's own word: producers may have set it, but no client of the API server. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** By name, as bytes; the last one where a name comes twice. */
  readonly headers: ReadonlyMap<string, Uint8Array>;
}

/** Consecutive records of a partition. */
export interface LogBatch {
  readonly partition: Partition;
  /** Where reading went on: what the handler was left at. */
  readonly from: number;
  /** May be empty: then the log holds nothing for us between `from` and `to`. */
  readonly records: readonly LogRecord[];
  /** The first offset that is not in this batch; above `from`. */
  readonly to: number;
  /** One above the newest record that the partition had when this batch was read. */
  readonly end: number;
}

/**
 * What became of a batch. `stored`: everything up to `to` is durable. `gathered`: it was taken, to be stored together
 * with later ones, so reading may go on and nobody may be told that it is done. `moved`: the state is not where this
 * worker believed, or another one owns the partition: it must be claimed again if it is still ours.
 */
export type BatchOutcome = 'stored' | 'gathered' | 'moved';

/** What a worker does with the partitions that it is given. Calls for one partition never overlap. */
export interface PartitionHandler {
  /**
   * Takes a partition over from whoever had it.
   * @returns where to read on; `undefined` where nothing was ever read of it: then reading begins at the oldest record
   */
  claim(partition: Partition): Promise<number | undefined>;
  /**
   * Makes a batch durable, now or together with later ones. It may take long: `alive` is to be called now and then, and throws where the
   * partition is not ours any more, so that the handler gives up.
   * @throws what cannot be helped by waiting; retrying outages is the handler's own business
   */
  take(batch: LogBatch, alive: () => Promise<void>): Promise<BatchOutcome>;
  /**
   * Records from `from` up to `to` are gone from the log, unread (retention). Durable like a batch; reading goes
   * on at `to`.
   */
  lost(partition: Partition, from: number, to: number): Promise<Exclude<BatchOutcome, 'gathered'>>;
  /**
   * Makes durable what was only gathered: asked soon after a batch that no other one follows, and before the partition is
   * given up in peace. What was gathered of a partition that is lost is read again by its next owner.
   */
  settle?(partition: Partition): Promise<Exclude<BatchOutcome, 'gathered'>>;
  /** The partition is not ours any more. Nothing of it is to be written from now on. */
  release(partition: Partition): Promise<void>;
}

/** Why a worker cannot go on. */
export type LogFailure =
  /** A partition ends before the position that the state holds: the topic was made anew. Nothing is skipped by itself. */
  | 'recreated'
  /** The log or the network is gone for longer than retries last. */
  | 'unreachable'
  /** The log takes our credentials for wrong, or permits too little. */
  | 'refused'
  /** A partition has records that are not being read. */
  | 'stuck'
  /** The handler threw. */
  | 'handler';

/** A worker that had to end. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code = 'LW_LOG';
  readonly failure: LogFailure;

  constructor(failure: LogFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** A record in need of a new home: another topic, the dead letters. */
export interface OutgoingRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs?: number;
}

/** Where a worker appends records. */
export interface LogWriter {
  /**
   * Resolves when all of them are durable. May append a record twice where an answer was lost.
   * @throws LogError where the topic cannot be written for now (`unreachable`) or at all (`refused`)
   */
  append(topic: string, records: readonly OutgoingRecord[]): Promise<void>;
}

/** How far a partition has been read. */
export interface PartitionProgress {
  readonly partition: Partition;
  readonly position: number;
  /** One above the newest record. */
  readonly end: number;
}

/** A log that several workers share: partitions come and go as workers do, each record goes to one of them at a time. */
export interface PartitionedLog extends AsyncDisposable {
  /**
   * Reads until `signal` aborts: then it lets the running batches end, leaves the others their partitions, and resolves.
   * @throws LogError
   */
  run(handler: PartitionHandler, signal: AbortSignal): Promise<void>;
  /** The partitions that this worker has now. */
  progress(): readonly PartitionProgress[];
  readonly writer: LogWriter;
}
