#!/usr/bin/env node
// Stands in the place of an API server: plays a recording again and again, with times that end now and with new
// auditIDs, into a log that it rotates; and the beginning of it as a batch to the webhook.
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

const RECORDING = '/etc/leastwise/audit.log.gz';
const FOLDER = '/var/lib/leastwise/audit';
const WEBHOOK = 'http://fluent-bit:9880/audit.webhook';
/** As the API server's batches are at most. */
const BATCH_EVENTS = 400;
const EVENTS_PER_STEP = 50;
const STEP_MS = 200;
const MAX_LOG_BYTES = 2_000_000;
const MAX_BACKUPS = 5;

const say = (text, fields) => process.stdout.write(`${JSON.stringify({ msg: text, ...fields })}\n`);
const millisecondsOf = (event) => Date.parse(event.requestReceivedTimestamp);

/** A time with microseconds, later by whole milliseconds. */
function later(time, byMs) {
  const microseconds = /\.\d{3}(\d{3})Z$/.exec(time)?.[1] ?? '000';
  return `${new Date(Date.parse(time) + byMs).toISOString().slice(0, -1)}${microseconds}Z`;
}

/** The recording as if its last request came now. Stages of one request keep one auditID. */
export function movedToNow(events, nowMs) {
  const byMs = nowMs - Math.max(...events.map(millisecondsOf));
  const ids = new Map();
  return events.map((event) => {
    if (!ids.has(event.auditID)) ids.set(event.auditID, randomUUID());
    return {
      ...event,
      auditID: ids.get(event.auditID),
      requestReceivedTimestamp: later(event.requestReceivedTimestamp, byMs),
      stageTimestamp: later(event.stageTimestamp, byMs),
    };
  });
}

/** What the API server sends: the items of a list have neither kind nor version. */
export function batchOf(events) {
  const items = events.map((event) =>
    Object.fromEntries(Object.entries(event).filter(([name]) => name !== 'kind' && name !== 'apiVersion')),
  );
  return { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items };
}

function append(log, lines) {
  appendFileSync(log, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  if (statSync(log).size < MAX_LOG_BYTES) return;
  // As the API server names them.
  renameSync(log, log.replace('.log', `-${new Date().toISOString().replaceAll(':', '-').slice(0, -1)}.log`));
  const backups = readdirSync(FOLDER)
    .filter((name) => /^audit-.*\.log$/.test(name))
    .sort();
  for (const name of backups.slice(0, -MAX_BACKUPS)) rmSync(join(FOLDER, name));
}

async function send(batch) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(WEBHOOK, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(batch),
      });
      if (answer.ok) return;
      throw new Error(`the webhook answers ${answer.status}`);
    } catch (error) {
      // As often as the API server tries.
      if (tries === 5) throw error;
      await sleep(2000 * tries);
    }
  }
}

async function play(events) {
  const moved = movedToNow(events, Date.now());
  await send(batchOf(moved.slice(0, BATCH_EVENTS)));
  const log = join(FOLDER, 'audit.log');
  for (let at = BATCH_EVENTS; at < moved.length; at += EVENTS_PER_STEP) {
    append(log, moved.slice(at, at + EVENTS_PER_STEP));
    await sleep(STEP_MS);
  }
  say('played', { events: moved.length, webhook: Math.min(BATCH_EVENTS, moved.length) });
}

async function main() {
  mkdirSync(FOLDER, { recursive: true });
  const events = gunzipSync(readFileSync(RECORDING))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const times = events.map(millisecondsOf);
  let isWell = false;
  createServer((request, response) => {
    request.resume();
    response.writeHead(isWell ? 200 : 503).end();
  }).listen(8080);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
  for (;;) {
    try {
      await play(events);
      isWell = true;
    } catch (error) {
      isWell = false;
      say('failed', { error: String(error.cause ?? error) });
    }
    // One round ends where the next one begins.
    await sleep(Math.max(...times) - Math.min(...times));
  }
}

if (process.argv[1]?.endsWith('feeder.mjs')) await main();
