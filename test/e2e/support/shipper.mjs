// In the place of Fluent Bit, where its binary cannot be had: it tails one log from its beginning, and produces records
// of the shape that Fluent Bit produces, the cluster's name set over whatever came. It remembers nothing: started again
// it sends everything again, as a shipper does that lost its offsets.
import { createReadStream, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import kafkajs from 'kafkajs';

const { AUDIT_LOG: log = '', CLUSTER_NAME: cluster, KAFKA_BROKERS: brokers = '' } = process.env;
const TOPIC = 'audit-events';

const producer = new kafkajs.Kafka({ clientId: 'shipper', brokers: brokers.split(',') }).producer({
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
});
await producer.connect();

async function ship(lines) {
  const messages = lines.map((line) => {
    const event = JSON.parse(line);
    const value = JSON.stringify({ '@timestamp': Date.now() / 1000, ...event, cluster });
    return { key: event.auditID, value };
  });
  if (messages.length > 0) await producer.send({ topic: TOPIC, messages, acks: -1 });
}

let at = 0;
for (;;) {
  if (existsSync(log)) {
    let rest = Buffer.alloc(0);
    for await (const chunk of createReadStream(log, { start: at, highWaterMark: 1 << 20 })) {
      const bytes = Buffer.concat([rest, chunk]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      await ship(bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1));
      at += end;
      rest = bytes.subarray(end);
    }
  }
  await sleep(200);
}
