import { createDeliveryLedger, SourceError } from '@leastwise/source';
import type { AuditSource, SourceChunk } from '@leastwise/source';
import { stat } from 'node:fs/promises';
import { pause } from './abort.ts';
import { identityOf, rotatedGenerations } from './rotation.ts';
import type { FileIdentity } from './rotation.ts';
import { Tail } from './tail.ts';

/** What a follow source reads. */
export interface FollowSourceOptions {
  /** The log as it is named while it is written. Plain text; it need not be there yet. */
  readonly file: string;
  /** How often to look for more, 250 ms where it is not given. */
  readonly pollMs?: number;
  /** False begins at the present end of the file, which should be the end of a line. True where not given. */
  readonly fromStart?: boolean;
}

/**
 * A source over a log that is still being written, as `tail -F` would read it. It ends only when it is aborted or
 * closed, and then leaves its origin open.
 *
 * Bytes are delivered as they are written, lines cut anywhere. A file that was renamed is read to its end, and
 * once more one poll later for a writer that had not let go of it, before its origin ends and the new file
 * begins; generations that came and went between two looks are found by inode and read in between. A file that
 * was truncated or rewritten in place (copytruncate) ends the origin and is read from its beginning; what was
 * written after the last look and cut before this one is lost to every reader.
 *
 * Positions are not kept over a restart, which reads the file from its beginning again.
 *
 * @throws SourceError where the path names something that is not a file. A file that is there but cannot be
 *   read throws from `chunks` when it is its turn.
 */
export async function openFollowSource(options: FollowSourceOptions): Promise<AuditSource> {
  const stats = await stat(options.file).catch(() => undefined);
  if (stats !== undefined && !stats.isFile()) {
    throw new SourceError(`${options.file}: not a regular file, so it cannot be followed`);
  }
  const begin = options.fromStart === false ? (stats?.size ?? 0) : 0;
  return new FollowSource(options.file, options.pollMs ?? 250, begin);
}

class FollowSource implements AuditSource {
  readonly #ledger = createDeliveryLedger();
  readonly #closing = new AbortController();
  readonly #path: string;
  readonly #pollMs: number;
  #begin: number;
  /** Versions of the generations that were read, or were there before all that was asked for. */
  #done = new Set<string>();
  #readBytes = 0;

  constructor(path: string, pollMs: number, begin: number) {
    this.#path = path;
    this.#pollMs = pollMs;
    this.#begin = begin;
  }

  async *chunks(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    await this.#skipGenerations();
    while (!either.aborted) {
      const tail = await this.#openNext();
      if (tail === undefined) {
        await pause(this.#pollMs, either);
        continue;
      }
      try {
        yield* this.#readUntilReplaced(tail, either);
        this.#done.add((await tail.identity()).version);
      } finally {
        await tail.close();
      }
    }
  }

  async acknowledge(position: number): Promise<void> {
    this.#ledger.acknowledge(position);
    await Promise.resolve();
  }

  progress(): { readBytes: number; totalBytes: undefined } {
    return { readBytes: this.#readBytes, totalBytes: undefined };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.resolve();
  }

  /** The oldest generation that was not read, else the live file; undefined where there is nothing (any more). */
  async #openNext(): Promise<Tail | undefined> {
    const live = await identityOf(this.#path);
    const missed = await this.#missed();
    const found = missed ?? live;
    if (found === undefined) return undefined;
    const tail = await Tail.open(found, this.#begin);
    if (tail === undefined) return undefined;
    // A rotation while the live file was being opened: what it made comes first.
    const overtaken = missed === undefined ? await this.#missed() : undefined;
    if (overtaken !== undefined && overtaken.inode !== tail.inode) {
      await tail.close();
      return undefined;
    }
    this.#begin = 0;
    return tail;
  }

  async #missed(): Promise<FileIdentity | undefined> {
    const generations = await rotatedGenerations(this.#path);
    // What is gone is dropped, so that years of rotation do not grow the set.
    this.#done = new Set(
      generations.map(({ version }) => version).filter((version) => this.#done.has(version)),
    );
    return generations.find(({ version }) => !this.#done.has(version));
  }

  async #skipGenerations(): Promise<void> {
    for (const { version } of await rotatedGenerations(this.#path)) this.#done.add(version);
  }

  /** Delivers one file, truncations included, until its path names another and nobody writes to it any more. */
  async *#readUntilReplaced(tail: Tail, signal: AbortSignal): AsyncGenerator<SourceChunk> {
    const isAborted = (): boolean => signal.aborted;
    for (let replaced = false; !isAborted();) {
      let grew = false;
      for (;;) {
        // Before every read: the consumer may have held the last chunk for longer than a rotation takes.
        if (await tail.wasRewritten()) yield await this.#beginAgain(tail);
        const bytes = await tail.read();
        if (signal.aborted) return;
        if (bytes.length === 0) break;
        grew = true;
        this.#readBytes += bytes.length;
        yield this.#chunk(tail, bytes, false);
      }
      if (replaced && !grew) break;
      const now = await identityOf(this.#path);
      replaced = now !== undefined && now.inode !== tail.inode;
      await pause(this.#pollMs, signal);
    }
    if (!isAborted()) yield this.#chunk(tail, new Uint8Array(0), true);
  }

  /** Ends what the file held before it was truncated. */
  async #beginAgain(tail: Tail): Promise<SourceChunk> {
    tail.restart();
    // The copy that copytruncate made was read while it was the live file.
    await this.#skipGenerations();
    return this.#chunk(tail, new Uint8Array(0), true);
  }

  #chunk(tail: Tail, bytes: Uint8Array, endsOrigin: boolean): SourceChunk {
    return { origin: tail.path, position: this.#ledger.deliver(), bytes, endsOrigin };
  }
}
