import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionedLogChecks } from './conformance.ts';
import { createMemoryLog } from './memory-partitions.ts';
import { SharedStore } from './partitions-conformance-store.ts';

describe('createMemoryLog', () => {
  for (const check of partitionedLogChecks) {
    it(check.name, () =>
      check.run(async () => {
        const log = createMemoryLog({ batchRecords: () => 7 });
        log.createTopic('t', 3);
        return {
          topic: 't',
          openWorker: async () => log.openWorker(['t']),
          truncate: async (partition, before) => {
            log.truncate(partition, before);
          },
          recreate: async () => {
            log.recreateTopic('t', 3);
          },
          async [Symbol.asyncDispose]() {
            await Promise.resolve();
          },
        };
      }),
    );
  }

  it('delivers everything once through any rebalances and batch boundaries', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 30 }) }),
      fc.constant({ kind: 'rebalance' as const, count: 0 }),
      fc.record({ kind: fc.constant('hole' as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.constant({ kind: 'yield' as const, count: 0 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (steps, sizes) => {
          let turn = 0;
          const log = createMemoryLog({ batchRecords: () => sizes[(turn += 1) % sizes.length] ?? 1 });
          log.createTopic('t', 2);
          const store = new SharedStore();
          const abort = new AbortController();
          const runs = ['a', 'b', 'c'].map((worker) =>
            log.openWorker(['t']).run(
              store.handler(worker, {
                async onTake(_batch, alive) {
                  await new Promise((resolve) => setImmediate(resolve));
                  await alive();
                },
              }),
              abort.signal,
            ),
          );
          let appended = 0;
          for (const { kind, count } of steps) {
            if (kind === 'rebalance') log.rebalance();
            else if (kind === 'hole') log.leaveHole({ topic: 't', partition: count % 2 }, count);
            else if (kind === 'grow') log.growTopic('t', count);
            else if (kind === 'yield') await new Promise((resolve) => setImmediate(resolve));
            else {
              const first = appended;
              appended += count;
              await log.writer.append(
                't',
                Array.from({ length: count }, (_, i) => ({
                  key: String((first + i) % 5),
                  value: null,
                  headers: { number: String(first + i) },
                })),
              );
            }
          }
          for (let i = 0; i < 5000 && store.count() < appended; i += 1) {
            await new Promise((resolve) => setImmediate(resolve));
          }
          abort.abort();
          await Promise.all(runs);
          const seen = [...store.partitions.values()]
            .flatMap(({ records }) =>
              records.map(({ headers }) => Number(Buffer.from(headers.get('number') ?? []))),
            )
            .sort((a, b) => a - b);
          expect(seen).toEqual(Array.from({ length: appended }, (_, i) => i));
        },
      ),
      { numRuns: 60 },
    );
  });
});
