// The ways through a topic that are compared. Each is a fresh process, measured from its start until its position is the
// end of the topic; `second` is the second half of the way, without the start and most of the JIT's work.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { contentOf, endsOf, positionsOf, redisUse } from './stage.mjs';
import { start } from './process.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const AGGREGATOR = here('../../../services/aggregator/bin/aggregator.js');
const POLL_MS = 50;
const LIMIT_MS = 900_000;
const sum = (numbers) => [...numbers].reduce((total, each) => total + each, 0);

/** Notes the CPU time of some processes at the middle and at the end of what they do. */
class Course {
  #processes;
  #total;
  #started = process.hrtime.bigint();
  #half;

  constructor(processes, total) {
    this.#processes = processes;
    this.#total = total;
  }

  /** @returns whether the end is reached */
  at(seen) {
    const cpu = () => sum(this.#processes.map((each) => each.cpu()));
    if (seen >= this.#total / 2) this.#half ??= { seen, cpu: cpu() };
    if (seen < this.#total) return false;
    const end = cpu();
    const second = this.#total - this.#half.seen;
    this.result = {
      events: this.#total,
      cpu: end,
      wall: Number(process.hrtime.bigint() - this.#started) / 1e9,
      second: second > 0 ? second / (end - this.#half.cpu) : 0,
      peakMiB: sum(this.#processes.map((each) => each.memory().peakMiB)),
    };
    return true;
  }
}

async function follow(processes, total, seenNow) {
  const course = new Course(processes, total);
  const deadline = Date.now() + LIMIT_MS;
  while (!course.at(await seenNow())) {
    for (const each of processes) each.check();
    if (Date.now() > deadline) throw new Error('the end of the topic is not reached');
    await sleep(POLL_MS);
  }
  return course.result;
}

/** Fetch, decompress, and JSON.parse where asked for. */
export async function consume(stage, { topic, events }, shallParse) {
  const args = [here('consume.mjs'), stage.brokers, topic, ...(shallParse ? ['parse'] : [])];
  const state = { course: undefined, tell: () => undefined };
  const done = new Promise((resolve) => (state.tell = resolve));
  const child = start(process.execPath, args, {
    logFile: join(stage.dir, 'consume.log'),
    onLine: (line) => {
      if (state.course.at(Number(line))) state.tell();
    },
  });
  state.course = new Course([child], events);
  await Promise.race([done, child.ended.then(() => child.check())]);
  await child.stop();
  return state.course.result;
}

/** Starts an aggregator as operators do: by its binary, configured by its environment. */
export function startAggregator(stage, { topic, prefix, env = {}, nodeArgs = [] }) {
  const name = 'LEASTWISE_AGGREGATOR';
  return start(process.execPath, [...nodeArgs, AGGREGATOR], {
    logFile: join(stage.dir, 'aggregator.log'),
    env: {
      [`${name}_HTTP_HOST`]: '127.0.0.1',
      [`${name}_HTTP_PORT`]: '0',
      [`${name}_KAFKA_BROKERS`]: stage.brokers,
      [`${name}_KAFKA_TOPICS`]: topic,
      [`${name}_KAFKA_GROUP_ID`]: prefix,
      [`${name}_REDIS_NODES`]: `127.0.0.1:${stage.redis.port}`,
      [`${name}_REDIS_PREFIX`]: prefix,
      // Hours are read in seconds here: judging all their windows would be most of the work, and is none of the counting.
      [`${name}_ALERTS_ENABLED`]: 'false',
      ...env,
    },
  });
}

/**
 * So many aggregators, with what they cost Redis. `after` is called while they have nothing to do any more.
 * @returns the course, and `redis`: seconds of CPU, bytes and what they hold
 */
export async function aggregate(stage, { topic, events, partitions }, options = {}) {
  const { workers = 1, after, ...rest } = options;
  const prefix = `${randomUUID()}:`;
  await stage.client.flushall();
  const before = await redisUse(stage);
  const started = Array.from({ length: workers }, () => startAggregator(stage, { topic, prefix, ...rest }));
  const positions = () => positionsOf(stage, prefix, topic, partitions);
  const result = await follow(started, events, async () => sum(await positions()));
  const end = await redisUse(stage);
  const content = await contentOf(stage, prefix, topic, partitions);
  const more = await after?.(started);
  await Promise.all(started.map((each) => each.stop()));
  const redis = { cpu: end.cpu - before.cpu, bytes: end.bytes - before.bytes, ...content };
  await stage.client.flushall();
  return { ...result, redis, ...more };
}

/** The peer in Java. */
export async function kafkaStreams(stage, { topic, events, partitions }, classpath) {
  const id = `bench-${randomUUID()}`;
  const args = [
    '-Xmx1g',
    ...['-cp', classpath, 'bench.Counts', stage.brokers, topic, id, join(stage.dir, 'streams')],
  ];
  const child = start('java', args, { logFile: join(stage.dir, 'streams.log') });
  const seen = async () => {
    const [found] = await stage.admin.fetchOffsets({ groupId: id, topics: [topic] });
    return sum(found.partitions.map(({ offset }) => Math.max(0, Number(offset))));
  };
  const result = await follow([child], events, seen);
  await child.stop();
  await stage.admin.deleteTopics({ topics: [`${id}-counts-changelog`] });
  if ((await endsOf(stage, topic)).size !== partitions) throw new Error('the topic has other partitions');
  return result;
}
