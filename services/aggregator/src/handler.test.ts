import { gzipSync } from 'node:zlib';

import { RetriesExhaustedError } from '@leastwise/runtime';
import { type LogBatch, LogError } from '@leastwise/source';
import { auditEvent, auditEventLine, START_US } from '@leastwise/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { AggregatorHandler } from './handler.ts';
import { alive, batchOf, OPTIONS, PARTITION, record, testAggregator } from './testing/parts.ts';

function line(n: number): string {
  return auditEventLine(auditEvent({ auditID: `id-${n}`, receivedAtUs: START_US + n * 1000 }));
}

/** subject names → count of all their rules */
async function countsOf(store: {
  read(): Promise<readonly { subjects: ReadonlyMap<string, unknown> }[]>;
}): Promise<number> {
  const clusters = (await store.read()) as unknown as {
    subjects: Map<string, { allowed: { rules: Map<string, { names: Map<string, { count: number }> }> } }>;
  }[];
  return clusters
    .flatMap(({ subjects }) => [...subjects.values()])
    .flatMap(({ allowed }) => [...allowed.rules.values()])
    .flatMap(({ names }) => [...names.values()])
    .reduce((sum, { count }) => sum + count, 0);
}

describe('the handler', () => {
  it('begins where the state is, and moves it with what it counted', async () => {
    const { handler, store } = await testAggregator();
    expect(await handler.claim(PARTITION)).toBeUndefined();
    expect(await handler.take(batchOf([record(7, line(1)), record(9, line(2))]), alive)).toBe('stored');
    expect(await handler.claim(PARTITION)).toBe(10);
    expect(await countsOf(store)).toBe(2);
  });

  it('counts copies once, in a batch and in later ones', async () => {
    const { handler, store } = await testAggregator();
    await handler.claim(PARTITION);
    await handler.take(batchOf([record(0, line(1)), record(1, line(1)), record(2, line(2))]), alive);
    await handler.take(batchOf([record(3, line(2)), record(4, line(1))]), alive);
    expect(await countsOf(store)).toBe(2);
  });

  it('takes bare events, wrapped ones and lists of one', async () => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const list = JSON.stringify({
      kind: 'EventList',
      apiVersion: 'audit.k8s.io/v1',
      items: [JSON.parse(line(3)) as unknown],
    });
    const wrapped = JSON.stringify({ '@timestamp': 1_764_730_101.9, log: line(2) });
    await handler.take(batchOf([record(0, line(1)), record(1, wrapped), record(2, list)]), alive);
    expect(await countsOf(store)).toBe(3);
    expect(appended.size).toBe(0);
  });

  it('produces again, one by one and keyed, what has no key or several events, and counts it there', async () => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const list = JSON.stringify({
      kind: 'EventList',
      apiVersion: 'audit.k8s.io/v1',
      items: [1, 2].map((n) => JSON.parse(line(n)) as unknown),
    });
    await handler.take(batchOf([record(0, list), record(1, line(3), { key: null })]), alive);
    expect(await countsOf(store)).toBe(0);
    const rekeyed = appended.get('audit-keyed') ?? [];
    expect(rekeyed.map(({ key }) => key)).toEqual(['id-1', 'id-2', 'id-3']);
    const keyed = { topic: 'audit-keyed', partition: 0 };
    await handler.claim(keyed);
    const records = rekeyed.map(({ value, headers }, i) =>
      record(i, value as string, {
        headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
      }),
    );
    await handler.take(batchOf(records, keyed.topic), alive);
    expect(await countsOf(store)).toBe(3);
  });

  it('names the cluster by field, header, topic or configuration, and keeps it when it produces again', async () => {
    const cluster = {
      ...OPTIONS.cluster,
      field: 'cluster_name',
      header: 'k8s-cluster',
      topicPattern: /^audit\.(?<cluster>.+)$/,
    };
    const { handler, store, appended } = await testAggregator({ cluster });
    const withField = JSON.stringify({ cluster_name: 'from-field', log: line(1) });
    const headers = new Map([['k8s-cluster', Buffer.from('from-header')]]);
    for (const topic of ['audit', 'audit.from-topic']) {
      await handler.claim({ topic, partition: 0 });
      const records = [
        record(0, withField, { headers }),
        record(1, line(2), { headers }),
        record(2, line(3)),
        record(3, withField, { key: null, headers }),
      ];
      await handler.take(batchOf(records, topic), alive);
    }
    expect((await store.read()).map((each) => each.cluster)).toEqual([
      'default',
      'from-field',
      'from-header',
      'from-topic',
    ]);
    expect(appended.get('audit-keyed')?.map(({ headers: sent }) => sent)).toMatchObject([
      { 'leastwise-cluster': 'from-field' },
    ]);
  });

  it('never takes the name of a cluster from a header that somebody else set for a topic of ours', async () => {
    const { handler, store } = await testAggregator();
    await handler.claim(PARTITION);
    const headers = new Map([['leastwise-cluster', Buffer.from('forged')]]);
    await handler.take(batchOf([record(0, line(1), { headers })]), alive);
    expect((await store.read()).map(({ cluster }) => cluster)).toEqual(['default']);
  });

  const poison: [string, Uint8Array | string | null, string][] = [
    ['not JSON', 'hello', 'invalid-json'],
    ['cut', line(1).slice(0, 200), 'truncated'],
    ['empty', '', 'empty'],
    ['a tombstone', null, 'empty'],
    [
      'not UTF-8',
      Buffer.concat([Buffer.from('{"kind":"Event","auditID":"'), Buffer.from([0xff, 0xfe])]),
      'truncated',
    ],
    ['compressed twice', gzipSync(line(1)), 'invalid-json'],
    ['deeply nested', '['.repeat(200_000), 'truncated'],
    ['without a time', line(1).replaceAll(/"[A-Za-z]*Timestamp":"[^"]*",/g, ''), 'no-timestamp'],
    ['of an unknown version', line(1).replace('audit.k8s.io/v1', 'audit.k8s.io/v9'), 'unknown-version'],
  ];
  it.each(poison)('is not stopped by a record that is %s', async (_what, value, reason) => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    expect(
      await handler.take(batchOf([record(0, line(1)), record(1, value), record(2, line(2))]), alive),
    ).toBe('stored');
    expect(await countsOf(store)).toBe(2);
    expect(await handler.claim(PARTITION)).toBe(3);
    const letters = appended.get('dead') ?? [];
    expect(letters[0]).toMatchObject({ key: 'audit/0/1', headers: { 'leastwise-reason': reason } });
  });

  it('makes one dead letter of a record, however much of it cannot be read', async () => {
    const { handler, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const bytes = Buffer.from('{"kind":\n'.repeat(90));
    await handler.take(batchOf([record(0, bytes)]), alive);
    const letters = appended.get('dead') ?? [];
    expect(letters).toHaveLength(1);
    expect(letters[0]?.value).toEqual(bytes);
  });

  it('keeps the bytes of a dead letter as they came, in parts where they are many', async () => {
    const { handler, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const bytes = Buffer.from(
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"${'x'.repeat(2500)}`,
    );
    await handler.take(batchOf([record(5, bytes)]), alive);
    const letters = appended.get('dead') ?? [];
    expect(letters.map(({ headers }) => headers['leastwise-part'])).toEqual(['1/3', '2/3', '3/3']);
    expect(Buffer.concat(letters.map(({ value }) => Buffer.from(value as Uint8Array)))).toEqual(bytes);
    expect(letters[0]?.headers).toMatchObject({
      'leastwise-reason': 'truncated',
      'leastwise-topic': 'audit',
      'leastwise-partition': '0',
      'leastwise-offset': '5',
    });
  });

  it('believes no event that is later than its record by more than the skew', async () => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const atMs = (ms: number): string =>
      auditEventLine(auditEvent({ auditID: `${ms}`, receivedAtUs: ms * 1000 }));
    const timestampMs = START_US / 1000;
    const limit = timestampMs + OPTIONS.skewMs;
    const records = [record(0, atMs(limit), { timestampMs }), record(1, atMs(limit + 1), { timestampMs })];
    await handler.take(batchOf(records), alive);
    expect(await countsOf(store)).toBe(1);
    expect(appended.get('dead')?.map(({ headers }) => headers['leastwise-reason'])).toEqual(['future']);
  });

  it('believes no event that is days ahead of the clock, whatever the time of its record', async () => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const inDays = (days: number): string =>
      auditEventLine(
        auditEvent({ auditID: `d${days}`, receivedAtUs: (OPTIONS.now() + days * 86_400_000) * 1000 }),
      );
    const timestampMs = OPTIONS.now() + 500 * 86_400_000;
    await handler.take(
      batchOf([
        record(0, inDays(1), { timestampMs }),
        record(1, inDays(2), { timestampMs }),
        record(2, inDays(500), { timestampMs: -1 }),
      ]),
      alive,
    );
    expect(await countsOf(store)).toBe(1);
    expect(appended.get('dead')?.map(({ key }) => key)).toEqual(['audit/0/1', 'audit/0/2']);
  });

  it('holds one copy of a record, however many events of the future are in it', async () => {
    const { handler, appended } = await testAggregator({ deadLetterBytes: 100_000 });
    await handler.claim(PARTITION);
    const future = JSON.parse(auditEventLine(auditEvent({ receivedAtUs: 9e15 }))) as unknown;
    const list = JSON.stringify({
      kind: 'EventList',
      apiVersion: 'audit.k8s.io/v1',
      items: Array(50).fill(future),
    });
    await handler.take(batchOf([record(0, list)]), alive);
    expect(appended.get('dead')?.map(({ value }) => Buffer.from(value as Uint8Array).toString())).toEqual([
      list,
    ]);
  });

  it('counts where it is what is too large to be produced again', async () => {
    const { handler, store, appended } = await testAggregator({ deadLetterBytes: 3000 });
    await handler.claim(PARTITION);
    const huge = auditEventLine(auditEvent({ auditID: 'x'.repeat(5000) }));
    const records = [record(0, huge, { key: null }), record(1, line(1), { key: null })];
    expect(await handler.take(batchOf(records), alive)).toBe('stored');
    expect(await countsOf(store)).toBe(1);
    expect(appended.get('audit-keyed')?.map(({ key }) => key)).toEqual(['id-1']);
    expect(appended.get('dead')).toBeUndefined();
  });

  it('produces again without the old time, by which Kafka would remove it, and judges by it all the same', async () => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    const timestampMs = START_US / 1000;
    const late = auditEventLine(auditEvent({ auditID: 'late', receivedAtUs: START_US + 600_000_000 }));
    const records = [
      record(0, line(1), { key: null, timestampMs }),
      record(1, late, { key: null, timestampMs: 0 }),
    ];
    await handler.take(batchOf(records), alive);
    const [first, second] = appended.get('audit-keyed') ?? [];
    expect([first?.timestampMs, first?.headers['leastwise-time']]).toEqual([undefined, `${timestampMs}`]);
    const keyed = { topic: 'audit-keyed', partition: 0 };
    await handler.claim(keyed);
    const again = [
      first,
      { ...second, headers: { ...second?.headers, 'leastwise-time': `${timestampMs}` } },
    ].map((each, i) =>
      record(i, Buffer.from((each?.value ?? '') as string), {
        headers: new Map(
          Object.entries(each?.headers ?? {}).map(([name, text]) => [name, Buffer.from(text)]),
        ),
      }),
    );
    await handler.take(batchOf(again, keyed.topic), alive);
    expect(await countsOf(store)).toBe(1);
    expect(appended.get('dead')?.map(({ headers }) => headers['leastwise-reason'])).toEqual(['future']);
  });

  it('produces again what has another key than its auditID: its copies might have another one still', async () => {
    const { handler, store, appended } = await testAggregator();
    await handler.claim(PARTITION);
    await handler.take(batchOf([record(0, line(1), { key: Buffer.from('random-1') })]), alive);
    expect(await countsOf(store)).toBe(0);
    expect(appended.get('audit-keyed')?.map(({ key }) => key)).toEqual(['id-1']);
  });

  it('waits with the partition while dead letters cannot be written, and then goes on', async () => {
    let failures = 3;
    const { handler, store, appended } = await testAggregator(
      { patience: { baseMs: 1, maxMs: 1, totalMs: 60_000 } },
      {
        append: async () => {
          failures -= 1;
          if (failures >= 0) throw new LogError('unreachable', 'gone');
        },
      },
    );
    await handler.claim(PARTITION);
    expect(await handler.take(batchOf([record(0, '{"kind":'), record(1, line(1))]), alive)).toBe('stored');
    expect(failures).toBe(-1);
    expect(appended.get('dead')).toHaveLength(1);
    expect(await countsOf(store)).toBe(1);
  });

  it('gives up, with no offset moved, when dead letters cannot be written for too long or at all', async () => {
    for (const [failure, error] of [
      ['unreachable', RetriesExhaustedError],
      ['refused', LogError],
    ] as const) {
      const { handler } = await testAggregator(
        {},
        { append: () => Promise.reject(new LogError(failure, 'gone')) },
      );
      await handler.claim(PARTITION);
      await expect(handler.take(batchOf([record(0, '{"kind":')]), alive)).rejects.toThrow(error);
      expect(await handler.claim(PARTITION)).toBeUndefined();
    }
  });

  it('stops waiting when the partition is lost', async () => {
    const { handler } = await testAggregator(
      { patience: { baseMs: 1, maxMs: 1, totalMs: 60_000 } },
      { append: () => Promise.reject(new LogError('unreachable', 'gone')) },
    );
    await handler.claim(PARTITION);
    const gone = new Error('revoked');
    const taking = handler.take(batchOf([record(0, '{"kind":')]), () => Promise.reject(gone));
    await expect(taking).rejects.toBe(gone);
  });

  it('claims again after an outage of the state, and gives up when it lasts', async () => {
    let isDown = true;
    const { handler, store } = await testAggregator(
      {},
      {
        store: {
          applyBatch: (batch) => (isDown ? Promise.reject(new Error('closed')) : store.applyBatch(batch)),
        },
      },
    );
    await handler.claim(PARTITION);
    const batch = batchOf([record(0, line(1))]);
    expect(await handler.take(batch, alive)).toBe('moved');
    expect(await handler.take(batch, alive)).toBe('moved');
    isDown = false;
    expect(await handler.claim(PARTITION)).toBeUndefined();
    expect(await handler.take(batch, alive)).toBe('stored');
    isDown = true;
    const failing = async (): Promise<void> => {
      for (;;) {
        await handler.claim(PARTITION);
        await handler.take(batchOf([record(1, line(2))]), alive);
      }
    };
    await expect(failing()).rejects.toThrow('closed');
  });

  it('refuses a partition that the group has read and the state knows nothing of', async () => {
    for (const [before, isRefused] of [
      [undefined, false],
      [0, false],
      [7, true],
    ] as const) {
      const { handler, store } = await testAggregator({}, { readBefore: () => Promise.resolve(before) });
      const claiming = handler.claim(PARTITION);
      if (isRefused) await expect(claiming).rejects.toThrow(/read up to 7.*restore Redis/);
      else expect(await claiming).toBeUndefined();
      expect(await store.read()).toEqual([]);
    }
  });

  it('stores a gap with the position after it', async () => {
    const { handler, store } = await testAggregator();
    await handler.claim(PARTITION);
    expect(await handler.lost(PARTITION, 0, 400)).toBe('stored');
    expect(await handler.claim(PARTITION)).toBe(400);
    expect(await store.facts()).toEqual({ onlyReceived: 0, late: 0, lost: 400 });
  });

  /** Records that are not the last ones. */
  const amid = (first: number, count: number): LogBatch => ({
    ...batchOf(Array.from({ length: count }, (_, i) => record(first + i, line(first + i)))),
    end: 1000,
  });
  const unlimited = { records: 1e9, bytes: 1e9, ms: 1e9 };

  it('gathers batches amid a log, and stores them together', async () => {
    for (const [limits, batches] of [
      [{ records: 7 }, 4],
      [{ bytes: 2 * 2 * line(0).length + 1 }, 3],
      [{ ms: 0 }, 1],
    ] as const) {
      const { handler, store } = await testAggregator({ gather: { ...unlimited, ...limits } });
      await handler.claim(PARTITION);
      for (let batch = 0; batch < batches; batch += 1) {
        expect(await store.read()).toEqual([]);
        const isLast = batch === batches - 1;
        expect(await handler.take(amid(batch * 2, 2), alive)).toBe(isLast ? 'stored' : 'gathered');
      }
      expect(await countsOf(store)).toBe(batches * 2);
      expect(await handler.claim(PARTITION)).toBe(batches * 2);
    }
  });

  it('stores what it has gathered at the end of the log, at a gap, and when it is asked to', async () => {
    const atEnd = (handler: AggregatorHandler): Promise<unknown> =>
      handler.take(batchOf([record(4, line(4))]), alive);
    const atGap = (handler: AggregatorHandler): Promise<unknown> => handler.lost(PARTITION, 4, 5);
    const asked = (handler: AggregatorHandler): Promise<unknown> => handler.settle(PARTITION);
    for (const [store, counted, position] of [
      [atEnd, 5, 5],
      [atGap, 4, 5],
      [asked, 4, 4],
    ] as const) {
      const aggregator = await testAggregator({ gather: unlimited });
      await aggregator.handler.claim(PARTITION);
      expect(await aggregator.handler.take(amid(0, 4), alive)).toBe('gathered');
      expect(await store(aggregator.handler)).toBe('stored');
      expect(await countsOf(aggregator.store)).toBe(counted);
      expect(await aggregator.handler.claim(PARTITION)).toBe(position);
      expect(await aggregator.handler.settle(PARTITION)).toBe('stored');
    }
  });

  it('stores nothing of what it has gathered when dead letters cannot be written', async () => {
    const { handler, store } = await testAggregator(
      { gather: unlimited },
      { append: () => Promise.reject(new LogError('refused', 'gone')) },
    );
    await handler.claim(PARTITION);
    expect(await handler.take(amid(0, 4), alive)).toBe('gathered');
    await expect(handler.take(batchOf([record(4, '{"kind":')]), alive)).rejects.toThrow(LogError);
    expect(await handler.settle(PARTITION)).toBe('moved');
    expect(await store.read()).toEqual([]);
  });

  it('takes nothing of a partition that it has released', async () => {
    const { handler, store } = await testAggregator();
    await handler.claim(PARTITION);
    await handler.release(PARTITION);
    expect(await handler.take(batchOf([record(0, line(1))]), alive)).toBe('moved');
    expect(await store.read()).toEqual([]);
  });

  it('comes to the same state however the records are cut into batches', async () => {
    const values = Array.from({ length: 30 }, (_, i) => line(i % 11));
    const whole = await testAggregator();
    await whole.handler.claim(PARTITION);
    await whole.handler.take(batchOf(values.map((value, i) => record(i, value))), alive);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean())), async (cuts) => {
        const { handler, store } = await testAggregator();
        let at = (await handler.claim(PARTITION)) ?? 0;
        for (const [size, isClaimedAgain] of [...cuts, [values.length, false] as const]) {
          if (isClaimedAgain) at = (await handler.claim(PARTITION)) ?? 0;
          const records = values.slice(at, at + size).map((value, i) => record(at + i, value));
          if (records.length === 0) continue;
          expect(await handler.take(batchOf(records), alive)).toBe('stored');
          at += records.length;
        }
        expect(await store.read()).toEqual(await whole.store.read());
      }),
      { numRuns: 30 },
    );
  });
});
