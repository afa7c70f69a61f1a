import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '@leastwise/source';
import { SharedStore } from '@leastwise/source/conformance';
import type { StoreHooks } from '@leastwise/source/conformance';
import type { Fetched } from './fetched.ts';
import { PartitionReader } from './partition-reader.ts';
import { DamagedBatchError } from './record-batch.ts';
import { RevokedError } from './reader-host.ts';
import { createFakeHost } from './testing/fake-host.ts';
import type { FakeHost } from './testing/fake-host.ts';

const PARTITION = { topic: 't', partition: 0 };

function fetched(from: number, to: number, more: Partial<Fetched> = {}): Fetched {
  const records = Array.from({ length: to - from }, (_, i) => ({
    offset: from + i,
    timestampMs: 0,
    key: null,
    value: null,
    headers: new Map<string, Uint8Array>(),
  }));
  return { from, records, to, end: 1000, bytes: 10 * (to - from), ...more };
}

interface Setup {
  readonly store: SharedStore;
  readonly host: FakeHost;
  readonly reader: PartitionReader;
  offsets(): readonly number[];
  position(): number | undefined;
}

async function setup(position: number | undefined, hooks: StoreHooks = {}): Promise<Setup> {
  const store = new SharedStore();
  store.of(PARTITION).position = position;
  const host = createFakeHost(store.handler('a', hooks));
  const reader = new PartitionReader(PARTITION, host, undefined);
  await settle();
  return {
    store,
    host,
    reader,
    offsets: () => store.of(PARTITION).records.map(({ offset }) => offset),
    position: () => store.of(PARTITION).position,
  };
}

