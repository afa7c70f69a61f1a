import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  append,
  assertAll,
  assertReleased,
  PARTITIONS,
  record,
  recordsFrom,
  withLog,
} from './partitions-conformance-run.ts';
import type { LogUnderTest } from './partitions-conformance-run.ts';
import { SharedStore } from './partitions-conformance-store.ts';
import type { StoreHooks } from './partitions-conformance-store.ts';
import { LogError } from './partitions.ts';

export type { LogUnderTest } from './partitions-conformance-run.ts';

/** One promise of the port, as a check that rejects where it is broken. */
export interface PartitionedLogCheck {
  readonly name: string;
  run(open: () => Promise<LogUnderTest>): Promise<void>;
}

/** What every {@link PartitionedLog} promises. Free of a test framework: a test file runs each check as one test. */
export const partitionedLogChecks: readonly PartitionedLogCheck[] = [
  { name: 'delivers every record once, in order, as it was appended', run: deliversEverything },
  { name: 'puts records with the same key into the same partition', run: keepsKeysTogether },
  { name: 'goes on at the position that the handler claims', run: goesOn },
  { name: 'shares partitions with a worker that comes and one that goes', run: sharesPartitions },
  { name: 'claims a partition again where the state has moved', run: claimsAgain },
  { name: 'reports what retention took before it was read, once', run: reportsLost },
  { name: 'begins at the oldest record where nothing was ever read', run: beginsAtOldest },
  { name: 'refuses a topic that was made anew', run: refusesRecreated },
  { name: 'ends where the handler fails, with its error as the cause', run: endsOnFailure },
  { name: 'lets the running batch end when aborted, and releases all', run: endsOnAbort },
  { name: 'tells a slow handler that its partition is still its own', run: keepsSlowHandlers },
  { name: 'shows how far each partition has been read', run: showsProgress },
  { name: 'refuses to append to a topic that is not there', run: refusesUnknownTopic },
];

async function deliversEverything(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 300));
    const store = new SharedStore();
    const running = await start(store, 'a');
    await running.until('300 records', () => store.count() >= 300);
    await append(log, recordsFrom(300, 200));
    await append(log, [{ key: null, value: null, headers: { number: '500' }, timestampMs: 5 }]);
    await running.until('501 records', () => store.count() >= 501);
    await running.stop();
    assertAll(store, 501);
    const stored = [...store.partitions.values()].flatMap(({ records }) => records);
    for (const { key, value, headers, timestampMs } of stored) {
      const i = Number(Buffer.from(headers.get('number') ?? []));
      if (i === 500) {
        assert.deepEqual([key, value, timestampMs], [null, null, 5]);
        continue;
      }
      const want = record(i);
      assert.equal(key === null ? null : Buffer.from(key).toString(), want.key);
      assert.equal(value === null ? null : Buffer.from(value).toString(), want.value);
      assert.equal(timestampMs, want.timestampMs);
      assert.equal(headers.get('empty')?.length, 0);
      assert.equal(headers.size, 2);
    }
  });
}

async function keepsKeysTogether(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 100));
    await append(log, recordsFrom(100, 100));
    const store = new SharedStore();
    const running = await start(store, 'a');
    await running.until('200 records', () => store.count() >= 200);
    await running.stop();
    const homes = new Map<string, string>();
    for (const [name, { records }] of store.partitions) {
      for (const { key } of records) {
        const text = Buffer.from(key ?? []).toString();
        assert.equal(homes.get(text) ?? name, name, `${text} is in two partitions`);
        homes.set(text, name);
      }
    }
    assert.ok(new Set(homes.values()).size > 1, 'all in one partition');
  });
}

async function goesOn(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    const store = new SharedStore();
    for (let round = 0; round < 3; round += 1) {
      await append(log, recordsFrom(round * 100, 100));
      const running = await start(store, `worker-${String(round)}`);
      await running.until('all of the round', () => store.count() >= (round + 1) * 100);
      await running.stop();
    }
    assertAll(store, 300);
    // The state is the only authority: where it went back in time, so does the reading.
    for (const stored of store.partitions.values()) {
      stored.position = 0;
      stored.records.length = 0;
    }
    const again = await start(store, 'again');
    await again.until('everything again', () => store.count() >= 300);
    await again.stop();
    assertAll(store, 300);
  });
}

async function sharesPartitions(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    const store = new SharedStore();
    const hooks: StoreHooks = { onTake: () => sleep(2) };
    const first = await start(store, 'first', hooks);
    await append(log, recordsFrom(0, 200));
    await first.until('200 records', () => store.count() >= 200);
    const second = await start(store, 'second', hooks);
    await second.until('a share', () => second.log.progress().length > 0 && first.log.progress().length < 3);
    assert.ok(first.log.progress().length > 0, 'the first worker has nothing left');
    await append(log, recordsFrom(200, 200));
    await first.until('400 records', () => store.count() >= 400);
    await first.stop();
    await append(log, recordsFrom(400, 200));
    await second.until('600 records', () => store.count() >= 600);
    // A partition may be taken over after what stood in the others was read.
    await second.until('all partitions', () => second.log.progress().length === 3);
    await second.stop();
    assertAll(store, 600);
  });
}

