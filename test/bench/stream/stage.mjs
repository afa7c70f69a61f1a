// The servers of the bench, and what it asks them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { startKafka, startRedis } from '@leastwise/testkit';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const STREAMS_OUT = join(homedir(), '.cache', 'leastwise-test', 'kafka-streams-counts');
const LONG = { 'retention.ms': '-1', 'max.message.bytes': '16000000' };

/** Starts a broker and Redis in a folder of their own, which goes with them. */
export async function openStage() {
  const dir = mkdtempSync(join(tmpdir(), 'leastwise-bench-'));
  const kafka = await startKafka({ dir, properties: { 'message.max.bytes': '16000000' } });
  const redis = await startRedis({ dir: join(dir, 'redis') });
  const client = new Redis(redis.url);
  const admin = new kafkajs.Kafka({ brokers: kafka.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    dir,
    kafka,
    redis,
    client,
    admin,
    brokers: kafka.brokers.join(','),
    createTopics: (topics) => createTopics(admin, topics),
    close: async () => {
      await admin.disconnect();
      client.disconnect();
      await redis.stop();
      await kafka.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function createTopics(admin, topics) {
  await admin.createTopics({
    waitForLeaders: false,
    topics: Object.entries(topics).map(([topic, numPartitions]) => ({
      topic,
      numPartitions,
      configEntries: Object.entries(LONG).map(([name, value]) => ({ name, value })),
    })),
  });
  // The client's own waiting for leaders gives up at once where the broker does not know the topic yet.
  for (const topic of Object.keys(topics)) {
    for (let tries = 1; ; tries += 1) {
      try {
        await admin.fetchTopicOffsets(topic);
        break;
      } catch (error) {
        if (tries === 50) throw error;
        await sleep(200);
      }
    }
  }
}

/** By partition, one above its newest record. */
export async function endsOf({ admin }, topic) {
  const offsets = await admin.fetchTopicOffsets(topic);
  return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
}

/** By partition, the position that the state has reached. */
export async function positionsOf({ client }, prefix, topic, partitions) {
  const keys = Array.from({ length: partitions }, (_, i) => `${prefix}p:${topic}/${i}`);
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.hget(key, 'o');
  return (await pipeline.exec()).map(([, position]) => Number(position ?? 0));
}

/** What Redis has used so far: seconds of CPU, and bytes. */
export async function redisUse({ client }) {
  const number = (text, name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)?.[1] ?? 0);
  const cpu = await client.info('cpu');
  return {
    cpu: number(cpu, 'used_cpu_sys') + number(cpu, 'used_cpu_user'),
    bytes: number(await client.info('memory'), 'used_memory'),
  };
}

/** How many cells, subjects and pieces of remembered identities the partitions of a state hold. */
export async function contentOf({ client }, prefix, topic, partitions) {
  const found = { cells: 0, subjects: 0, pieces: 0 };
  const names = { a: 'cells', d: 'cells', s: 'subjects', f: 'pieces' };
  for (let i = 0; i < partitions; i += 1) {
    for (const field of await client.hkeys(`${prefix}p:${topic}/${i}`)) {
      const name = field.startsWith('["') ? names[field.slice(2, field.indexOf('"', 2))] : undefined;
      if (name) found[name] += 1;
    }
  }
  return found;
}

/** Builds the peer where it is not built: `undefined`, and why on stderr, where that cannot be done. */
export function buildKafkaStreams() {
  const pom = here('kafka-streams/pom.xml');
  const classpath = `${STREAMS_OUT}/classes:${STREAMS_OUT}/libs/*`;
  const maven = (...goals) =>
    execFileSync('mvn', ['-q', '-B', '-f', pom, `-Dbench.out=${STREAMS_OUT}`, ...goals], { stdio: 'pipe' });
  try {
    const classes = join(STREAMS_OUT, 'classes', 'bench', 'Counts.class');
    const sources = [pom, here('kafka-streams/src/main/java/bench/Counts.java')];
    const built = existsSync(classes) ? statSync(classes).mtimeMs : 0;
    if (sources.every((file) => statSync(file).mtimeMs < built)) return classpath;
    mkdirSync(STREAMS_OUT, { recursive: true });
    if (!existsSync(join(STREAMS_OUT, 'libs'))) {
      maven(
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${STREAMS_OUT}/libs`,
      );
    }
    maven('compile');
    return classpath;
  } catch (error) {
    process.stderr.write(
      `Kafka Streams cannot be built, so it is left out: ${String(error.stdout ?? error)}\n`,
    );
    return undefined;
  }
}