/** Lets everything happen that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('PartitionReader', () => {
  it('begins at the claimed position, or at the oldest record', async () => {
    const claimed = await setup(5);
    expect(claimed.host.calls).toEqual(['start 5']);
    const fresh = await setup(undefined);
    expect(fresh.host.calls).toEqual(['start 0']);
    fresh.reader.finish();
    await fresh.reader.ended;
  });

  it('drops answers that come before it was claimed, and after it was given up', async () => {
    const { reader, offsets, store } = await setup(0);
    const early = new PartitionReader(
      PARTITION,
      createFakeHost(store.handler('b')),
      new Promise(() => undefined),
    );
    await early.offer(fetched(0, 5));
    reader.finish();
    await reader.offer(fetched(0, 5));
    await reader.ended;
    expect(offsets()).toEqual([]);
  });

  it('cuts large answers, and moves with each part', async () => {
    const { reader, store, position } = await setup(0);
    await reader.offer(fetched(0, 35));
    await settle();
    expect(position()).toBe(35);
    expect(store.calls.filter((call) => call.includes('take'))).toHaveLength(4);
  });

  it('seeks back where an answer begins above its position, and stores nothing of it', async () => {
    const { reader, host, offsets } = await setup(0);
    await reader.offer(fetched(0, 5));
    await reader.offer(fetched(8, 12));
    await reader.offer(fetched(12, 20));
    await settle();
    expect(offsets()).toEqual([0, 1, 2, 3, 4]);
    expect(host.calls).toEqual(['start 0', 'pause', 'start 5']);
    await reader.offer(fetched(5, 8));
    await settle();
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('takes a hole for what it is where the answer itself begins at the position', async () => {
    const { reader, offsets, position } = await setup(0);
    await reader.offer({ ...fetched(4, 6), from: 0 });
    // Both ends are from before the answer.
    reader.skip(8, 3);
    reader.skip(3, 3);
    await settle();
    expect(offsets()).toEqual([4, 5]);
    expect(position()).toBe(9);
  });

  it('reports what is gone where its offset was out of range below', async () => {
    const { reader, host, store, position } = await setup(0);
    await reader.offer(fetched(0, 5));
    host.bound.low = 300;
    reader.outOfRange();
    await settle();
    expect(store.of(PARTITION).lost).toEqual([[5, 300]]);
    expect(position()).toBe(300);
    expect(host.calls.at(-1)).toBe('start 300');
  });

  it.each([
    ['where it ends before the position', 3],
    ['where it has grown beyond the position again since', 1000],
  ])('ends where its offset was out of range above: %s', async (_what, high) => {
    const { reader, host } = await setup(5);
    host.bound.high = high;
    reader.outOfRange();
    await expect(reader.ended).rejects.toMatchObject({ failure: 'recreated' });
  });

  it('waits for a leader that does not know its own end yet', async () => {
    const { reader, host } = await setup(5);
    host.bound.high = 3;
    await reader.offer(fetched(7, 9));
    await settle();
    host.bound.high = 5;
    await sleep(1200);
    expect(host.calls.at(-1)).toBe('start 5');
    reader.finish();
    await reader.ended;
  });

  it('claims again where the state has moved, and drops what was read ahead', async () => {
    let moves = 1;
    const { reader, host, store, offsets } = await setup(0, {
      async onTake() {
        await sleep(5);
      },
      pretendMoved: () => moves-- > 0,
    });
    await reader.offer(fetched(0, 10));
    await reader.offer(fetched(10, 20));
    store.of(PARTITION).position = 7;
    await sleep(50);
    expect(host.calls).toEqual(['start 0', 'pause', 'start 7']);
    expect(host.held).toBe(0);
    await reader.offer(fetched(7, 9));
    await sleep(50);
    expect(offsets()).toEqual([7, 8]);
  });

  it('makes a running batch give up when revoked, moves nothing, and releases', async () => {
    const seen: unknown[] = [];
    const { reader, host, store, position } = await setup(0, {
      async onTake(_batch, alive) {
        await sleep(20);
        await alive().catch((error: unknown) => {
          seen.push(error);
          throw error;
        });
      },
    });
    await reader.offer(fetched(0, 30));
    await settle();
    reader.revoke();
    await reader.ended;
    expect(seen).toEqual([expect.any(RevokedError)]);
    expect(position()).toBe(0);
    expect(store.calls.at(-1)).toBe('a release t/0');
    expect(host.held).toBe(0);
  });

  it('does not count a batch that ends after the revocation', async () => {
    const { reader, position } = await setup(0, { onTake: () => sleep(20) });
    await reader.offer(fetched(0, 5));
    await settle();
    reader.revoke();
    await reader.ended;
    // The store took it: whoever claims next goes on there. The reader does not.
    expect(position()).toBe(5);
    expect(reader.progress()?.position).toBe(0);
  });

  it('waits for the one before it', async () => {
    const { reader, host, store } = await setup(0, { onTake: () => sleep(30) });
    await reader.offer(fetched(0, 5));
    await settle();
    reader.revoke();
    const next = new PartitionReader(PARTITION, host, reader.ended);
    await reader.ended;
    await settle();
    expect(store.calls.slice(-2)).toEqual(['a release t/0', 'a claim t/0']);
    next.finish();
    await next.ended;
  });

  it('lets go of the fetching where its store is slow, and takes it up again', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { reader, host, position } = await setup(0, { onTake: () => gate });
    host.isBusy = true;
    await reader.offer(fetched(0, 5));
    await reader.offer(fetched(5, 10));
    expect(host.calls).toEqual(['start 0', 'pause']);
    open();
    await settle();
    expect(host.calls).toEqual(['start 0', 'pause', 'resume']);
    expect(position()).toBe(10);
  });

  it('tells of nothing as stored that was only gathered, and has it stored soon', async () => {
    const { reader, position, store } = await setup(0, { gather: 9 });
    await reader.offer(fetched(0, 25));
    await settle();
    expect([position(), reader.progress()?.position]).toEqual([0, 0]);
    // Nothing more comes.
    await expect.poll(() => position(), { timeout: 10_000 }).toBe(25);
    expect(reader.stored()?.position).toBe(25);
    expect(store.calls.filter((call) => call.includes('settle'))).toHaveLength(1);
    await reader.offer(fetched(25, 30));
    await settle();
    expect(position()).toBe(25);
    reader.finish();
    await reader.ended;
    // Given up in peace.
    expect([position(), store.calls.slice(-2)]).toEqual([30, ['a settle t/0', 'a release t/0']]);
  });

  it('leaves what was gathered to the next owner where the partition is lost, and where its handler fails', async () => {
    const lost = await setup(0, { gather: 9 });
    await lost.reader.offer(fetched(0, 5));
    await settle();
    lost.reader.revoke();
    await lost.reader.ended;
    let takes = 0;
    const failed = await setup(0, {
      gather: 9,
      onTake: () => ((takes += 1) < 3 ? Promise.resolve() : Promise.reject(new Error('no disk'))),
    });
    await failed.reader.offer(fetched(0, 25));
    await expect(failed.reader.ended).rejects.toMatchObject({ failure: 'handler' });
    for (const { position, store } of [lost, failed]) {
      expect(position()).toBe(0);
      expect(store.calls.filter((call) => call.includes('settle'))).toEqual([]);
    }
  });

  it('reads on behind what it has gathered where it seeks, and claims from what is stored where the state moved', async () => {
    let moves = 1;
    const { reader, host, store, offsets } = await setup(0, {
      gather: 2,
      pretendMoved: () => moves-- > 0,
    });
    await reader.offer(fetched(0, 5));
    await reader.offer(fetched(7, 9));
    await settle();
    expect(host.calls).toEqual(['start 0', 'pause', 'start 5']);
    await reader.offer(fetched(5, 8));
    await expect.poll(() => host.calls.at(-1)).toBe('start 0');
    await reader.offer(fetched(0, 8));
    await reader.offer(fetched(8, 9));
    await settle();
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(store.of(PARTITION).position).toBe(9);
  });

  it('stores what it has gathered before it tells that a partition stopped', async () => {
    const { reader, host, position } = await setup(0, { gather: 9 });
    await reader.offer(fetched(0, 5, { refused: 'a bomb' }));
    await settle();
    expect([position(), host.calls.at(-1)]).toEqual([5, 'stopped a bomb']);
  });

  it('stops before records that cannot be had, and keeps what comes before them', async () => {
    const { reader, host, position } = await setup(0);
    await reader.offer(fetched(0, 5, { refused: 'a bomb' }));
    await reader.offer(fetched(5, 9));
    await settle();
    expect(position()).toBe(5);
    expect(host.calls).toEqual(['start 0', 'pause', 'stopped a bomb']);
    expect(reader.isWaiting()).toBe(false);
    reader.finish();
    await reader.ended;
  });

  it('takes the records before a damaged one, and stops there though more was read ahead', async () => {
    const { reader, host, offsets, position } = await setup(0);
    function* damaged(): Generator<LogRecord> {
      yield* fetched(0, 3).records;
      throw new DamagedBatchError('a record ends too soon');
    }
    await reader.offer({ ...fetched(0, 5), records: { [Symbol.iterator]: damaged } });
    await reader.offer(fetched(5, 9));
    await settle();
    expect(offsets()).toEqual([0, 1, 2]);
    expect(position()).toBe(3);
    expect(host.calls).toContain('stopped a record ends too soon');
  });

  it.each([
    ['refused in the same answer', [], { refused: 'a bomb' }],
    ['refused in the next one', [{ ...fetched(5, 9), refused: 'a bomb' }], {}],
    ['out of order', [fetched(7, 9)], {}],
  ])('stops at a damaged record though what follows is %s', async (_, more, own) => {
    const { reader, host, position } = await setup(0);
    function* damaged(): Generator<LogRecord> {
      yield* fetched(0, 3).records;
      throw new DamagedBatchError('a record ends too soon');
    }
    await reader.offer({ ...fetched(0, 5), records: { [Symbol.iterator]: damaged }, ...own });
    for (const each of more) await reader.offer(each);
    await settle();
    expect([position(), host.calls.at(-1)]).toEqual([3, 'stopped a record ends too soon']);
  });

  it('ends with the error of a handler that fails, and releases', async () => {
    const { reader, store } = await setup(0, { onTake: () => Promise.reject(new Error('no disk')) });
    await reader.offer(fetched(0, 5));
    await expect(reader.ended).rejects.toMatchObject({ failure: 'handler' });
    expect(store.calls.at(-1)).toBe('a release t/0');
  });
});
