import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Capacity, type Load, type Prices, sizeOf, type Unit } from './calculate.mjs';
import measured from './measured.json' with { type: 'json' };

const LOAD: Load = {
  clusters: 500,
  eventsPerSecond: 1_000_000,
  meanShare: 0.5,
  dedupeHours: 2,
  kafkaHours: 24,
  replicas: 3,
  utilisation: 0.5,
};
const UNIT: Unit = {
  workerUsPerEvent: 20,
  redisUsPerEvent: 0.5,
  redisBytesPerEvent: 100,
  eventBytes: 2_000,
  lz4Ratio: 4,
};
const CAPACITY: Capacity = { brokerBytesPerSecond: 2e8, brokerDiskBytes: 1e13, redisBytes: 2e10 };
const PRICES: Prices = { coreHour: 0.04, gibibyteHour: 0.005, diskGibibyteMonth: 0.1 };

describe('how many of everything', () => {
  test('by hand: a million events a second', () => {
    const sizing = sizeOf(LOAD, UNIT, CAPACITY, PRICES);
    // All at half use: 20 cores, 720 GB of identities in shards of 20 GB, 500 MB/s three times over 200 MB/s.
    expect(sizing).toMatchObject({
      workers: 40,
      partitions: 80,
      redisShards: 72,
      redisBytes: 720e9,
      wireBytesPerSecond: 500e6,
      brokers: 15,
      kafkaDiskBytes: 64.8e12,
    });
    // 172 cores, 930.55 GiB and 60,350 GiB of disk: 6.88 + 4.65 + 8.27 an hour, for 1.8 billion events.
    expect(sizing.costPerBillionEvents).toBeCloseTo(11, 1);
    expect(sizing.limits.map(({ what, share }) => [what, Number(share.toFixed(3))])).toEqual([
      ['workers: CPU', 0.5],
      ['Redis: memory', 0.5],
      ['Kafka: bytes a second', 0.5],
      ['Kafka: disk', 0.432],
      ['Redis: CPU of the busiest shard', 0.007],
    ]);
  });

  test('a small load has one worker, one shard and three brokers', () => {
    const small = sizeOf({ ...LOAD, eventsPerSecond: 100 }, UNIT, CAPACITY, PRICES);
    expect([small.workers, small.redisShards, small.brokers]).toEqual([1, 1, 3]);
  });

  test('more events never take less, and nothing is beyond its limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), fc.integer({ min: 1, max: 5 }), (rate, factor) => {
        const at = (eventsPerSecond: number) => sizeOf({ ...LOAD, eventsPerSecond }, UNIT, CAPACITY, PRICES);
        const [less, more] = [at(rate), at(rate * factor)];
        for (const key of ['workers', 'redisShards', 'brokers', 'redisBytes', 'kafkaDiskBytes'] as const) {
          expect(more[key]).toBeGreaterThanOrEqual(less[key]);
        }
        for (const { share } of more.limits) expect(share).toBeLessThanOrEqual(1);
      }),
    );
  });

  test.each([
    [{ eventsPerSecond: 0 }, 'eventsPerSecond has to be a number above 0'],
    [{ dedupeHours: Number.NaN }, 'dedupeHours has to be a number above 0'],
    [{ utilisation: 1.5 }, 'a share is at most 1'],
    [{ meanShare: 2 }, 'a share is at most 1'],
  ])('%j is refused', (wrong, message) => {
    expect(() => sizeOf({ ...LOAD, ...wrong }, UNIT, CAPACITY, PRICES)).toThrow(message);
  });
});

test('every figure names the command that measures it', () => {
  for (const { value, command } of Object.values(measured)) {
    expect(value).toBeGreaterThan(0);
    expect(command).toMatch(/^(?:npm run bench|node test\/bench)/);
  }
});

test('the program prints a table, and refuses what it does not know', () => {
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, [fileURLToPath(new URL('../sizing.mjs', import.meta.url)), ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const text = run('--clusters', '3', '--events-per-second', '2000');
  expect(text).toMatch(/\| workers \(one core each\) +\| 1 +\|/);
  expect(text).toContain('cost per billion events');
  expect(() => run('--brokers', '3')).toThrow(/Unknown option/);
  expect(() => run('--clusters', 'many')).toThrow(/clusters/);
});
