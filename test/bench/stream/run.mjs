#!/usr/bin/env node
// `npm run bench:stream [-- --events N] [-- --quick]`: whole processes over the same topics in one run, on a real broker
// and a real Redis, each beside the baselines: fetch alone, fetch + JSON.parse, and Kafka Streams. CPU seconds are those
// of the client's process, from its start to the end of the topic; ratios are the result.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { aggregate, consume, kafkaStreams } from './paths.mjs';
import { pauses, SESSION_MS } from './pauses.mjs';
import { complete } from './process.mjs';
import { buildKafkaStreams, openStage } from './stage.mjs';

const { values } = parseArgs({
  options: {
    /** Of 1.65 KB; there are a third as many of 7.7 KB. */
    events: { type: 'string' },
    subjects: { type: 'string', default: '400' },
    /** How many events an hour of their time has. */
    'per-hour': { type: 'string', default: '100000' },
    runs: { type: 'string' },
    /** Less of everything, in three minutes. What starts slowly looks worse than it is. */
    quick: { type: 'boolean', default: false },
    'no-kafka-streams': { type: 'boolean', default: false },
  },
});

const PARTITIONS = 4;
const { quick } = values;
const events = Number(values.events ?? (quick ? 90_000 : 1_000_000));
const runs = Number(values.runs ?? (quick ? 1 : 3));
const idleSeconds = quick ? 10 : 30;
const whole = (number) => Math.round(number).toLocaleString('en');
const say = (line) => process.stderr.write(`${line}\n`);

const classpath = values['no-kafka-streams'] ? undefined : buildKafkaStreams();
const stage = await openStage();
const failure = await bench().then(
  () => undefined,
  (error) => error,
);
await stage.close();
if (failure !== undefined) throw failure;

async function bench() {
  await stage.createTopics({ 'leastwise-dead-letters': 1 });
  const small = { topic: 'metadata', mix: 'metadata', events, subjects: Number(values.subjects) };
  const large = { ...small, topic: 'bodies', mix: 'bodies', events: Math.round(events / 3) };
  const one = await comparison([small, large]);
  await scaling(small, one);
  say('workers come and go');
  print('the worst time from a record to the commit that covers it, in milliseconds', [
    ...(await pauses(stage)).map(([what, ms]) => ({ what, 'worst latency ms': ms })),
    { what: `(a silent worker loses its partitions after ${SESSION_MS} ms)` },
  ]);
}

function print(title, rows) {
  process.stdout.write(`\n${title}\n`);
  console.table(rows);
}

async function fill({ topic, events: count, subjects, mix }) {
  say(`${topic}: ${whole(count)} events are produced`);
  await stage.createTopics({ [topic]: PARTITIONS, [`${topic}-keyed`]: PARTITIONS });
  const args = [stage.brokers, topic, count, subjects, mix, values['per-hour']].map(String);
  const script = fileURLToPath(new URL('produce.mjs', import.meta.url));
  await complete(process.execPath, [script, ...args], { logFile: join(stage.dir, 'produce.log') });
  return { topic, events: count, partitions: PARTITIONS };
}

async function drop({ topic }) {
  await stage.admin.deleteTopics({ topics: [topic, `${topic}-keyed`] });
}

/** All paths in turn, again and again: a change of the machine's load hits all of them. */
async function rounds(paths) {
  const results = new Map(Object.keys(paths).map((what) => [what, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const [what, path] of Object.entries(paths)) {
      const result = await path();
      results.get(what).push(result);
      say(`  ${what}, run ${run}: ${whole(result.events / result.cpu)} events per CPU second`);
    }
  }
  const median = (all) => all.sort((a, b) => a.cpu - b.cpu)[Math.floor(all.length / 2)];
  return new Map([...results].map(([what, all]) => [what, median(all)]));
}

async function comparison(topics) {
  const rows = [];
  const redis = [];
  const aggregated = [];
  for (const wanted of topics) {
    const topic = await fill(wanted);
    // One look at a process that has nothing to do is enough.
    const after = wanted === topics[0] ? idle : undefined;
    const results = await rounds({
      'fetch and decompress': () => consume(stage, topic, false),
      'fetch + JSON.parse': () => consume(stage, topic, true),
      'leastwise aggregator': () => aggregate(stage, topic, { after }),
      ...(classpath ? { 'Kafka Streams': () => kafkaStreams(stage, topic, classpath) } : {}),
    });
    const base = results.get('fetch + JSON.parse');
    for (const [what, result] of results) {
      rows.push({
        topic: topic.topic,
        what,
        'events per CPU second': whole(result.events / result.cpu),
        'of the second half': whole(result.second),
        'ratio to fetch + JSON.parse': (base.cpu / result.cpu).toFixed(2),
        'wall seconds': result.wall.toFixed(1),
        'peak MiB': Math.round(result.peakMiB),
      });
    }
    const ours = results.get('leastwise aggregator');
    redis.push(redisRow(topic.topic, ours));
    aggregated.push(ours);
  }
  print('client processes', rows);
  print('the aggregator with its Redis', redis);
  return aggregated[0];
}

async function idle([worker]) {
  const before = worker.cpu();
  await sleep(idleSeconds * 1000);
  return { idle: (worker.cpu() - before) / idleSeconds, rssMiB: worker.memory().nowMiB };
}

function redisRow(topic, { events: count, redis, idle: idling, rssMiB }) {
  return {
    topic,
    'redis µs an event': ((redis.cpu * 1e6) / count).toFixed(2),
    'redis bytes an event': Math.round(redis.bytes / count),
    'a cell': Math.round(redis.bytes / redis.cells),
    'a subject': Math.round(redis.bytes / redis.subjects),
    ...(idling === undefined
      ? {}
      : { 'idle % of a core': (idling * 100).toFixed(1), 'RSS MiB after': Math.round(rssMiB) }),
  };
}

/**
 * The same binary over ten times the events, a hundred times the subjects, and in two processes.
 * @param one - what one worker took for the topic `small`
 */
async function scaling(small, one) {
  const rows = [];
  const row = (what, { events: count, cpu, second, redis, peakMiB }) =>
    rows.push({
      what,
      'CPU µs an event': ((cpu * 1e6) / count).toFixed(1),
      'of the second half': (1e6 / second).toFixed(1),
      'redis µs an event': ((redis.cpu * 1e6) / count).toFixed(2),
      cells: redis.cells,
      subjects: redis.subjects,
      'peak MiB': Math.round(peakMiB),
    });
  const tenth = await fill({ ...small, topic: 'tenth', events: events / 10 });
  row(`${whole(events / 10)} events`, await aggregate(stage, tenth));
  await drop(tenth);
  row(`${whole(events)} events`, one);
  const all = { topic: small.topic, events, partitions: PARTITIONS };
  row(`${whole(events)} events, two workers`, await aggregate(stage, all, { workers: 2 }));
  const many = await fill({ ...small, topic: 'subjects', subjects: small.subjects * 100 });
  row(`${whole(events)} events of 100 × the subjects`, await aggregate(stage, many));
  await drop(many);
  print('as things grow', rows);
}
