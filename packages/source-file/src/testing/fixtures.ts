import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditSource, SourceChunk } from '@leastwise/source';

/** What the fixtures of `testdata/` decompress to. */
export function content(): Buffer {
  const line = (i: number): string => `{"auditID":"${String((i * i) % 199)}-${String(i >> 8)}"}\n`;
  return Buffer.from(Array.from({ length: 24_000 }, (_, i) => line(i)).join(''));
}

/** A file of `testdata/`. */
export async function fixture(name: string): Promise<Buffer> {
  return await readFile(new URL(`../../testdata/${name}`, import.meta.url));
}

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'leastwise-source-'));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** What one origin delivered. */
export interface Delivered {
  readonly origin: string;
  readonly bytes: Buffer;
  readonly damage: string | undefined;
}

/** Reads a finite source to its end: one entry an origin, in the order of their ends. */
export async function drain(source: AuditSource): Promise<Delivered[]> {
  const done: Delivered[] = [];
  let open: Buffer[] = [];
  for await (const chunk of source.chunks(new AbortController().signal)) {
    open.push(Buffer.from(chunk.bytes));
    if (!chunk.endsOrigin) continue;
    done.push({ origin: chunk.origin, bytes: Buffer.concat(open), damage: chunk.damage });
    open = [];
  }
  return done;
}

/** Collects what a stream of bytes gives before it ends or fails. */
export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<{ bytes: Buffer; error: unknown }> {
  const seen: Buffer[] = [];
  try {
    for await (const chunk of bytes) seen.push(Buffer.from(chunk));
  } catch (error) {
    return { bytes: Buffer.concat(seen), error };
  }
  return { bytes: Buffer.concat(seen), error: undefined };
}

/**
 * Bytes in pieces of the given sizes, in turn. One buffer is used for all of them, as the contract of sources
 * allows, so that whoever keeps a piece too long sees it change.
 */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(Math.max(...sizes));
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.min(sizes[turn % sizes.length] ?? 1, bytes.length - at);
    buffer.fill(0xee);
    buffer.set(bytes.subarray(at, at + size));
    at += size;
    await Promise.resolve();
    yield buffer.subarray(0, size);
  }
}

/** Waits until something is so, looking every few milliseconds. @throws Error after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Reads a source in the background, keeping copies, until it is stopped. */
export class Reading {
  readonly chunks: SourceChunk[] = [];
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;

  constructor(source: AuditSource, onChunk?: (chunk: SourceChunk) => Promise<void>) {
    this.#done = this.#run(source, onChunk);
    // Looked at in `stop`; until then it is no unhandled rejection.
    this.#done.catch(() => undefined);
  }

  /** All bytes so far, with a `|` at each end of an origin. */
  text(): string {
    return this.chunks
      .map(({ bytes, endsOrigin }) => Buffer.from(bytes).toString() + (endsOrigin ? '|' : ''))
      .join('');
  }

  /** Aborts, and resolves when the source has ended. @throws what the source threw */
  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#done;
  }

  async #run(source: AuditSource, onChunk?: (chunk: SourceChunk) => Promise<void>): Promise<void> {
    for await (const chunk of source.chunks(this.#controller.signal)) {
      const copy = { ...chunk, bytes: Buffer.from(chunk.bytes) };
      this.chunks.push(copy);
      await onChunk?.(copy);
    }
  }
}
