import { createGunzip } from 'node:zlib';
import { DamageError } from './raw-bytes.ts';
import type { RawBytes } from './raw-bytes.ts';
import { ZlibPump } from './zlib-pump.ts';

/**
 * What is fed at a time. Deflate expands at most 1032 times, so one piece holds at most 16 MiB of output,
 * and a bomb is only a long stream.
 */
const PIECE_BYTES = 1 << 14;
const OUTPUT_BYTES = 1 << 16;

/**
 * Decompresses gzip (RFC 1952), any number of members, with zero padding after or between them.
 *
 * All bytes before a cut are delivered. Where the stream is damaged, zlib throws away the output of the call in
 * which it noticed; `replay`, which gives the same bytes from the beginning again, is then read up to that
 * place to get that output too. Without it, up to 64 KiB before the damage are lost.
 *
 * @throws DamageError where the stream is cut or damaged, after what is good was delivered.
 */
export async function* gunzip(bytes: RawBytes, replay?: () => RawBytes): AsyncGenerator<Uint8Array, void> {
  const members = new GzipMembers();
  let delivered = 0;
  let usedBefore = 0;
  let feeding: Promise<number> = Promise.resolve(0);
  try {
    for await (const piece of pieces(bytes)) {
      usedBefore += await feeding;
      if (members.failure !== undefined) break;
      const output = members.take();
      // The next piece is decompressed, on another thread, while this output is used.
      feeding = members.feed(piece);
      delivered += yield* counted(output);
    }
    await feeding;
    const damaged = members.failure !== undefined;
    if (!damaged) await members.finish();
    delivered += yield* counted(members.take());
    if (members.failure === undefined) return;
    if (damaged && replay !== undefined) yield* salvage(replay(), usedBefore, delivered);
    const what = damaged ? 'is damaged' : 'is cut off';
    throw new DamageError(`the gzip stream ${what}: ${members.failure.message}`, { cause: members.failure });
  } catch (cause) {
    await feeding;
    yield* members.take();
    throw cause;
  } finally {
    members.close();
  }
}

/** Feeds the place of the damage byte by byte, so that nothing decodable before it is lost. */
async function* salvage(bytes: RawBytes, usedBefore: number, delivered: number): AsyncGenerator<Uint8Array> {
  const members = new GzipMembers();
  let skip = delivered;
  try {
    for await (const piece of stepsAround(bytes, usedBefore)) {
      await members.feed(piece);
      for (const output of members.take()) {
        const skipped = Math.min(skip, output.length);
        skip -= skipped;
        if (skipped < output.length) yield output.subarray(skipped);
      }
      if (members.failure !== undefined) return;
    }
  } finally {
    members.close();
  }
}

/** Pieces up to `position`, single bytes for one piece after it, then nothing. */
async function* stepsAround(bytes: RawBytes, position: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of pieces(bytes)) {
    const before = Math.max(0, Math.min(piece.length, position - at));
    if (before > 0) yield piece.subarray(0, before);
    for (let i = before; i < piece.length; i += 1) {
      if (at + i >= position + PIECE_BYTES) return;
      yield piece.subarray(i, i + 1);
    }
    at += piece.length;
  }
}

/** Decompresses one member after the other. Never rejects: `failure` tells. */
class GzipMembers {
  #pump: ZlibPump | undefined;
  #output: Uint8Array[] = [];
  failure: Error | undefined;

  /** Takes a piece in, which must not change meanwhile. How long it was, or 0 where the damage is in it. */
  async feed(piece: Uint8Array): Promise<number> {
    let rest = piece;
    while (rest.length > 0 && this.failure === undefined) {
      if (this.#pump === undefined) {
        rest = withoutPadding(rest);
        if (rest.length === 0) break;
        this.#pump = new ZlibPump(createGunzip({ chunkSize: OUTPUT_BYTES }));
      }
      rest = rest.subarray(await this.#pump.write(rest));
      this.#collect(this.#pump);
      // Node's gunzip goes on by itself with a member that follows at once, and stops at a padding byte.
      if (rest.length > 0) this.close();
    }
    return this.failure === undefined ? piece.length : 0;
  }

  async finish(): Promise<void> {
    if (this.#pump === undefined) return;
    await this.#pump.finish();
    this.#collect(this.#pump);
  }

  take(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  close(): void {
    this.#pump?.close();
    this.#pump = undefined;
  }

  #collect(pump: ZlibPump): void {
    for (const output of pump.take()) this.#output.push(output);
    this.failure ??= pump.failure;
  }
}

/** Copies: a piece is still being decompressed when the next raw chunk is asked for. */
async function* pieces(bytes: RawBytes): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES)
      yield Buffer.from(chunk.subarray(at, at + PIECE_BYTES));
  }
}

function* counted(output: readonly Uint8Array[]): Generator<Uint8Array, number> {
  let count = 0;
  for (const bytes of output) {
    yield bytes;
    count += bytes.length;
  }
  return count;
}

function withoutPadding(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? bytes.subarray(bytes.length) : bytes.subarray(first);
}
