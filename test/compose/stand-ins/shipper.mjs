// In the place of Fluent Bit, where it cannot be had: it tails a log over rotations and takes the webhook's batches, and
// produces records of the shapes that Fluent Bit was seen to produce. It reads no configuration of Fluent Bit, and what
// it does proves nothing about one.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import kafkajs from 'kafkajs';

const LOG = '/var/lib/leastwise/audit/audit.log';
const { CLUSTER_NAME: cluster, KAFKA_BROKERS: brokers = '' } = process.env;
const TOPIC = 'audit-events';
const CHUNK_BYTES = 1 << 20;

const producer = new kafkajs.Kafka({ clientId: 'shipper', brokers: brokers.split(',') }).producer();
await producer.connect();
let shipped = 0;

async function ship(events) {
  const messages = events.map((event) => ({
    key: event.auditID,
    value: JSON.stringify({ '@timestamp': Date.now() / 1000, ...event, cluster }),
  }));
  await producer.send({ topic: TOPIC, messages, acks: -1 });
  shipped += messages.length;
}

function open(path) {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const inodeAt = (path) => statSync(path, { throwIfNoEntry: false })?.ino;

/** Ships the whole lines of an open file from a place on, and returns the place after them. */
async function drain(file, from) {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let at = from;
  for (;;) {
    const length = readSync(file, buffer, 0, buffer.length, at);
    const end = buffer.subarray(0, length).lastIndexOf(0x0a);
    if (end === -1) return at;
    const lines = buffer.subarray(0, end).toString('utf8').split('\n');
    await ship(lines.map((line) => JSON.parse(line)));
    at += end + 1;
  }
}

async function tail() {
  for (;;) {
    const file = open(LOG);
    if (file !== undefined) {
      let at = 0;
      for (let isCurrent = true; isCurrent; await sleep(200)) {
        // Asked before the reading: what comes between the two is in the old file.
        isCurrent = inodeAt(LOG) === fstatSync(file).ino;
        at = await drain(file, at);
      }
      closeSync(file);
    }
    await sleep(200);
  }
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

createServer((request, response) => {
  const take = async () => {
    const { apiVersion, items } = await bodyOf(request);
    await ship(items.map((item) => ({ ...item, kind: 'Event', apiVersion })));
    response.writeHead(200).end();
  };
  take().catch((error) => {
    process.stderr.write(`${error.message}\n`);
    response.writeHead(500).end();
  });
}).listen(9880);

createServer((request, response) => {
  request.resume();
  const isMetrics = request.url.startsWith('/api/v2/metrics');
  response
    .writeHead(200, { 'content-type': 'text/plain' })
    .end(isMetrics ? `# TYPE shipper_records_total counter\nshipper_records_total ${shipped}\n` : 'ok\n');
}).listen(2020);

process.once('SIGTERM', () => process.exit(0));
await tail();
