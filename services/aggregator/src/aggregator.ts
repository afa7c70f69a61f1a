import { settingsWithSystem } from '@leastwise/activity';
import {
  createMetrics,
  type Log,
  type Metrics,
  type RunningService,
  retry,
  startHealthServer,
} from '@leastwise/runtime';
import { LogError, type Partition, type PartitionedLog } from '@leastwise/source';
import { clusterId, committedOffset, type KafkaConnection, openKafkaLog } from '@leastwise/source-kafka';
import {
  checkRedis,
  closeRedis,
  type Connection,
  connectRedis,
  RedisStore,
  StateAdmin,
} from '@leastwise/state-redis';

import { createAlertMetrics } from './alerts/alert-metrics.ts';
import { runAlerting } from './alerts/alerting.ts';
import { alertingOptions } from './alerts/alerting-options.ts';
import type { AggregatorConfig } from './config.ts';
import { kafkaConnection, patternOf, redisConnection, UnusableConfigError } from './connections.ts';
import { AggregatorHandler, type HandlerOptions, StateLostError } from './handler.ts';
import { createAggregatorMetrics } from './metrics.ts';

/** An aggregator at work. */
export interface Aggregator extends RunningService {
  readonly ended: Promise<void>;
  /** Where health and metrics are served. */
  readonly address: { readonly host: string; readonly port: number };
}

const PATIENCE = { baseMs: 100, maxMs: 5000 } as const;
const EXIT_RECREATED = 3;
const MAX_CLUSTERS = 100;
const MAX_PARTITIONS = 1000;

async function openRedis(config: AggregatorConfig, log: Log): Promise<Connection> {
  const connection = await connectRedis({
    ...(await redisConnection(config)),
    onTrouble: (message) => log.warn('trouble with redis', { reason: message }),
  });
  const { problems, warnings } = await checkRedis(connection);
  for (const warning of warnings) log.warn('redis is not as it should be', { reason: warning });
  if (problems.length === 0) return connection;
  await closeRedis(connection);
  throw new UnusableConfigError(`Redis cannot hold the state: ${problems.join('; ')}`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.+*?^$()[\]{}|\\]/g, String.raw`\$&`);
}

/** The topics to read, with those that take what is produced again. @throws UnusableConfigError */
export function topicsOf({ kafka }: AggregatorConfig): (string | RegExp)[] {
  const { topics, topicPattern, keyedSuffix, deadLetterTopic } = kafka;
  const pattern = patternOf('kafka.topicPattern', topicPattern);
  if (topics.length === 0 && !pattern) {
    throw new UnusableConfigError('one of kafka.topics and kafka.topicPattern is needed');
  }
  const names = topics.flatMap((topic) => [topic, `${topic}${keyedSuffix}`]);
  if (names.includes(deadLetterTopic)) {
    throw new UnusableConfigError('kafka.deadLetterTopic is one of the topics that are read');
  }
  if (!pattern) return names;
  // A dead letter that is read again dies again.
  const alive = `(?!${escaped(deadLetterTopic)}(?:${escaped(keyedSuffix)})?$)`;
  return [
    ...names,
    new RegExp(`${alive}(?:${pattern.source})`),
    new RegExp(`${alive}(?:${pattern.source})${escaped(keyedSuffix)}`),
  ];
}

function clusterRules({ cluster }: AggregatorConfig): HandlerOptions['cluster'] {
  const { name, field, header, topicPattern } = cluster;
  return { name, field, header, topicPattern: patternOf('cluster.topicPattern', topicPattern) };
}

function openLog(config: AggregatorConfig, connection: KafkaConnection, log: Log): PartitionedLog {
  const { kafka } = config;
  return openKafkaLog({
    ...connection,
    groupId: kafka.groupId,
    topics: topicsOf(config),
    missingTopics: kafka.missingTopics,
    sessionTimeoutMs: kafka.sessionTimeout,
    heartbeatIntervalMs: kafka.heartbeatInterval,
    batchRecords: kafka.batchRecords,
    batchBytes: kafka.batchBytes,
    outageMs: config.outage,
    log: (level, message, fields) => log[level](message, fields),
    onStopped: (partition, reason) => log.error('partition stopped', { ...partition, reason }),
  });
}

/** Makes the metrics that are asked for at each scrape: how far partitions are read, and how old the newest events are. */
export function addGauges(
  metrics: Metrics,
  partitioned: Pick<PartitionedLog, 'progress'>,
  handler: Pick<AggregatorHandler, 'newest'>,
): void {
  const partitions = { topic: { max: MAX_PARTITIONS }, partition: { max: MAX_PARTITIONS } };
  metrics.gauge({
    name: 'leastwise_lag_records',
    help: 'Records of our partitions that are not in the state yet. A steady rise asks for more aggregators.',
    openLabels: partitions,
    collect: (gauge) => {
      gauge.reset();
      for (const { partition, position, end } of partitioned.progress()) {
        const labels = { topic: partition.topic, partition: String(partition.partition) };
        gauge.set(labels, Math.max(0, end - position));
      }
    },
  });
  metrics.gauge({
    name: 'leastwise_assigned_partitions',
    help: 'Partitions that this process reads. None for long means that there are more aggregators than partitions.',
    collect: (gauge) => gauge.set(partitioned.progress().length),
  });
  metrics.gauge({
    name: 'leastwise_last_event_age_seconds',
    help: 'How old the newest event of a cluster is that this process has stored. A rise means that its shipper is silent.',
    openLabels: { cluster: { max: MAX_CLUSTERS } },
    collect: (gauge) => {
      for (const [cluster, us] of handler.newest()) gauge.set({ cluster }, Date.now() / 1000 - us / 1e6);
    },
  });
}

