import { createDeliveryLedger, SourceError } from '@leastwise/source';
import type { AuditSource, SourceChunk } from '@leastwise/source';
import { stat } from 'node:fs/promises';
import { pause } from './abort.ts';
import { decompressed } from './decompress.ts';
import { lastPosition, PositionFile } from './follow-position.ts';
import { DamageError, readFileBytes } from './raw-bytes.ts';
import { findUnread } from './resume.ts';
import type { Resumption } from './resume.ts';
import { identityOf, rotatedGenerations } from './rotation.ts';
import type { FileIdentity } from './rotation.ts';
import { Tail } from './tail.ts';

const NEWLINE = 0x0a;

/** What a follow source reads. */
export interface FollowSourceOptions {
  /** The log as it is named while it is written. Plain text; it need not be there yet. */
  readonly file: string;
  /** How often to look for more, 250 ms where it is not given. */
  readonly pollMs?: number;
  /** False begins at the present end of the file, which should be the end of a line. True where not given. */
  readonly fromStart?: boolean;
  /** Where the position is kept between runs, in a folder that is there. Not kept where it is not given. */
  readonly positionFile?: string;
  /** Is told of what cannot be read any more. */
  readonly warn?: (text: string) => void;
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
 * With a `positionFile`, what was acknowledged is not read again by the next source, but for the last event or so; of a log
 * in which events do not begin lines, as the API server writes them, the file is read again from its beginning. What was
 * rotated meanwhile is read too, also where it was compressed (then as a whole); what is gone is said to `warn`. So
 * whoever counts must know what comes twice. Without a position, generations that are there already are not read.
 *
 * @throws SourceError where the path names something that is not a file. A file that is there but cannot be
 *   read throws from `chunks` when it is its turn.
 */
export async function openFollowSource(options: FollowSourceOptions): Promise<AuditSource> {
  const stats = await stat(options.file).catch(() => undefined);
  if (stats !== undefined && !stats.isFile()) {
    throw new SourceError(`${options.file}: not a regular file, so it cannot be followed`);
  }
  const live = options.fromStart === false ? await identityOf(options.file) : undefined;
  const begin = live && stats && { inode: live.inode, offset: stats.size };
  return new FollowSource(options, begin);
}

class FollowSource implements AuditSource {
  readonly #ledger = createDeliveryLedger();
  readonly #closing = new AbortController();
  readonly #path: string;
  readonly #pollMs: number;
  readonly #positions: PositionFile | undefined;
  readonly #warn: (text: string) => void;
  /** Where the first file is begun, if it is this one. */
  #begin: Resumption['begin'];
  /** Versions of the generations that were read, or were there before all that was asked for. */
  #done = new Set<string>();
  #readBytes = 0;

  constructor(options: FollowSourceOptions, begin: Resumption['begin']) {
    const { file, pollMs, positionFile, warn } = options;
    this.#path = file;
    this.#pollMs = pollMs ?? 250;
    this.#positions = positionFile === undefined ? undefined : new PositionFile(positionFile);
    this.#warn = warn ?? (() => undefined);
    this.#begin = begin;
  }

  async *chunks(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    yield* this.#takeUp(either);
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
    await this.#positions?.keep(position);
  }

  progress(): { readBytes: number; totalBytes: undefined } {
    return { readBytes: this.#readBytes, totalBytes: undefined };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.resolve();
  }

  /** Begins where the last run ended: reads what was compressed since, and leaves the rest to the way that goes on. */
  async *#takeUp(signal: AbortSignal): AsyncGenerator<SourceChunk> {
    const position = await this.#positions?.load(this.#warn);
    if (position === undefined) {
      await this.#skipGenerations();
      return;
    }
    const { done, begin, packed } = await findUnread(this.#path, position, this.#warn);
    for (const { version } of done) this.#done.add(version);
    this.#begin = begin;
    for (const path of packed) yield* this.#readPacked(path, signal);
  }

  async *#readPacked(path: string, signal: AbortSignal): AsyncGenerator<SourceChunk> {
    const chunk = (bytes: Uint8Array): SourceChunk => {
      this.#readBytes += bytes.length;
      return { origin: path, position: this.#ledger.deliver(), bytes, endsOrigin: false };
    };
    let damage: { readonly damage: string } | undefined;
    try {
      for await (const bytes of decompressed(readFileBytes(path), () => readFileBytes(path))) {
        if (signal.aborted) return;
        yield chunk(bytes);
      }
    } catch (cause) {
      if (!(cause instanceof DamageError)) throw cause;
      damage = { damage: cause.message };
    }
    yield { ...chunk(new Uint8Array(0)), endsOrigin: true, ...damage };
  }

  /** The oldest generation that was not read, else the live file; undefined where there is nothing (any more). */
  async #openNext(): Promise<Tail | undefined> {
    const live = await identityOf(this.#path);
    const missed = await this.#missed();
    const found = missed ?? live;
    if (found === undefined) return undefined;
    const begin = this.#begin?.inode === found.inode ? this.#begin.offset : 0;
    const tail = await Tail.open(found, begin);
    if (tail === undefined) return undefined;
    // A rotation while the live file was being opened: what it made comes first.
    const overtaken = missed === undefined ? await this.#missed() : undefined;
    if (overtaken !== undefined && overtaken.inode !== tail.inode) {
      await tail.close();
      return undefined;
    }
    this.#begin = undefined;
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
    // Reading begins at the start of a line, wherever it begins.
    let isLineStart = true;
    for (let replaced = false; !isAborted();) {
      let grew = false;
      for (;;) {
        // Before every read: the consumer may have held the last chunk for longer than a rotation takes.
        if (await tail.wasRewritten()) {
          yield await this.#beginAgain(tail);
          isLineStart = true;
        }
        const bytes = await tail.read();
        if (signal.aborted) return;
        if (bytes.length === 0) break;
        grew = true;
        this.#readBytes += bytes.length;
        const chunk = this.#chunk(tail, bytes, false);
        await this.#note(chunk, tail, isLineStart);
        isLineStart = bytes.at(-1) === NEWLINE;
        yield chunk;
      }
      if (replaced && !grew) break;
      const now = await identityOf(this.#path);
      replaced = now !== undefined && now.inode !== tail.inode;
      await pause(this.#pollMs, signal);
    }
    if (!isAborted()) yield this.#chunk(tail, new Uint8Array(0), true);
  }

  async #note({ position, bytes }: SourceChunk, tail: Tail, isLineStart: boolean): Promise<void> {
    if (this.#positions === undefined) return;
    const { writtenNs } = await tail.identity();
    const found = lastPosition(bytes, tail.offset - bytes.length, isLineStart, writtenNs);
    if (found !== undefined) this.#positions.note(position, found);
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
