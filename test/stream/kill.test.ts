// Aggregators that are killed at random, one after the other, and the policies of a clean run.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createRandom, lacksKafka, lacksRedis, startKafka, startRedis } from '@leastwise/testkit';
import { describe, expect, it } from 'vitest';

import { leastwise } from '../integration/support/leastwise.ts';
import { ALPHA, hasAlpha, linesIn, RECORDINGS } from '../integration/support/real-logs.ts';
import { auditIDOf, embedded, evidenceIn } from './support/evidence.ts';
import { createTopics, endsOf, produce, type Produced } from './support/kafka.ts';
import { type AggregatorProcess, startProcess } from './support/processes.ts';
import { caughtUp, openStore, type Stage } from './support/worker.ts';

const isLacking = (await lacksKafka()) || (await lacksRedis());
const SEED = Number(process.env['LEASTWISE_TEST_SEED'] ?? Date.now() % 1_000_000);
const KILLS = Number(process.env['LEASTWISE_TEST_KILLS'] ?? 8);

describe.skipIf(isLacking)('aggregators that are killed', () => {
  it(`give the bytes of one clean run (LEASTWISE_TEST_SEED=${SEED})`, async () => {
    const [, log] = hasAlpha ? ['', ALPHA] : (RECORDINGS[0] ?? ['', '']);
    const dir = await mkdtemp(join(tmpdir(), 'leastwise-kill-'));
    await using kafka = await startKafka({ dir });
    await using redis = await startRedis({ dir: join(dir, 'redis') });
    const stage: Stage = {
      brokers: kafka.brokers,
      redisUrl: redis.url,
      prefix: 'kill:',
      groupId: 'kill',
      topics: ['audit', 'audit-keyed'],
    };
    const dead = { 'leastwise-dead-letters': 1 };
    await createTopics(stage.brokers, { audit: 6, 'audit-keyed': 6, ...dead });
    const random = createRandom(SEED);
    const lines = await linesIn(log);
    const copies = lines.filter(() => random.next() < 0.05);
    const records = [...lines, ...copies].map((line): Produced => [auditIDOf(line), line]);
    const { store, close } = openStore(stage);
    const logFile = (i: number): string => join(dir, `aggregator-${i}.log`);
    const workers: AggregatorProcess[] = [0, 1].map((i) => startProcess(stage, logFile(i)));
    const exits: (number | string)[] = [];
    try {
      const producing = produceSlowly(stage, records);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await sleep(500 + random.next() * 2000);
        const which = kill % 2;
        workers[which]?.child.kill(random.next() < 0.8 ? 'SIGKILL' : 'SIGTERM');
        exits.push((await workers[which]?.ended) ?? 'none');
        workers[which] = startProcess(stage, logFile(which));
      }
      await producing;
      await caughtUp(store, await endsOf(stage.brokers, stage.topics), 120_000);
      expect(exits.filter((exit) => exit === 'SIGKILL').length).toBeGreaterThan(0);
      expect(exits.filter((exit) => exit !== 'SIGKILL' && !isOrderly(exit))).toEqual([]);
      expect(await evidenceIn(store)).toEqual(await embedded(lines));
      const wanted = await leastwise(['generate', '--all', '-f', log]);
      const got = await leastwise([
        'generate',
        '--all',
        '--state',
        redis.url,
        '--state-prefix',
        stage.prefix,
      ]);
      expect(got.code).toBe(wanted.code);
      expect(got.stdout).toBe(wanted.stdout);
      expect(got.stdout.length).toBeGreaterThan(1000);
      await writeFile(join(dir, 'policies.yaml'), got.stdout);
    } finally {
      for (const { child } of workers) child.kill('SIGTERM');
      const ends = await Promise.all(workers.map(({ ended }) => ended));
      await close();
      expect(ends.filter((exit) => !isOrderly(exit))).toEqual([]);
    }
    await rm(dir, { recursive: true, force: true });
  }, 240_000);
});

/** Told to stop: after that by code 0, or before anything was begun, while the process was still loading, at once. */
function isOrderly(exit: number | string): boolean {
  return exit === 0 || exit === 'SIGTERM';
}

async function produceSlowly(stage: Stage, records: readonly Produced[]): Promise<void> {
  const PIECES = 40;
  const size = Math.ceil(records.length / PIECES);
  for (let at = 0; at < records.length; at += size) {
    await produce(stage.brokers, 'audit', records.slice(at, at + size), 200);
    await sleep(200);
  }
}
