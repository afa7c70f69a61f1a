import { setTimeout as sleep } from 'node:timers/promises';
import { LogError, partitionName } from '@leastwise/source';
import type { Partition, PartitionHandler, PartitionProgress } from '@leastwise/source';
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';
import { Assignment } from './assignment.ts';
import { createClient } from './client.ts';
import { hasType, rootMessage } from './failures.ts';
import { toFetched } from './fetched.ts';
import type { KafkaLogSettings } from './options.ts';
import { RevokedError } from './reader-host.ts';
import type { ReaderHost } from './reader-host.ts';
import { createStallWatch } from './stall-watch.ts';
import { createTopicBounds } from './topic-bounds.ts';
import type { TopicBounds } from './topic-bounds.ts';
import { findTopics, mayChange } from './topics.ts';
import { withWholeBatches } from './whole-batches.ts';

/** What becomes of a session that nothing went wrong with. */
export type SessionEnd = 'aborted' | 'topics-changed';

/** What a session is opened with. */
export interface SessionInput {
  readonly settings: KafkaLogSettings;
  readonly handler: PartitionHandler;
  /** Told when a partition could be claimed: the brokers are well. */
  readonly onHealthy: () => void;
  /** Told of named topics that are not there. @throws LogError where that will not do */
  readonly onMissing: (missing: readonly string[]) => void;
}

/** More partitions than this in one answer wait for each other. */
const CONCURRENCY = 64;
const LAST_COMMIT_MS = 3000;
const NO_TOPICS_PAUSE_MS = 5000;
/** How long a farewell may take where the brokers do not answer. */
const LEAVE_MS = 5000;
const NOT_A_MEMBER = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'] as const;
/** What kafkajs logs when it is about to read on at the oldest record. It tells so nowhere else. */
const OUT_OF_RANGE = 'Offset out of range, resetting to default offset';

/** One membership in the group: joined, read with, and left. */
export class KafkaSession {
  readonly #input: SessionInput;
  readonly #consumer: Consumer;
  readonly #admin: Admin;
  readonly #bounds: TopicBounds;
  readonly #assignment: Assignment;
  readonly #committed = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #over: Promise<SessionEnd>;
  #end: (end: SessionEnd) => void = ignore;
  #fail: (error: unknown) => void = ignore;
  #heartbeat: (() => Promise<void>) | undefined;
  #running: Promise<void> | undefined;
  #heldBytes = 0;
  #isEnding = false;
  #hasCrashed = false;

