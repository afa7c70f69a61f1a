// What a change of workers costs: the worst time from a record's timestamp to the commit that covers it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import kafkajs from 'kafkajs';

import { eventsOf } from './events.mjs';
import { startAggregator } from './paths.mjs';
import { positionsOf } from './stage.mjs';

const PARTITIONS = 6;
const EVERY_MS = 25;
const POLL_MS = 5;
const QUIET_MS = 2000;
export const SESSION_MS = 10_000;

/** Appends a record to each partition again and again, and knows of each when that was. */
async function startTraffic(stage, topic) {
  const kafka = new kafkajs.Kafka({
    brokers: stage.kafka.brokers,
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = kafka.producer();
  await producer.connect();
  const sent = Array.from({ length: PARTITIONS }, () => []);
  const events = eventsOf({ count: 1e9, subjects: 50, mix: 'metadata', perHour: 1e5 });
  const state = { isOn: true };
  const ended = (async () => {
    while (state.isOn) {
      const now = Date.now();
      const messages = sent.map((_, partition) => {
        const { key, value } = events.next().value;
        return { partition, key, value, timestamp: String(now) };
      });
      for (const { partition, baseOffset } of await producer.send({ topic, messages })) {
        sent[partition].push({ offset: Number(baseOffset), ms: now });
      }
      await sleep(EVERY_MS);
    }
    await producer.disconnect();
  })();
  return {
    sent,
    stop: async () => {
      state.isOn = false;
      await ended;
    },
  };
}

/** Looks at the state all the time, and keeps the worst latency since it was asked last. */
function startWatch(stage, prefix, topic, sent) {
  const state = { isOn: true, worst: 0, seen: 0 };
  const next = sent.map(() => 0);
  const ended = (async () => {
    while (state.isOn) {
      const positions = await positionsOf(stage, prefix, topic, PARTITIONS);
      const now = Date.now();
      for (const [partition, records] of sent.entries()) {
        for (; next[partition] < records.length; next[partition] += 1) {
          const { offset, ms } = records[next[partition]];
          if (offset >= positions[partition]) break;
          state.worst = Math.max(state.worst, now - ms);
          state.seen += 1;
        }
      }
      await sleep(POLL_MS);
    }
  })();
  return {
    worst: () => {
      const { worst } = state;
      state.worst = 0;
      return worst;
    },
    /** Whether all that was sent is there. */
    isLevel: () => sent.every((records, partition) => records.length - next[partition] < 3),
    stop: async () => {
      state.isOn = false;
      await ended;
    },
  };
}

/** @returns by what happened, the worst latency of any record in milliseconds */
export async function pauses(stage) {
  const topic = 'pauses';
  const prefix = `${randomUUID()}:`;
  await stage.createTopics({ [topic]: PARTITIONS, [`${topic}-keyed`]: PARTITIONS });
  const name = 'LEASTWISE_AGGREGATOR_KAFKA';
  const env = {
    [`${name}_SESSION_TIMEOUT`]: `${SESSION_MS}ms`,
    [`${name}_HEARTBEAT_INTERVAL`]: '1s',
  };
  const startOne = () => startAggregator(stage, { topic, prefix, env });
  const first = startOne();
  const traffic = await startTraffic(stage, topic);
  const watch = startWatch(stage, prefix, topic, traffic.sent);
  const level = async (leastMs) => {
    await sleep(leastMs);
    while (!watch.isLevel()) await sleep(POLL_MS);
    await sleep(QUIET_MS);
  };
  const workers = [first];
  try {
    await level(QUIET_MS);
    watch.worst();
    await level(QUIET_MS);
    const rows = [['nothing', watch.worst()]];
    workers.push(startOne());
    await level(4000);
    rows.push(['a second worker comes', watch.worst()]);
    await workers.shift().stop();
    await level(QUIET_MS);
    rows.push(['one of two is ended by SIGTERM', watch.worst()]);
    workers.push(startOne());
    await level(4000);
    watch.worst();
    const lost = workers.shift();
    lost.kill('SIGKILL');
    await lost.ended;
    await level(QUIET_MS);
    rows.push(['one of two is ended by SIGKILL', watch.worst()]);
    return rows;
  } finally {
    await traffic.stop();
    await watch.stop();
    await Promise.all(workers.map((each) => each.stop()));
    await stage.client.flushall();
  }
}