async function claimsAgain(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    const store = new SharedStore();
    let pretended = 0;
    const running = await start(store, 'a', {
      pretendMoved() {
        pretended += 1;
        return pretended % 3 === 1 && pretended < 20;
      },
    });
    for (let i = 0; i < 5; i += 1) {
      await append(log, recordsFrom(i * 50, 50));
      await running.until('all so far', () => store.count() >= (i + 1) * 50);
    }
    await running.stop();
    assertAll(store, 250);
    assert.ok(store.calls.filter((call) => call.includes(' claim ')).length > PARTITIONS.length);
    assert.equal(store.calls.filter((call) => call.includes(' release ')).length, PARTITIONS.length);
  });
}

async function reportsLost(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 300));
    const store = new SharedStore();
    for (const partition of PARTITIONS) store.of({ topic: log.topic, partition }).position = 5;
    await log.truncate({ topic: log.topic, partition: 1 }, 12);
    let isFirst = true;
    const running = await start(store, 'a', {
      // The loss has to be reported again where it could not be stored.
      pretendMoved({ partition }) {
        if (partition !== 1 || !isFirst) return false;
        isFirst = false;
        return true;
      },
    });
    await running.until('all that is left', () => store.count() >= 300 - 5 - 5 - 12);
    await running.stop();
    const lost = PARTITIONS.map((partition) => store.of({ topic: log.topic, partition }).lost);
    assert.deepEqual(lost, [[], [[5, 12]], []]);
    assert.equal(store.of({ topic: log.topic, partition: 1 }).records[0]?.offset, 12);
  });
}

async function beginsAtOldest(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 300));
    await log.truncate({ topic: log.topic, partition: 0 }, 7);
    const store = new SharedStore();
    const running = await start(store, 'a');
    await running.until('all that is left', () => store.count() >= 293);
    await running.stop();
    assert.equal(store.of({ topic: log.topic, partition: 0 }).records[0]?.offset, 7);
    assert.deepEqual(store.of({ topic: log.topic, partition: 0 }).lost, []);
  });
}

async function refusesRecreated(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 300));
    const store = new SharedStore();
    const running = await start(store, 'a');
    await running.until('300 records', () => store.count() >= 300);
    await running.stop();
    await log.recreate();
    await append(log, recordsFrom(300, 3));
    const error = await (await start(store, 'b')).failure();
    assert.ok(error instanceof LogError, String(error));
    assert.equal(error.failure, 'recreated');
    assert.equal(store.count(), 300);
  });
}

async function endsOnFailure(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 10));
    const store = new SharedStore();
    const cause = new Error('the disk is full');
    const running = await start(store, 'a', { onTake: () => Promise.reject(cause) });
    const error = await running.failure();
    assert.ok(error instanceof LogError, String(error));
    assert.deepEqual([error.failure, error.cause], ['handler', cause]);
    assertReleased(store);
  });
}

async function endsOnAbort(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 100));
    const store = new SharedStore();
    let begun = 0;
    let ended = 0;
    const running = await start(store, 'a', {
      async onTake(_batch, alive) {
        begun += 1;
        running.abort();
        await sleep(100);
        await alive();
        ended += 1;
      },
    });
    await running.until('a batch', () => begun > 0);
    await running.stop();
    assert.ok(begun > 0 && begun <= PARTITIONS.length, 'batches were begun after the abort');
    assert.equal(ended, begun);
    assert.ok(store.count() > 0, 'the running batch was not stored');
    assertReleased(store);
    assert.deepEqual(running.log.progress(), []);
  });
}

async function keepsSlowHandlers(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 30));
    const store = new SharedStore();
    const running = await start(store, 'a', {
      async onTake(_batch, alive) {
        for (let i = 0; i < 5; i += 1) {
          await sleep(100);
          await alive();
        }
      },
    });
    await running.until('30 records', () => store.count() >= 30);
    await running.stop();
    assertAll(store, 30);
    assert.equal(store.calls.filter((call) => call.includes(' claim ')).length, PARTITIONS.length);
  });
}

async function showsProgress(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log, start) => {
    await append(log, recordsFrom(0, 90));
    const store = new SharedStore();
    const running = await start(store, 'a');
    assert.deepEqual(running.log.progress(), []);
    await running.until('all read', () => {
      const progress = running.log.progress();
      return progress.length === 3 && store.count() === 90 && progress.every((p) => p.position === p.end);
    });
    const progress = running.log.progress();
    assert.equal(
      progress.reduce((sum, { end }) => sum + end, 0),
      90,
    );
    for (const { partition, position } of progress) assert.equal(store.of(partition).position, position);
    await running.stop();
  });
}

async function refusesUnknownTopic(open: () => Promise<LogUnderTest>): Promise<void> {
  await withLog(open, async (log) => {
    const worker = await log.openWorker();
    try {
      await worker.writer.append(`${log.topic}-not-there`, [record(0)]);
      assert.fail('appended to nowhere');
    } catch (error) {
      assert.ok(error instanceof LogError, String(error));
      assert.equal(error.failure, 'refused');
    } finally {
      await worker[Symbol.asyncDispose]();
    }
  });
}