  constructor(input: SessionInput) {
    const { settings } = input;
    this.#input = input;
    this.#over = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.#over.catch(ignore);
    const client = createClient(settings, 'long', (message, fields) => {
      if (message === OUT_OF_RANGE) this.#assignment.get(toPartition(fields))?.outOfRange();
    });
    this.#consumer = client.consumer({
      groupId: settings.groupId,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: settings.heartbeatIntervalMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      maxWaitTimeInMs: settings.maxWaitMs,
      metadataMaxAge: settings.topicsEveryMs,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    });
    this.#admin = createClient(settings, 'short').admin();
    this.#bounds = createTopicBounds(this.#admin);
    this.#assignment = new Assignment(this.#host(), (error) => {
      this.#fail(error);
    });
  }

  /**
   * Reads until `signal` aborts, topics come or go, or something fails. Everything is released and closed when it
   * settles.
   * @throws LogError where the handler failed or a position cannot be read; what the client threw otherwise
   */
  async run(signal: AbortSignal): Promise<SessionEnd> {
    const abort = (): void => {
      this.#end('aborted');
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    const begun = this.#begin();
    begun.catch((error: unknown) => {
      this.#fail(error);
    });
    try {
      return await this.#over;
    } finally {
      signal.removeEventListener('abort', abort);
      await this.#close(begun);
    }
  }

  /** The partitions that have been claimed. */
  progress(): readonly PartitionProgress[] {
    return this.#assignment.readers().flatMap((reader) => reader.progress() ?? []);
  }

  async #begin(): Promise<void> {
    const { settings, onMissing } = this.#input;
    await this.#admin.connect();
    const { names, missing } = await findTopics(this.#admin, settings.topics);
    onMissing(missing);
    if (names.length === 0) {
      this.#every(NO_TOPICS_PAUSE_MS, () => this.#lookForTopics(names));
      return;
    }
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...names], fromBeginning: true });
    if (this.#isOver()) return;
    this.#listen();
    this.#every(settings.commitEveryMs, () => this.#commit());
    this.#every(settings.endsEveryMs, this.#watchEnds());
    if (mayChange(settings.topics, missing)) {
      this.#every(settings.topicsEveryMs, () => this.#lookForTopics(names));
    }
    this.#running = withWholeBatches(() =>
      this.#consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: CONCURRENCY,
        eachBatch: (payload) => this.#offer(payload),
      }),
    );
    await this.#running;
  }

  #listen(): void {
    const { events } = this.#consumer;
    // Listeners run before the first record of a generation is asked for.
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      this.#join(payload.memberAssignment);
    });
    this.#consumer.on(events.REBALANCING, () => {
      this.#assignment.revoke();
    });
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      // Nothing but control records, or aborted ones: nothing is handed over, and kafkajs reads on by itself.
      if (payload.batchSize !== 0) return;
      this.#assignment.get(payload)?.skip(Number(payload.lastOffset), Number(payload.highWatermark));
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      this.#hasCrashed = true;
      this.#fail(payload.error);
    });
  }

  #isOver(): boolean {
    return this.#isEnding;
  }

  #join(assigned: Readonly<Record<string, readonly number[]>>): void {
    this.#assignment.revoke();
    const topics = Object.entries(assigned);
    this.#consumer.pause(topics.map(([topic, partitions]) => ({ topic, partitions: [...partitions] })));
    if (this.#isEnding) return;
    this.#committed.clear();
    this.#assignment.assign(
      topics.flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition }))),
    );
  }

  async #offer(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.#heartbeat = () => payload.heartbeat();
    await this.#assignment.get(batch)?.offer(toFetched(batch));
  }

  #host(): ReaderHost {
    const { settings, handler, onHealthy } = this.#input;
    return {
      handler,
      limits: { records: settings.batchRecords, bytes: settings.batchBytes },
      start: (partition, offset) => {
        onHealthy();
        this.#consumer.seek({ ...partition, offset: String(offset) });
        this.#consumer.resume([toTopicPartitions(partition)]);
      },
      pause: (partition) => {
        if (!this.#hasCrashed) this.#consumer.pause([toTopicPartitions(partition)]);
      },
      resume: (partition) => {
        if (!this.#hasCrashed) this.#consumer.resume([toTopicPartitions(partition)]);
      },
      bounds: (partition, isFresh) => this.#bounds.of(partition, isFresh),
      heartbeat: () => this.#beat(),
      isFull: () => this.#heldBytes > settings.readAheadBytes,
      hold: (bytes) => {
        this.#heldBytes += bytes;
      },
      stopped: (partition, reason) => {
        settings.log('error', 'a partition is not read any more', {
          partition: partitionName(partition),
          reason,
        });
        settings.onStopped(partition, reason);
      },
      log: (level, message, fields) => {
        settings.log(level, message, fields);
      },
    };
  }

  /** The client beats by itself as long as it fetches; this one tells at once when the membership is gone. */
  async #beat(): Promise<void> {
    try {
      await this.#heartbeat?.();
    } catch (error) {
      if (!hasType(error, ...NOT_A_MEMBER)) return;
      this.#assignment.revoke();
      throw new RevokedError('this worker is not a member of the group any more', { cause: error });
    }
  }

  async #commit(): Promise<void> {
    const moved = this.#assignment
      .readers()
      .flatMap((reader) => reader.stored() ?? [])
      .filter(({ partition, position }) => this.#committed.get(partitionName(partition)) !== position);
    if (moved.length === 0 || this.#hasCrashed) return;
    await this.#consumer.commitOffsets(
      moved.map(({ partition, position }) => ({ ...partition, offset: String(position) })),
    );
    for (const { partition, position } of moved) this.#committed.set(partitionName(partition), position);
  }

  #watchEnds(): () => Promise<void> {
    const watch = createStallWatch(this.#input.settings.stuckAfterMs);
    return async () => {
      const readers = this.#assignment.readers();
      const topics = new Set(readers.map(({ partition }) => partition.topic));
      for (const topic of topics) {
        const bounds = await this.#bounds.ofTopic(topic);
        for (const reader of readers) {
          if (reader.partition.topic !== topic || reader.isRevoked()) continue;
          reader.noteEnd(bounds.get(reader.partition.partition)?.high ?? 0);
          const progress = reader.progress();
          if (progress === undefined || !watch.isStuck(progress, reader.isWaiting())) continue;
          this.#fail(stuckError(progress));
        }
      }
    };
  }

  async #lookForTopics(known: readonly string[]): Promise<void> {
    const { names } = await findTopics(this.#admin, this.#input.settings.topics);
    if (names.join() !== known.join()) this.#end('topics-changed');
  }

  /** Errors are for the next time: whatever lasts is noticed by the reading itself. */
  #every(ms: number, work: () => Promise<void>): void {
    let isBusy = false;
    const timer = setInterval(() => {
      if (isBusy || this.#isEnding) return;
      isBusy = true;
      work()
        .catch((error: unknown) => {
          this.#input.settings.log('warn', 'the brokers did not answer', { reason: rootMessage(error) });
        })
        .finally(() => {
          isBusy = false;
        });
    }, ms);
    this.#timers.add(timer);
  }

  async #close(begun: Promise<void>): Promise<void> {
    this.#isEnding = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#hasCrashed) this.#assignment.revoke();
    const hasRead = this.progress().length > 0;
    await this.#assignment.finish();
    const left = this.#leave(begun, hasRead);
    // Connections that are still being opened need not be waited for: nobody counts on us yet.
    if (this.#running !== undefined) await atMost(left, LEAVE_MS);
  }

  async #leave(begun: Promise<void>, mayCommit: boolean): Promise<void> {
    // A consumer that is stopped while it joins would be left running.
    await begun.catch(ignore);
    if (mayCommit) await atMost(this.#commit().catch(ignore), LAST_COMMIT_MS);
    await this.#consumer.disconnect().catch(ignore);
    await this.#admin.disconnect().catch(ignore);
  }
}

/** Waits for something, but not for long; the time keeps nothing alive once it is there. */
async function atMost(done: Promise<void>, ms: number): Promise<void> {
  const enough = new AbortController();
  await Promise.race([done, sleep(ms, undefined, { signal: enough.signal }).catch(ignore)]);
  enough.abort();
}

function stuckError({ partition, position, end }: PartitionProgress): LogError {
  return new LogError(
    'stuck',
    `${partitionName(partition)} stands at ${position}, though it goes on to ${end}`,
  );
}

function toTopicPartitions({ topic, partition }: Partition): { topic: string; partitions: number[] } {
  return { topic, partitions: [partition] };
}

function toPartition({ topic, partition }: Readonly<Record<string, unknown>>): Partition {
  return { topic: String(topic), partition: Number(partition) };
}

function ignore(): void {
  // Told elsewhere, or of no use.
}
