import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { BodyBytes, Reservation } from './webhook-queue.ts';
import { ZlibPump } from './zlib-pump.ts';

/** A body taken whole, or the answer that says why it was not. */
export type BodyResult =
  | { readonly kind: 'taken'; readonly body: BodyBytes }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'full' }
  | { readonly kind: 'bad-encoding'; readonly detail: string }
  /** The sender went away; nobody is there to be answered. */
  | { readonly kind: 'gone' };

/** As much compressed input as is decompressed at a time: 16 MiB of output at most. */
const PIECE_BYTES = 1 << 14;

/**
 * Reads a request's body, decompressed where it is sent as gzip, and reserves its room as it grows. Neither the
 * body as sent nor as it is after decompression may exceed `maxBytes`.
 */
export async function readBody(
  request: IncomingMessage,
  room: Reservation,
  maxBytes: number,
): Promise<BodyResult> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'gzip' && encoding !== 'identity') {
    return { kind: 'bad-encoding', detail: 'only gzip and identity are understood' };
  }
  const pump = encoding === 'gzip' ? new ZlibPump(createGunzip()) : undefined;
  const body = new GrowingBody(room, maxBytes);
  try {
    let sent = 0;
    // Not destroyed on an early return: the answer still has to go out on its connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      sent += chunk.length;
      if (sent > maxBytes) return { kind: 'too-large' };
      const refused = pump === undefined ? body.add([chunk]) : await inflateInto(body, pump, chunk);
      if (refused !== undefined) return refused;
    }
    if (pump !== undefined) {
      await pump.finish();
      const refused = pump.failure === undefined ? body.add(pump.take()) : badGzip(pump.failure);
      if (refused !== undefined) return refused;
    }
    return { kind: 'taken', body };
  } catch {
    return { kind: 'gone' };
  } finally {
    pump?.close();
  }
}

async function inflateInto(
  body: GrowingBody,
  pump: ZlibPump,
  chunk: Buffer,
): Promise<BodyResult | undefined> {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
    const piece = chunk.subarray(at, at + PIECE_BYTES);
    const used = await pump.write(piece);
    if (pump.failure !== undefined) return badGzip(pump.failure);
    if (used < piece.length) return { kind: 'bad-encoding', detail: 'bytes follow the gzip stream' };
    const refused = body.add(pump.take());
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function badGzip(failure: Error): BodyResult {
  return { kind: 'bad-encoding', detail: `not a whole gzip stream: ${failure.message}` };
}

class GrowingBody implements BodyBytes {
  readonly #room: Reservation;
  readonly #maxBytes: number;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(room: Reservation, maxBytes: number) {
    this.#room = room;
    this.#maxBytes = maxBytes;
  }

  /** Why the parts were refused, or undefined where they were added. */
  add(parts: readonly Uint8Array[]): BodyResult | undefined {
    for (const part of parts) {
      if (this.#length + part.length > this.#maxBytes) return { kind: 'too-large' };
      if (!this.#room.grow(part.length)) return { kind: 'full' };
      this.#length += part.length;
      this.#parts.push(part);
    }
    return undefined;
  }

  get length(): number {
    return this.#length;
  }

  take(): Uint8Array {
    const parts = this.#parts.splice(0);
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, this.#length);
  }
}
