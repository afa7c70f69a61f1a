import type { Readable } from 'node:stream';
import { createDeliveryLedger, SourceError } from '@leastwise/source';
import type { AuditSource, SourceChunk } from '@leastwise/source';
import { ABORTED, orAborted } from './abort.ts';
import { decompressed } from './decompress.ts';
import { expandInputs } from './inputs.ts';
import type { Input } from './inputs.ts';
import { DamageError, readFileBytes, readStreamBytes } from './raw-bytes.ts';
import type { RawBytes } from './raw-bytes.ts';
import { readUrlBytes, shownUrl } from './url-bytes.ts';

/** What a file source reads. */
export interface FileSourceOptions {
  /** Files, directories, globs, http(s) URLs, or `-` for standard input; any of them compressed or not. */
  readonly inputs: readonly string[];
  /** What `-` reads; the process's standard input where it is not given. */
  readonly stdin?: Readable;
  /** How long a server may be silent, 60 000 ms where it is not given. */
  readonly urlIdleMs?: number;
}

/**
 * A source over stored logs, in the order of `inputs`; see {@link expandInputs} for what each may be. gzip and
 * zstd are recognised by their first bytes. Memory is constant whatever the size and the compression ratio.
 *
 * Every origin ends with an empty chunk. Where it is cut or damaged, what is good comes before, that chunk tells
 * the damage, and the other origins go on. Progress counts bytes as they are stored, before decompression;
 * the total is known where every input is a file or a URL whose server told the length.
 *
 * @throws SourceError naming every missing or unreadable file, empty glob or directory, at once. URLs are only
 *   asked when their turn comes: then `chunks` throws.
 */
export async function openFileSource(options: FileSourceOptions): Promise<AuditSource> {
  const inputs = await expandInputs(options.inputs);
  return new FileSource(inputs, options.stdin ?? process.stdin, options.urlIdleMs ?? 60_000);
}

class FileSource implements AuditSource {
  readonly #ledger = createDeliveryLedger();
  readonly #closing = new AbortController();
  readonly #inputs: readonly Input[];
  readonly #stdin: Readable;
  readonly #urlIdleMs: number;
  readonly #sizes: (number | undefined)[];
  #readBytes = 0;

  constructor(inputs: readonly Input[], stdin: Readable, urlIdleMs: number) {
    this.#inputs = inputs;
    this.#stdin = stdin;
    this.#urlIdleMs = urlIdleMs;
    this.#sizes = inputs.map((input) => (input.kind === 'file' ? input.size : undefined));
  }

  async *chunks(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    for (const [index, input] of this.#inputs.entries()) {
      const origin = originOf(input);
      const content = decompressed(...this.#open(input, index, either));
      let damage: string | undefined;
      try {
        for (;;) {
          const next = await orAborted(content.next(), either);
          if (next === ABORTED) return;
          if (next.done === true) break;
          yield this.#chunk(origin, next.value, false);
        }
      } catch (cause) {
        if (either.aborted) return;
        if (!(cause instanceof DamageError)) throw cause;
        damage = cause.message;
      } finally {
        // Not awaited: after an abort, a read that never ends may still be under way.
        content.return().catch(() => undefined);
      }
      if (either.aborted) return;
      const last = this.#chunk(origin, new Uint8Array(0), true);
      yield damage === undefined ? last : { ...last, damage };
    }
  }

  async acknowledge(position: number): Promise<void> {
    this.#ledger.acknowledge(position);
    await Promise.resolve();
  }

  progress(): { readBytes: number; totalBytes: number | undefined } {
    let totalBytes: number | undefined = 0;
    for (const size of this.#sizes) {
      totalBytes = totalBytes === undefined || size === undefined ? undefined : totalBytes + size;
    }
    // A file that grew while it was read.
    if (totalBytes !== undefined) totalBytes = Math.max(totalBytes, this.#readBytes);
    return { readBytes: this.#readBytes, totalBytes };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.resolve();
  }

  #chunk(origin: string, bytes: Uint8Array, endsOrigin: boolean): SourceChunk {
    return { origin, position: this.#ledger.deliver(), bytes, endsOrigin };
  }

  /** The bytes of an input, counted, and a way to read them again where there is one. */
  #open(input: Input, index: number, signal: AbortSignal): [RawBytes, (() => RawBytes)?] {
    switch (input.kind) {
      case 'file':
        return [this.#counted(readFileBytes(input.path)), () => readFileBytes(input.path)];
      case 'pipe':
        return [this.#counted(readFileBytes(input.path))];
      case 'stdin':
        return [this.#counted(readStreamBytes(this.#stdin, signal))];
      case 'url': {
        const onLength = (bytes: number): void => {
          this.#sizes[index] = bytes;
        };
        return [this.#counted(readUrlBytes(input.url, { signal, idleMs: this.#urlIdleMs, onLength }))];
      }
      default:
        throw new SourceError(`unknown input ${String(input satisfies never)}`);
    }
  }

  async *#counted(bytes: RawBytes): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of bytes) {
      this.#readBytes += chunk.length;
      yield chunk;
    }
  }
}

function originOf(input: Input): string {
  switch (input.kind) {
    case 'file':
    case 'pipe':
      return input.path;
    case 'stdin':
      return '-';
    case 'url':
      return shownUrl(input.url);
    default:
      return input satisfies never;
  }
}
