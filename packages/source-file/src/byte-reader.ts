import type { RawBytes } from './raw-bytes.ts';

/**
 * Reads exact numbers of bytes out of chunks of any size. Holds at most what was asked for and one chunk;
 * every byte is copied at most twice, however small the chunks are. Where the stream fails, what came before
 * is given first: `peek` and `take` give fewer bytes and `failure` tells.
 */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);
  #ended = false;
  #failure: unknown;

  constructor(bytes: RawBytes) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** The next bytes without taking them: `count`, or fewer where the stream ends before. */
  async peek(count: number): Promise<Uint8Array> {
    if (this.#held.length < count && !this.#ended) await this.#fill(count);
    return this.#held.subarray(0, count);
  }

  /** Takes what `peek` gave: `count` bytes, or fewer at the end. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.peek(count);
    this.#held = this.#held.subarray(bytes.length);
    return bytes;
  }

  /** What is left, in chunks of any size. */
  async *rest(): AsyncGenerator<Uint8Array, void> {
    const held = this.#held;
    this.#held = new Uint8Array(0);
    if (held.length > 0) yield held;
    while (!this.#ended) {
      const next = await this.#next();
      if (next !== undefined) yield next;
    }
    const failure = this.#failure;
    if (failure !== undefined)
      throw failure instanceof Error ? failure : new Error('cannot read', { cause: failure });
  }

  /** Why there are no more bytes, where the stream failed. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Lets the stream go, wherever it is. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#chunks.return?.();
  }

  async #fill(count: number): Promise<void> {
    const parts: Uint8Array[] = [this.#held];
    let length = this.#held.length;
    while (length < count) {
      const next = await this.#next();
      if (next === undefined) break;
      // A copy: the chunk's own buffer is filled again while later ones are asked for.
      parts.push(Buffer.from(next));
      length += next.length;
    }
    this.#held = Buffer.concat(parts, length);
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#chunks.next();
      if (next.done !== true) return next.value;
    } catch (failure) {
      this.#failure = failure;
    }
    this.#ended = true;
    return undefined;
  }
}
