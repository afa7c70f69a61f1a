#!/usr/bin/env node
// The baselines of the stream bench: `consume.mjs BROKERS TOPIC [parse]` fetches and decompresses a topic with
// kafkajs and our codecs, and parses each value where asked to. It says how far it has come.
import { randomUUID } from 'node:crypto';

const [brokers, topic, shallParse] = process.argv.slice(2);
// The client as the aggregator makes it: all codecs, and none of the timers that kafkajs runs by itself.
const { createClient } = await import(
  new URL('../../../packages/source-kafka/dist/client.js', import.meta.url).href
);

const client = createClient(
  {
    brokers: brokers.split(','),
    clientId: 'bench',
    connectionTimeoutMs: 5000,
    requestTimeoutMs: 30_000,
    log: () => undefined,
  },
  'long',
);
const consumer = client.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 250 });
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });

let seen = 0;
const decoder = new TextDecoder();
const counts = new Map();
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch }) => {
    for (const { value } of batch.messages) {
      if (shallParse !== 'parse') continue;
      const event = JSON.parse(decoder.decode(value));
      const key = `${event.user.username} ${event.verb} ${event.objectRef?.resource}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    seen += batch.messages.length;
    process.stdout.write(`${seen}\n`);
  },
});
process.on('SIGTERM', () => process.exit(0));
