#!/usr/bin/env node
// The baseline of every bench: split a file into lines, decode UTF-8, JSON.parse, one Map count.
import { closeSync, openSync, readSync } from 'node:fs';

const [file] = process.argv.slice(2);
const descriptor = openSync(file);
const buffer = Buffer.alloc(1 << 20);
const decoder = new TextDecoder();
const counts = new Map();
let rest = '';
for (;;) {
  const read = readSync(descriptor, buffer);
  if (read === 0) break;
  const lines = (rest + decoder.decode(buffer.subarray(0, read), { stream: true })).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const event = JSON.parse(line);
    const key = `${event.user.username} ${event.verb} ${event.objectRef?.resource}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}
closeSync(descriptor);
process.stdout.write(`${counts.size}\n`);
