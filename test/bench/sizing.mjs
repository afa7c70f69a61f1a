#!/usr/bin/env node
// `npm run bench:sizing -- --clusters 500 --events-per-second 1000000`: what a load takes, by the figures that were
// measured (sizing/measured.json) and by what one machine can do and costs, which is assumed and can be said here.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { sizeOf } from './sizing/calculate.mjs';

const DEFAULTS = {
  clusters: 500,
  'events-per-second': 1_000_000,
  'mean-share': 0.5,
  'dedupe-hours': 2,
  'kafka-hours': 24,
  replicas: 3,
  utilisation: 0.6,
  'broker-mb-per-second': 250,
  'broker-disk-tb': 8,
  'redis-gb': 24,
  'price-core-hour': 0.04,
  'price-gib-hour': 0.005,
  'price-disk-gib-month': 0.08,
};

const options = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, { type: 'string' }]));
const { values } = parseArgs({ options });
const given = Object.fromEntries(
  Object.entries(DEFAULTS).map(([name, usual]) => {
    const value = values[name] === undefined ? usual : Number(values[name]);
    if (!Number.isFinite(value)) throw new RangeError(`--${name} takes a number`);
    return [name, value];
  }),
);

const measured = JSON.parse(readFileSync(new URL('sizing/measured.json', import.meta.url), 'utf8'));
const unit = Object.fromEntries(Object.entries(measured).map(([name, { value }]) => [name, value]));
const load = {
  clusters: given.clusters,
  eventsPerSecond: given['events-per-second'],
  meanShare: given['mean-share'],
  dedupeHours: given['dedupe-hours'],
  kafkaHours: given['kafka-hours'],
  replicas: given.replicas,
  utilisation: given.utilisation,
};
const sizing = sizeOf(
  load,
  unit,
  {
    brokerBytesPerSecond: given['broker-mb-per-second'] * 1e6,
    brokerDiskBytes: given['broker-disk-tb'] * 1e12,
    redisBytes: given['redis-gb'] * 1e9,
  },
  {
    coreHour: given['price-core-hour'],
    gibibyteHour: given['price-gib-hour'],
    diskGibibyteMonth: given['price-disk-gib-month'],
  },
);

const grouped = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
const bytes = (value) =>
  value >= 1e12 ? `${(value / 1e12).toFixed(1)} TB` : `${(value / 1e9).toFixed(1)} GB`;
function table(rows) {
  const widths = rows[0].map((_, at) => Math.max(3, ...rows.map((row) => row[at].length)));
  const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  const [head, ...others] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
}

console.log(
  `${grouped(load.clusters)} clusters, ${grouped(load.eventsPerSecond)} events a second at the busiest time, ${grouped(load.eventsPerSecond / load.clusters)} of each cluster\n`,
);
console.log(
  table([
    ['what', 'how much'],
    ['workers (one core each)', grouped(sizing.workers)],
    ['partitions', grouped(sizing.partitions)],
    ['brokers (4 cores, 16 GiB)', grouped(sizing.brokers)],
    ['Redis shards', grouped(sizing.redisShards)],
    ['Redis memory', bytes(sizing.redisBytes)],
    ['from clusters to Kafka, lz4', `${(sizing.wireBytesPerSecond / 1e6).toFixed(1)} MB/s`],
    ['Kafka disk, all copies', bytes(sizing.kafkaDiskBytes)],
    ['cost per billion events', sizing.costPerBillionEvents.toFixed(2)],
  ]),
);
console.log('\nWhat breaks first:\n');
console.log(
  table([
    ['limit', 'used', 'breaks at events a second', 'then'],
    ...sizing.limits.map(({ what, share, then }) => [
      what,
      `${Math.round(share * 100)} %`,
      grouped(load.eventsPerSecond / share),
      then,
    ]),
  ]),
);
