#!/usr/bin/env node
// `produce.mjs BROKERS TOPIC EVENTS SUBJECTS MIX PER_HOUR`: fills a topic with generated events, lz4, keyed by auditID.
import kafkajs from 'kafkajs';

import { eventsOf } from './events.mjs';

const CHUNK_BYTES = 3_200_000;

const [brokers, topic, count, subjects, mix, perHour] = process.argv.slice(2);
const { createClient } = await import(
  new URL('../../../packages/source-kafka/dist/client.js', import.meta.url).href
);
const client = createClient({
  brokers: brokers.split(','),
  clientId: 'bench-producer',
  connectionTimeoutMs: 5000,
  requestTimeoutMs: 60_000,
  log: () => undefined,
});
const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
await producer.connect();
let messages = [];
let bytes = 0;
const send = async () => {
  await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.LZ4 });
  [messages, bytes] = [[], 0];
};
const wanted = { count: Number(count), subjects: Number(subjects), mix, perHour: Number(perHour) };
for (const { key, value, ms } of eventsOf(wanted)) {
  messages.push({ key, value, timestamp: String(ms) });
  bytes += value.length;
  if (bytes > CHUNK_BYTES) await send();
}
await send();
await producer.disconnect();
