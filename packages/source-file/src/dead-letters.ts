import { isUtf8 } from 'node:buffer';
import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { SourceError } from '@leastwise/source';
import type { DeadLetter, DeadLetterSink } from '@leastwise/source';
import { hasCode } from './inputs.ts';
import { messageOf } from './raw-bytes.ts';

/** As much of a record as is kept; the API server's own events are below 3 MiB with bodies, and a line may be any size. */
const MAX_LETTER_BYTES = 1 << 20;
const MAX_DETAIL_LENGTH = 1024;
const BUFFER_LENGTH = 1 << 16;

/**
 * Appends each letter to a file as one line of JSON: `origin`, `line`, `reason`, `detail`, the record's own size
 * `sizeBytes`, its first MiB as `text` where it is UTF-8 and as `bytesBase64` where it is not, and `truncated`.
 *
 * The records may hold anything that a request held, so the file is readable by its owner only. Lines are collected
 * and written synchronously, at the latest when the process exits by itself; `flush` and `close` resolve when they
 * are on disk. Characters that steer a terminal are escaped.
 *
 * @throws SourceError where the file cannot be opened for appending, and from `write`, `flush` and `close` where it
 *   cannot be written. A file that failed once stays failed: nobody knows which of its lines are on disk.
 */
export function createDeadLetterFile(path: string): DeadLetterSink {
  const file = openOwnersFile(path);
  let buffered = '';
  let isOpen = true;
  let failure: SourceError | undefined;
  const attempt = (step: () => void): void => {
    if (failure !== undefined) throw failure;
    try {
      step();
    } catch (cause) {
      failure = cannotWrite(path, cause);
      throw failure;
    }
  };
  const drain = (): void => {
    const bytes = Buffer.from(buffered);
    buffered = '';
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  };
  const save = (): void => {
    drain();
    if (fstatSync(file).isFile()) fsyncSync(file);
  };
  const drainAtExit = (): void => {
    // What failed before was told then.
    if (failure === undefined) attempt(drain);
  };
  process.once('exit', drainAtExit);
  return {
    write(letter) {
      buffered += letterLine(letter);
      if (buffered.length >= BUFFER_LENGTH) attempt(drain);
    },
    async flush() {
      await Promise.resolve();
      if (isOpen) attempt(save);
    },
    async close() {
      await Promise.resolve();
      if (!isOpen) return;
      isOpen = false;
      process.removeListener('exit', drainAtExit);
      try {
        attempt(save);
      } finally {
        closeSync(file);
      }
    },
  };
}

/** What a {@link createCountingDeadLetters} knows, for the summary at the end. */
export interface DeadLetterSummary {
  readonly total: number;
  /** Sorted by reason. */
  readonly byReason: readonly (readonly [reason: string, count: number])[];
  /** The first 20, as `origin:line: reason`. */
  readonly first: readonly string[];
}

/** A sink that keeps no records. */
export interface CountingDeadLetters extends DeadLetterSink {
  summary(): DeadLetterSummary;
}

const MAX_FIRST = 20;
const MAX_REASONS = 64;

/**
 * Counts letters by reason and remembers where the first 20 were; hands each on to `next` where one is given.
 * Memory is bounded: reasons beyond 64 count as `other`.
 */
export function createCountingDeadLetters(next?: DeadLetterSink): CountingDeadLetters {
  const counts = new Map<string, number>();
  const first: string[] = [];
  let total = 0;
  return {
    write(letter) {
      total += 1;
      const reason = counts.has(letter.reason) || counts.size < MAX_REASONS ? letter.reason : 'other';
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      if (first.length < MAX_FIRST) {
        const place = letter.origin.slice(0, MAX_DETAIL_LENGTH);
        first.push(visible(`${place}:${String(letter.line)}: ${letter.reason.slice(0, MAX_DETAIL_LENGTH)}`));
      }
      next?.write(letter);
    },
    async flush() {
      await next?.flush();
    },
    async close() {
      await next?.close();
    },
    summary: () => ({
      total,
      byReason: [...counts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
      first: [...first],
    }),
  };
}

function openOwnersFile(path: string): number {
  try {
    const file = openSync(path, 'a', 0o600);
    // One that was there before keeps its own mode otherwise.
    if (fstatSync(file).isFile()) {
      fchmodSync(file, 0o600);
      syncFolder(dirname(path));
    }
    return file;
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

function cannotWrite(path: string, cause: unknown): SourceError {
  return new SourceError(`cannot write dead letters to ${path}: ${messageOf(cause)}`, { cause });
}

/** Makes the name of a new file last. Windows syncs no folder, and one that may be searched only cannot be opened. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    const opened = openSync(folder, 'r');
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch (cause) {
    if (!hasCode(cause, 'EACCES')) throw cause;
  }
}

function letterLine({ origin, line, reason, detail, bytes }: DeadLetter): string {
  const kept = bytes.subarray(0, MAX_LETTER_BYTES);
  const truncated = kept.length < bytes.length;
  const whole = truncated ? withoutCutCharacter(kept) : kept;
  const said = { origin, line, reason, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
  const record = isUtf8(whole)
    ? { text: Buffer.from(whole).toString() }
    : { bytesBase64: Buffer.from(kept).toString('base64') };
  return `${visible(JSON.stringify({ ...said, ...record, sizeBytes: bytes.length, truncated }))}\n`;
}

/** Cuts before the last character where it is incomplete, so that a cut text is text still. */
function withoutCutCharacter(bytes: Uint8Array): Uint8Array {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  const lead = bytes[start] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}

const STEERING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Escapes what steers a terminal or reorders what is read: controls, and the marks of bidirectional text. Within JSON
 * the result means the same, for JSON has escaped the controls below U+0020 itself.
 */
function visible(text: string): string {
  return text.replace(STEERING, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
