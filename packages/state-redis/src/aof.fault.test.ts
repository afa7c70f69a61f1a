import { cp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { lacksRedis, startRedis } from '@leastwise/testkit';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';

import { type LogEvent, makeLog } from './testing/events.ts';
import { callAgain, recording } from './testing/recording.ts';
import { expectExact, expectPrefix, impatient, keyOf, SOURCE, temporaryFolder } from './testing/setup.ts';
import { appendOnlyFile } from './testing/torture.ts';
import { LogWorker } from './testing/worker.ts';

const isNightly = process.env['LEASTWISE_NIGHTLY'] === '1';

async function withClient<T>(port: number, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ port, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

/** Reads on from what a Redis found in a folder, restarts it, and reads on again. */
async function recover(dir: string, log: readonly LogEvent[]): Promise<void> {
  await using redis = await startRedis({ dir, args: ['--aof-load-truncated', 'yes'] });
  await withClient(redis.port, async (client) => {
    // What is there is what the log says up to there, before anything is read on.
    await expectPrefix(client, log);
    // Not the batch that was torn, so that none of it is made good by chance.
    await new LogWorker(impatient(client), SOURCE, log).step(1);
    await redis.kill();
    await redis.restart();
    // The second restart reads what the first one made of the torn file.
    await expectPrefix(client, log);
    await new LogWorker(impatient(client), SOURCE, log).finish(5);
    await expectExact(client, log);
  });
}

describe.skipIf(await lacksRedis())('an append-only file that is torn', () => {
  it(
    'at any byte of the last commits is read on from exactly, over two restarts',
    async () => {
      await using folder = await temporaryFolder();
      const dir = join(folder.path, 'whole');
      const log = makeLog({ events: 22, seed: 4 });
      const last = 4;
      let before = 0;
      {
        await using redis = await startRedis({ dir, fsync: 'always' });
        await withClient(redis.port, async (client) => {
          const worker = new LogWorker(impatient(client), SOURCE, log);
          for (let at = 0; at < log.length - last; at += 6) await worker.step(6);
          before = (await stat(await appendOnlyFile(dir))).size;
          await worker.finish(2);
          await expectExact(client, log);
        });
        await redis.kill();
      }
      const { size } = await stat(await appendOnlyFile(dir));
      // Within one command all cuts are alike for Redis; by night each is tried nevertheless.
      const step = isNightly ? 1 : Math.ceil((size - before) / 24);
      const cuts = new Set([size - 1, size]);
      for (let at = before; at < size; at += step) cuts.add(at);
      const next = cuts.values();
      // Two at a time: starting a server is mostly waiting.
      const worker = async (): Promise<void> => {
        for (const cut of next) {
          const copy = join(folder.path, `cut-${cut}`);
          await cp(dir, copy, { recursive: true });
          await truncate(await appendOnlyFile(copy), cut);
          await recover(copy, log);
          await rm(copy, { recursive: true });
        }
      };
      await Promise.all([worker(), worker()]);
      expect(cuts.size).toBeGreaterThan(20);
    },
    isNightly ? 3_600_000 : 60_000,
  );

  it('holds each script as one command, never as a transaction', async () => {
    await using folder = await temporaryFolder();
    await using redis = await startRedis({ dir: folder.path, fsync: 'always' });
    await withClient(redis.port, async (client) => {
      const log = makeLog({ events: 300, seed: 5, stepUs: 300_000_000 });
      const { connection, calls } = recording(client);
      await new LogWorker(impatient(connection), SOURCE, log).finish(20);
      // All three were there.
      expect(new Set(calls.map(({ script }) => script))).toEqual(new Set(['lwClaim', 'lwCommit', 'lwDrop']));
    });
    const text = await readFile(await appendOnlyFile(folder.path), 'latin1');
    const found = ['HSET', 'HDEL', 'MULTI'].map((command) => text.includes(`\r\n${command}\r\n`));
    expect(found).toEqual([true, true, false]);
  });
});

describe.skipIf(await lacksRedis())('a script that is sent again', () => {
  it('after Redis went back in time changes nothing that reading on does not make good', async () => {
    await using folder = await temporaryFolder();
    await using redis = await startRedis({ dir: folder.path });
    await withClient(redis.port, async (client) => {
      const log = makeLog({ events: 60, seed: 6, stepUs: 900_000_000 });
      const { connection, calls } = recording(client);
      const key = keyOf(SOURCE);
      const moments: Buffer[] = [];
      const worker = new LogWorker(impatient(connection), SOURCE, log);
      do {
        const moment = (await client.dumpBuffer(key)) as Buffer | null;
        if (moment) moments.push(moment);
        // A new owner now and then.
        if (moments.length % 3 === 0) worker.lose();
      } while ((await worker.step(8)) !== 'end');
      const last = (await client.dumpBuffer(key)) as Buffer | null;
      if (last) moments.push(last);
      const scripts = [...calls];
      expect(new Set(scripts.map(({ script }) => script)).size).toBe(3);
      let answered = 0;
      for (const moment of moments) {
        for (const { script, args } of scripts) {
          await client.restore(key, 0, moment, 'REPLACE');
          const was = await client.hgetall(key);
          const answer = await callAgain(client, { script, args });
          if (typeof answer === 'number' && answer < 0) expect(await client.hgetall(key)).toEqual(was);
          else answered += 1;
          // Whole, at whatever position it is now.
          await expectPrefix(client, log);
          await new LogWorker(impatient(client), SOURCE, log).finish(30);
          await expectExact(client, log);
        }
      }
      // Some of them were as they should be where they were sent again.
      expect(answered).toBeGreaterThan(moments.length);
    });
  }, 60_000);
});
