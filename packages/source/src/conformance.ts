import assert from 'node:assert/strict';
import type { AuditSource, DeadLetter, DeadLetterSink, SourceChunk } from './types.ts';

export { partitionedLogChecks } from './partitions-conformance.ts';
export type { LogUnderTest, PartitionedLogCheck } from './partitions-conformance.ts';
export { SharedStore } from './partitions-conformance-store.ts';
export type { StoredPartition, StoreHooks } from './partitions-conformance-store.ts';

/** Opens a source under test that holds exactly these origins, each with these bytes, in this order. */
export type OpenSource = (contents: readonly Uint8Array[]) => Promise<AuditSource>;

/** One promise of the port, as a check that rejects where it is broken. */
export interface SourceCheck {
  readonly name: string;
  run(open: OpenSource): Promise<void>;
}

const CONTENTS: readonly Uint8Array[] = [
  Buffer.from('{"a":1}\n{"b":2}\n'),
  Buffer.alloc(0),
  Buffer.from('a partial line'),
  Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${String((i * 7919) % 100_003)}\n`).join('')),
];

/**
 * What every finite source promises. Free of a test framework: a test file runs each check as one test.
 *
 * A source that only ends on abort (follow, webhook) keeps the same promises but cannot run these checks,
 * which read to the end.
 */
export const sourceChecks: readonly SourceCheck[] = [
  { name: 'delivers the bytes of every origin, in order', run: deliversEverything },
  { name: 'ends each origin once, with its last chunk', run: endsOrigins },
  { name: 'hands out growing positions', run: growingPositions },
  { name: 'refuses acknowledgements out of order', run: orderedAcknowledgements },
  { name: 'ends at once, without an error or an end of origin, when aborted before', run: abortedBefore },
  { name: 'ends soon when aborted in the middle, and leaves the origin open', run: abortedDuring },
  { name: 'reports progress that never goes back', run: growingProgress },
  { name: 'may be closed twice, and while it is being read', run: closesTwice },
];

/** A sink under test, and how a stranger who does not know it finds what it made durable. */
export interface OpenedSink {
  readonly sink: DeadLetterSink;
  /** How many letters are there for others to read. */
  countDurable(): Promise<number>;
}

/** One promise of {@link DeadLetterSink}, as a check that rejects where it is broken. */
export interface SinkCheck {
  readonly name: string;
  run(open: () => Promise<OpenedSink>): Promise<void>;
}

/** What every sink of dead letters promises. */
export const sinkChecks: readonly SinkCheck[] = [
  { name: 'has every letter durable when flushed, and goes on taking them', run: flushesLetters },
  { name: 'has every letter durable when closed', run: closesLetters },
  { name: 'may be flushed without a letter, and be closed twice', run: flushesNothing },
];

function letterAt(line: number): DeadLetter {
  return { origin: 'o', line, reason: 'invalid-json', detail: '', bytes: Buffer.from('half a li') };
}

async function flushesLetters(open: () => Promise<OpenedSink>): Promise<void> {
  const { sink, countDurable } = await open();
  for (const count of [1, 2, 3]) {
    sink.write(letterAt(count));
    await sink.flush();
    assert.equal(await countDurable(), count);
  }
  await sink.close();
}

async function closesLetters(open: () => Promise<OpenedSink>): Promise<void> {
  const { sink, countDurable } = await open();
  sink.write(letterAt(1));
  await sink.flush();
  sink.write(letterAt(2));
  await sink.close();
  assert.equal(await countDurable(), 2);
}

async function flushesNothing(open: () => Promise<OpenedSink>): Promise<void> {
  const { sink, countDurable } = await open();
  await sink.flush();
  await sink.flush();
  await sink.close();
  await sink.close();
  assert.equal(await countDurable(), 0);
}

async function deliversEverything(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    const origins: Buffer[][] = [[]];
    for await (const chunk of source.chunks(new AbortController().signal)) {
      origins.at(-1)?.push(Buffer.from(chunk.bytes));
      if (chunk.endsOrigin) origins.push([]);
      assert.equal(chunk.damage, undefined);
    }
    assert.deepEqual(origins.pop(), [], 'bytes after the last end of an origin');
    assert.equal(origins.length, CONTENTS.length);
    for (const [i, pieces] of origins.entries()) {
      assert.ok(
        Buffer.concat(pieces).equals(CONTENTS[i] ?? new Uint8Array(0)),
        `origin ${String(i)} differs`,
      );
    }
  });
}

async function endsOrigins(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    const ended = new Set<string>();
    let last: SourceChunk | undefined;
    for await (const chunk of source.chunks(new AbortController().signal)) {
      assert.ok(!ended.has(chunk.origin), `a chunk of ${chunk.origin} after its end`);
      if (chunk.endsOrigin) ended.add(chunk.origin);
      last = chunk;
    }
    assert.equal(ended.size, CONTENTS.length);
    assert.equal(last?.endsOrigin, true);
  });
}

async function growingPositions(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    let position = 0;
    for await (const chunk of source.chunks(new AbortController().signal)) {
      assert.ok(chunk.position > position, `${String(chunk.position)} after ${String(position)}`);
      position = chunk.position;
    }
  });
}

async function orderedAcknowledgements(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    const positions: number[] = [];
    for await (const chunk of source.chunks(new AbortController().signal)) positions.push(chunk.position);
    const first = positions[0] ?? 0;
    const last = positions.at(-1) ?? 0;
    await assert.rejects(source.acknowledge(last + 1), RangeError, 'a position never delivered');
    await source.acknowledge(first);
    await source.acknowledge(first);
    await source.acknowledge(last);
    await assert.rejects(source.acknowledge(first), RangeError, 'a position before the last one');
  });
}

async function abortedBefore(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    const aborted = new AbortController();
    aborted.abort();
    for await (const chunk of source.chunks(aborted.signal)) assert.fail(`chunk of ${chunk.origin}`);
  });
}

async function abortedDuring(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    const controller = new AbortController();
    let after = 0;
    for await (const chunk of source.chunks(controller.signal)) {
      assert.ok(!controller.signal.aborted || !chunk.endsOrigin, 'an aborted origin was called finished');
      after += controller.signal.aborted ? 1 : 0;
      controller.abort();
    }
    assert.ok(after <= 1, `${String(after)} chunks after the abort`);
  });
}

async function growingProgress(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    let before = source.progress().readBytes;
    for await (const chunk of source.chunks(new AbortController().signal)) {
      const { readBytes, totalBytes } = source.progress();
      assert.ok(readBytes >= before, `progress fell at position ${String(chunk.position)}`);
      assert.ok(totalBytes === undefined || readBytes <= totalBytes, 'more was read than there is');
      before = readBytes;
    }
    const { readBytes, totalBytes } = source.progress();
    assert.ok(readBytes > 0);
    assert.ok(totalBytes === undefined || readBytes === totalBytes, 'not all was read');
  });
}

async function closesTwice(open: OpenSource): Promise<void> {
  await withSource(open, async (source) => {
    for await (const chunk of source.chunks(new AbortController().signal)) {
      assert.ok(chunk.position > 0);
      await source.close();
    }
    await source.close();
  });
}

async function withSource(open: OpenSource, use: (source: AuditSource) => Promise<void>): Promise<void> {
  const source = await open(CONTENTS);
  try {
    await use(source);
  } finally {
    await source.close();
  }
}
