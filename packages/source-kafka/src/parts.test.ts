import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogError } from '@leastwise/source';
import { chunksOf, outgoingBytes } from './chunks.ts';
import { hasType, isRefusal, rootMessage, toLogError } from './failures.ts';
import { createOutage } from './outage.ts';
import { createStallWatch } from './stall-watch.ts';
import { subBatches } from './sub-batches.ts';
import { sizeOf } from './fetched.ts';
import { createTopicBounds } from './topic-bounds.ts';
import { findTopics, mayChange } from './topics.ts';

const PARTITION = { topic: 't', partition: 0 };

describe('subBatches', () => {
  it('touch each other, hold every record once, and stay within the limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(3000)), { maxLength: 60 }),
        fc.nat(20),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 5000 }),
        (steps, position, records, bytes) => {
          let offset = -1;
          const all = steps.map(([step, size]) => {
            offset += step;
            const value = new Uint8Array(size);
            return { offset, timestampMs: 0, key: null, value, headers: new Map<string, Uint8Array>() };
          });
          const to = Math.max(offset + 3, position);
          const fetched = { from: 0, records: all, to, end: to, bytes: 0 };
          const batches = [...subBatches(PARTITION, fetched, position, { records, bytes })];
          expect(batches.flatMap((batch) => batch.records)).toEqual(all.filter((r) => r.offset >= position));
          let from = position;
          for (const batch of batches) {
            expect(batch.from).toBe(from);
            expect(batch.to).toBeGreaterThan(batch.from);
            expect(batch.records.length).toBeLessThanOrEqual(records);
            const sum = batch.records.reduce((n, r) => n + sizeOf(r), 0);
            expect(batch.records.length === 1 || sum <= bytes || batch.records.length === 0).toBe(true);
            from = batch.to;
          }
          expect(from).toBe(Math.max(to, position));
        },
      ),
    );
  });
});

describe('chunksOf', () => {
  it('keeps the order, and holds what is too large alone', () => {
    const record = fc.record({
      key: fc.option(fc.string({ maxLength: 50 })),
      value: fc.option(fc.uint8Array({ maxLength: 2000 })),
      headers: fc.dictionary(fc.string({ maxLength: 9 }), fc.string({ maxLength: 90 }), { maxKeys: 3 }),
    });
    fc.assert(
      fc.property(fc.array(record), fc.integer({ min: 1, max: 5000 }), (records, chunkBytes) => {
        const chunks = [...chunksOf(records, chunkBytes)];
        expect(chunks.flat()).toEqual(records);
        for (const chunk of chunks) {
          const bytes = chunk.reduce((sum, each) => sum + outgoingBytes(each), 0);
          expect(chunk.length === 1 || (chunk.length > 1 && bytes <= chunkBytes)).toBe(true);
        }
      }),
    );
  });
});

describe('createStallWatch', () => {
  it('calls stuck what stands still though there is more, and nobody is busy with it', () => {
    let now = 0;
    const watch = createStallWatch(100, () => now);
    const at = (position: number, end: number, isWaiting = true): boolean => {
      now += 60;
      return watch.isStuck({ partition: PARTITION, position, end }, isWaiting);
    };
    expect([at(5, 5), at(5, 5), at(5, 5)]).toEqual([false, false, false]);
    expect([at(5, 9), at(5, 9), at(5, 9)]).toEqual([false, false, true]);
    expect([at(6, 9), at(6, 9), at(6, 9, false), at(6, 9), at(6, 9), at(6, 9)]).toEqual([
      ...[false, false, false],
      ...[false, false, true],
    ]);
  });
});

describe('createOutage', () => {
  it('lasts from the first failure on, until all is well', async () => {
    let now = 0;
    const outage = createOutage(1000, () => now);
    const { signal } = new AbortController();
    expect(await outage.wait(signal)).toBe('waited');
    now = 900;
    outage.over();
    now = 1800;
    expect(await outage.wait(signal)).toBe('waited');
    now = 2900;
    expect(await outage.wait(signal)).toBe('too-long');
    expect(await outage.wait(AbortSignal.abort())).toBe('aborted');
  });
});

describe('findTopics', () => {
  const admin = { listTopics: async () => ['audit-b', 'audit-a', 'xaudit-c', '__consumer_offsets', 'plain'] };

  it('matches whole names, and internal topics by name alone', async () => {
    expect(await findTopics(admin, [/audit-./g, 'plain', 'gone'])).toEqual({
      names: ['audit-a', 'audit-b', 'plain'],
      missing: ['gone'],
    });
    expect((await findTopics(admin, [/.*/])).names).not.toContain('__consumer_offsets');
    expect((await findTopics(admin, [/audit|plain/])).names).toEqual(['plain']);
    expect((await findTopics(admin, ['__consumer_offsets'])).names).toEqual(['__consumer_offsets']);
  });

  it('need not be asked again for names that are all there', () => {
    expect([mayChange(['a'], []), mayChange(['a'], ['a']), mayChange([/a/], [])]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('createTopicBounds', () => {
  it('asks once for partitions that ask together, and anew for a fresh answer', async () => {
    let asked = 0;
    const bounds = createTopicBounds({
      fetchTopicOffsets: async () => {
        asked += 1;
        return [0, 1].map((partition) => ({ partition, offset: '9', low: '3', high: String(8 + asked) }));
      },
    });
    const both = [0, 1].map((partition) => bounds.of({ topic: 't', partition }, false));
    expect(await Promise.all(both)).toEqual([
      { low: 3, high: 9 },
      { low: 3, high: 9 },
    ]);
    expect(await bounds.of(PARTITION, true)).toEqual({ low: 3, high: 10 });
    await expect(bounds.of({ topic: 't', partition: 2 }, false)).rejects.toThrow('t/2');
  });
});

describe('failures', () => {
  function kafkaError(fields: object, cause?: Error): Error {
    return Object.assign(new Error('outer', cause === undefined ? {} : { cause }), fields);
  }

  it('finds refusals anywhere in the chain of causes', () => {
    const denied = kafkaError({ type: 'TOPIC_AUTHORIZATION_FAILED' });
    expect(isRefusal(kafkaError({}, denied))).toBe(true);
    expect(isRefusal(new Error('Connection error: self-signed certificate in certificate chain'))).toBe(true);
    expect(isRefusal(kafkaError({}, new Error('connect ECONNREFUSED')))).toBe(false);
    expect(hasType(kafkaError({}, kafkaError({ type: 'MESSAGE_TOO_LARGE' })), 'MESSAGE_TOO_LARGE')).toBe(
      true,
    );
  });

  it('survives causes that lead back to themselves', () => {
    const loop = new Error('round');
    Object.assign(loop, { cause: loop });
    expect([isRefusal(loop), rootMessage(loop)]).toEqual([false, 'round']);
    expect(rootMessage('text')).toBe('text');
  });

  it('leaves our own errors as they are', () => {
    const own = new LogError('stuck', 'it stands');
    expect(toLogError('handler', 'take failed', own)).toBe(own);
    expect(toLogError('handler', 'take failed', new Error('why'))).toMatchObject({
      failure: 'handler',
      message: 'take failed: why',
    });
  });
});