/** How far the group has read a partition, unless somebody wants all of it to be read anew. */
function committedReader(
  { kafka, redis, outage }: AggregatorConfig,
  connections: Pick<HandlerSurroundings, 'kafka' | 'redis'>,
): (partition: Partition) => Promise<number | undefined> {
  const admin = new StateAdmin(connections.redis, { prefix: redis.prefix, outageMs: outage });
  return async (partition) => {
    if ((await admin.rebuildAskedAt()) !== undefined) return undefined;
    return committedOffset(connections.kafka, kafka.groupId, partition);
  };
}

/** What no restart mends, and nobody may skip over, ends with a code of its own. */
function withExitCode(error: unknown): unknown {
  if (!(error instanceof LogError)) return error;
  if (error.failure === 'recreated') return Object.assign(error, { exitCode: EXIT_RECREATED });
  const { cause } = error;
  return cause instanceof StateLostError ? Object.assign(error, { exitCode: cause.exitCode }) : error;
}

function makeHandler(config: AggregatorConfig, surroundings: HandlerSurroundings): AggregatorHandler {
  const { kafka, state } = config;
  const { partitioned, store, metrics, log } = surroundings;
  return new AggregatorHandler({
    store,
    writer: partitioned.writer,
    metrics: createAggregatorMetrics(metrics),
    log,
    ...(state.rebuild ? {} : { readBefore: committedReader(config, surroundings) }),
    options: {
      cluster: clusterRules(config),
      skewMs: config.skew,
      settings: settingsWithSystem(config.detections.systemIdentities),
      keyedSuffix: kafka.keyedSuffix,
      deadLetterTopic: kafka.deadLetterTopic,
      deadLetterBytes: kafka.deadLetterBytes,
      dedupeHours: state.dedupeHours,
      now: Date.now,
      patience: { ...PATIENCE, totalMs: config.outage },
    },
  });
}

interface HandlerSurroundings {
  readonly kafka: KafkaConnection;
  readonly redis: Connection;
  readonly partitioned: PartitionedLog;
  readonly store: RedisStore;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Positions mean something in one Kafka only: with those of another one, its records would be skipped. */
async function bindToKafka(
  config: AggregatorConfig,
  { kafka, store, log }: Pick<HandlerSurroundings, 'kafka' | 'store' | 'log'>,
): Promise<void> {
  const id = await retry(() => clusterId(kafka), {
    ...PATIENCE,
    totalMs: config.outage,
    isRetriable: (error) => error instanceof LogError && error.failure === 'unreachable',
    onRetry: ({ error }) => log.warn('kafka cannot be reached', { err: error }),
  });
  const bound = await store.bindTo(id);
  if (bound === id) return;
  throw new UnusableConfigError(
    `the state under "${config.redis.prefix}" is of the Kafka ${bound}, and this one is ${id}: ` +
      'give each Kafka a redis.prefix of its own, or forget the old one with `leastwise state rebuild`',
  );
}

/** Rejects when a connection has ended for good: it was away for too long. */
function lossOf(connection: Connection): Promise<never> {
  const loss = new Promise<never>((_, reject) => {
    connection.once('end', () => {
      reject(new Error('Redis was away for too long'));
    });
  });
  loss.catch(() => undefined);
  return loss;
}

/** Closes windows beside the reading; at once over where nobody wants that. */
async function startAlerting(
  config: AggregatorConfig,
  { redis, partitioned, metrics, log }: Omit<HandlerSurroundings, 'kafka' | 'store'>,
  signal: AbortSignal,
): Promise<void> {
  if (!config.alerts.enabled) return;
  const options = alertingOptions(config);
  const parts = {
    connection: redis,
    writer: partitioned.writer,
    metrics: createAlertMetrics(metrics),
    log,
    options,
  };
  await runAlerting(parts, signal);
}

/**
 * Starts an aggregator: checks Redis, serves health and metrics, joins its group and reads.
 * @throws UnusableConfigError where the configuration, or what Redis is like, makes a start useless
 */
export async function startAggregator(config: AggregatorConfig, log: Log): Promise<Aggregator> {
  const kafka = await kafkaConnection(config);
  const partitioned = openLog(config, kafka, log);
  const redis = await openRedis(config, log);
  const store = new RedisStore(redis, {
    prefix: config.redis.prefix,
    dedupeHours: config.state.dedupeHours,
    outageMs: config.outage,
  });
  await bindToKafka(config, { kafka, store, log }).catch(async (error: unknown) => {
    await closeRedis(redis);
    throw error;
  });
  const metrics = createMetrics();
  const handler = makeHandler(config, { kafka, redis, partitioned, store, metrics, log });
  addGauges(metrics, partitioned, handler);
  const state = { isReading: true };
  const health = await startHealthServer({
    ...config.http,
    checks: {
      live: { reading: () => state.isReading },
      ready: { reading: () => state.isReading, redis: () => redis.status === 'ready' },
    },
    metrics,
    log,
  });
  log.info('serving health and metrics', health.address);
  const stop = new AbortController();
  const running = partitioned.run(handler, stop.signal);
  const alerting = startAlerting(config, { redis, partitioned, metrics, log }, stop.signal);
  const ended = Promise.race([running, lossOf(redis), alerting.then(() => running)])
    .catch((error: unknown) => {
      throw withExitCode(error);
    })
    .finally(() => {
      state.isReading = false;
    });
  ended.catch(() => undefined);
  return {
    ended,
    address: health.address,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      // What failed is told by `ended`.
      await Promise.allSettled([running, alerting]);
      await partitioned[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await closeRedis(redis);
      await health[Symbol.asyncDispose]();
    },
  };
}
