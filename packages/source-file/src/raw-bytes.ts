import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { SourceError } from '@leastwise/source';

/** Bytes as they are stored or sent, compressed or not. A chunk is valid until the next one is asked for. */
export type RawBytes = AsyncIterable<Uint8Array>;

/** An origin stopped before its end. What was read before is good; the message says why. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
  readonly code = 'LW_SOURCE_DAMAGE';
}

const READ_BYTES = 1 << 20;

/**
 * The bytes of a file from its beginning. Two buffers: one is filled while the other is used, so memory is
 * constant whatever the size. Pipes and devices are read too, which is why reads carry no position.
 *
 * @throws SourceError where the file cannot be opened, or nothing could be read from it.
 * @throws DamageError where reading fails after some bytes were read.
 */
export async function* readFileBytes(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await openForReading(path);
  let pending: Promise<number> | undefined;
  try {
    let current = Buffer.allocUnsafeSlow(READ_BYTES);
    let spare = Buffer.allocUnsafeSlow(READ_BYTES);
    let total = 0;
    pending = readInto(file, current);
    for (;;) {
      const length = await pending.catch((cause: unknown) => {
        throw unreadable(path, cause, total > 0);
      });
      if (length === 0) return;
      total += length;
      const filled = current;
      [current, spare] = [spare, current];
      pending = readInto(file, current);
      yield filled.subarray(0, length);
    }
  } finally {
    // A read that is still under way must end before its buffer and descriptor go.
    await pending?.catch(() => undefined);
    await file.close();
  }
}

/**
 * The bytes of a stream (standard input, a response). The stream is destroyed when the reader stops or
 * `signal` aborts, so that an idle one does not hold the process.
 *
 * Reads by hand: iterating a stream drops what it has buffered when it fails.
 *
 * @throws DamageError where the stream fails, after what came before was delivered.
 */
export async function* readStreamBytes(
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const state = watch(stream);
  const onAbort = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      const changed = state.changed();
      const over = state.over();
      const chunk: unknown = stream.read();
      if (chunk !== null) yield bytesOf(chunk);
      else if (over === undefined) await changed;
      else if (over.failure === undefined) return;
      else throw new DamageError(`stopped early: ${over.failure}`);
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}

/** Follows the events of a stream: whether it is over and why, and when there is something new. */
function watch(stream: Readable): {
  over(): { readonly failure?: string } | undefined;
  changed(): Promise<void>;
} {
  let over: { readonly failure?: string } | undefined;
  let wake = (): void => undefined;
  stream.on('readable', () => {
    wake();
  });
  stream.on('end', () => {
    over ??= {};
    wake();
  });
  stream.on('error', (cause) => {
    over ??= { failure: messageOf(cause) };
    wake();
  });
  stream.on('close', () => {
    over ??= { failure: 'closed before its end' };
    wake();
  });
  return {
    over: () => over,
    async changed() {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
  };
}

/**
 * Opens a file, naming it where that fails.
 * @throws SourceError
 */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new SourceError(`cannot open ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** What an error says, whatever was thrown. Node's error codes are kept in front: they are what people search. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

async function readInto(file: FileHandle, buffer: Buffer): Promise<number> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
  return bytesRead;
}

function unreadable(path: string, cause: unknown, begun: boolean): Error {
  return begun
    ? new DamageError(`reading stopped early: ${messageOf(cause)}`, { cause })
    : new SourceError(`cannot read ${path}: ${messageOf(cause)}`, { cause });
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  return Buffer.from(String(chunk));
}
