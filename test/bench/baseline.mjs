// usage: node baseline.mjs FILE
//
// What our benches compare with: the simplest program that reads every event, as most tools do it. Splits by newline,
// decodes UTF-8, parses the whole line, and counts by (user, verb, resource) in one Map. Prints one line of JSON.
import { closeSync, openSync, readSync } from 'node:fs';

const path = process.argv[2];
if (path === undefined) {
  console.error('usage: baseline.mjs FILE');
  process.exit(2);
}

const NEWLINE = 0x0a;
const counts = new Map();
let events = 0;

function countLine(line) {
  const event = JSON.parse(line);
  const key = `${event.user?.username} ${event.verb} ${event.objectRef?.resource}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  events += 1;
}

const startedMs = performance.now();
const file = openSync(path, 'r');
let buffer = Buffer.allocUnsafe(1 << 20);
let bytes = 0;
let kept = 0;
for (;;) {
  if (kept === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
  const read = readSync(file, buffer, kept, buffer.length - kept, null);
  if (read === 0) break;
  bytes += read;
  const end = kept + read;
  let start = 0;
  for (;;) {
    const newline = buffer.indexOf(NEWLINE, start);
    if (newline < 0 || newline >= end) break;
    if (newline > start) countLine(buffer.utf8Slice(start, newline));
    start = newline + 1;
  }
  buffer.copyWithin(0, start, end);
  kept = end - start;
}
if (kept > 0) countLine(buffer.utf8Slice(0, kept));
closeSync(file);

const wallSeconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6;
console.log(
  JSON.stringify({
    events,
    bytes,
    keys: counts.size,
    wallSeconds,
    cpuSeconds,
    eventsPerSecond: events / wallSeconds,
    eventsPerCpuSecond: events / cpuSeconds,
  }),
);
