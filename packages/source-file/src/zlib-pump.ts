import type { Transform } from 'node:stream';

/** A streaming decompressor of node:zlib. */
export type ZlibStream = Transform & { readonly bytesWritten: number };

/**
 * Feeds a decompressor of node:zlib one piece at a time and keeps what comes out.
 *
 * Piping would lose data where it matters: a stream that fails throws its buffered output away. Here output is
 * taken as it is made, and what is held is bounded by what one piece can expand to, which is why pieces are
 * small.
 */
export class ZlibPump {
  readonly #stream: ZlibStream;
  #output: Uint8Array[] = [];
  #failure: Error | undefined;
  #settle: (() => void) | undefined;

  constructor(stream: ZlibStream) {
    this.#stream = stream;
    stream.on('data', (bytes: Uint8Array) => this.#output.push(bytes));
    stream.on('error', (error: Error) => {
      this.#failure = error;
      this.#settle?.();
    });
    stream.on('end', () => this.#settle?.());
  }

  /**
   * How many bytes of the piece were used, once they are: fewer than all where the decompressor found its end
   * (nothing may be written then) or failed (see `failure`). Never rejects.
   */
  async write(piece: Uint8Array): Promise<number> {
    const before = this.#stream.bytesWritten;
    await this.#settled((done) => {
      this.#stream.write(piece, done);
    });
    return this.#stream.bytesWritten - before;
  }

  /** Says that no input follows; the last output is there, or `failure` is set, when it resolves. */
  async finish(): Promise<void> {
    await this.#settled(() => {
      this.#stream.end();
    });
  }

  /** The output since the last call. The chunks are the caller's to keep. */
  take(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** Why nothing more will come out. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Frees what the decompressor holds. */
  close(): void {
    this.#stream.destroy();
  }

  async #settled(start: (done: () => void) => void): Promise<void> {
    if (this.#failure !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      start(resolve);
    });
  }
}
