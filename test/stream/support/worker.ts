import { createMetrics, createNullLog } from '@leastwise/runtime';
import { AggregatorHandler, createAggregatorMetrics, type HandlerOptions } from '@leastwise/aggregator';
import { type KafkaLogOptions, openKafkaLog } from '@leastwise/source-kafka';
import { RedisStore } from '@leastwise/state-redis';
import { Redis } from 'ioredis';

/** What workers of a test share. */
export interface Stage {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly prefix: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly kafka?: Partial<KafkaLogOptions>;
  readonly handler?: Partial<HandlerOptions>;
  readonly dedupeHours?: number;
}

const HANDLER: HandlerOptions = {
  cluster: { name: 'default', header: undefined, topicPattern: undefined, field: undefined },
  skewMs: 300_000,
  keyedSuffix: '-keyed',
  deadLetterTopic: 'dead-letters',
  deadLetterBytes: 900_000,
  dedupeHours: 2,
  now: Date.now,
  patience: { baseMs: 20, maxMs: 500, totalMs: 60_000 },
};

/** A store of a stage, on a connection of its own. */
export function openStore({ redisUrl, prefix, dedupeHours = 48 }: Stage): {
  readonly store: RedisStore;
  readonly close: () => Promise<void>;
} {
  const connection = new Redis(redisUrl);
  const store = new RedisStore(connection, { prefix, dedupeHours });
  return {
    store,
    close: async () => {
      await store[Symbol.asyncDispose]();
      await connection.quit();
    },
  };
}

/** An aggregator in this process. */
export interface InProcessWorker {
  /** Resolves when it has stopped, with what made it stop where nobody asked it to. */
  stop(): Promise<void>;
}

/** Starts an aggregator in this process. */
export function startWorker(stage: Stage): InProcessWorker {
  const { store, close } = openStore(stage);
  const log = openKafkaLog({
    brokers: stage.brokers,
    groupId: stage.groupId,
    topics: stage.topics,
    maxWaitMs: 100,
    sessionTimeoutMs: 6000,
    heartbeatIntervalMs: 500,
    ...stage.kafka,
  });
  const handler = new AggregatorHandler({
    store,
    writer: log.writer,
    metrics: createAggregatorMetrics(createMetrics()),
    log: createNullLog(),
    options: { ...HANDLER, ...stage.handler },
  });
  const stop = new AbortController();
  const running = log.run(handler, stop.signal);
  running.catch(() => undefined);
  return {
    stop: async () => {
      stop.abort();
      try {
        await running;
      } finally {
        await log[Symbol.asyncDispose]();
        await close();
      }
    },
  };
}

/**
 * Resolves when the state has come to the ends of all partitions.
 * @throws Error where that takes too long, with how far it came
 */
export async function caughtUp(
  store: RedisStore,
  ends: ReadonlyMap<string, number>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const positions = new Map((await store.positions()).map(({ source, position }) => [source, position]));
    const behind = [...ends].filter(([source, end]) => end > 0 && Number(positions.get(source) ?? '0') < end);
    if (behind.length === 0) return;
    if (Date.now() > deadline) {
      const where = behind.map(([source, end]) => `${source} ${positions.get(source) ?? '-'} of ${end}`);
      throw new Error(`not caught up: ${where.join(', ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
