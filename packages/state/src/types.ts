import type { ActivityState } from '@leastwise/activity';
import type { Identity } from '@leastwise/audit-event';
import type { ClusterState } from '@leastwise/rbac';

/**
 * Version of the schema below. Since 3 evidence names bindings; since 4 activity has days of people's requests, and since 5
 * what detections found. A store that holds a newer one refuses to open.
 */
export const SCHEMA_VERSION = 5;

/** The identity of a request, with what a store needs to forget it in time. */
export interface SeenIdentity extends Identity {
  readonly cluster: string;
  /** When the API server received the request, in hours since the epoch. */
  readonly hour: number;
}

/** Several of them, each once. */
export interface SeenIdentities extends Iterable<SeenIdentity> {
  readonly length: number;
}

/** How many events were no good for counts, though nothing was wrong with them. */
export interface Tally {
  /** Came later than identities are remembered: they marked presence, and changed no count. */
  readonly late: number;
  /** Were gone from the log before they were read. */
  readonly lost: number;
}

/** What one batch of requests adds. Built by one worker, merged by the store with add, min, max, union and OR only. */
export interface Deltas {
  /** By cluster. Counts only for requests whose identity is in `counted`; presence for all. */
  readonly clusters: ReadonlyMap<string, ClusterState>;
  /**
   * By cluster, the windows of the requests that this batch counts, and what people did in them; empty where nobody
   * wants activity.
   */
  readonly activity: ReadonlyMap<string, ActivityState>;
  /** Identities counted in this batch: later stages and copies of them add no count. */
  readonly counted: SeenIdentities;
  /**
   * Identities, as RequestReceived shows them, of requests whose outcome is known though `counted` lacks
   * them: counted under an impersonated user, or skipped. Their RequestReceived is no open question.
   */
  readonly resolved: SeenIdentities;
  /** Identities of requests seen at RequestReceived, whose outcome is not known by that. */
  readonly received: SeenIdentities;
  /** By cluster, the newest time received in this batch, in microseconds: what lateness is measured against. */
  readonly watermarks: ReadonlyMap<string, number>;
  readonly tally: Tally;
}

/**
 * What became of a batch. `stale`: the state is already past `from`, so the batch was applied before
 * or another worker went on: claim again. `fenced`: another worker owns the source.
 */
export type ApplyResult = 'applied' | 'stale' | 'fenced';

/** A worker's right to apply batches of one source, and what it needs to build them. */
export interface Claim {
  readonly source: string;
  /** Random; fences a worker that lost the source. */
  readonly token: string;
  /** The position that the state has reached; `''` at the start. Read on from here. */
  readonly position: string;
  /** Secret key of request identities, the same for all workers of a state: 16 hexadecimal digits. */
  readonly identityKey: string;
  /** By cluster, the newest time received that the state knew of this source when it was claimed, in microseconds. */
  readonly watermarks: ReadonlyMap<string, number>;
  /**
   * For how many hours before the one of its cluster's watermark an identity is remembered; what is older
   * can be told from its copies no more. `Infinity` where all are kept.
   */
  readonly dedupeHours: number;
  /** Whether a request was counted already, by any earlier batch within `dedupeHours`. */
  isCounted(identity: SeenIdentity): boolean;
}

/** One batch of a source: from the position that the claim or the last batch left, to the next. */
export interface Batch {
  readonly claim: Claim;
  readonly from: string;
  readonly to: string;
  readonly deltas: Deltas;
}

/** Numbers of a store, for people. */
export interface StoreFacts extends Tally {
  /** Requests of which nothing but RequestReceived was seen. */
  readonly onlyReceived: number;
}

/**
 * Per-subject state. Its promise: after any crash and any repetition, the state equals what one
 * clean run over the distinct requests would have given.
 */
export interface SubjectStore extends AsyncDisposable {
  /** Takes a source over from whoever had it. */
  claim(source: string): Promise<Claim>;
  /**
   * Applies a batch at a position, once and whole: the position moves with the deltas or not at all.
   * Applying the same batch again answers `stale` and changes nothing.
   */
  applyBatch(batch: Batch): Promise<ApplyResult>;
  /** Resolves when everything applied before would survive a crash. */
  flush(): Promise<void>;
  /** The clusters in the order of their names. What it returns must not be changed. */
  read(): Promise<readonly ClusterState[]>;
  /**
   * The activity in each cluster, in the order of their names: the windows and days within the store's retention before
   * the cluster's newest request. What it returns must not be changed.
   */
  activity(): Promise<readonly ActivityState[]>;
  /** What `read` and `activity` answer, of one moment. */
  whole(): Promise<{
    readonly clusters: readonly ClusterState[];
    readonly activity: readonly ActivityState[];
  }>;
  facts(): Promise<StoreFacts>;
}

/** A state that this version cannot read, or that is damaged. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly code = 'LW_STATE';
}
