import { isUtf8 } from 'node:buffer';
import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { SourceError } from '@leastwise/source';
import type { DeadLetter, DeadLetterSink } from '@leastwise/source';
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
 * and written synchronously, at the latest when the process exits by itself; `close` resolves when they are on disk.
 * Characters that steer a terminal are escaped.
 *
 * @throws SourceError where the file cannot be opened for appending; `write` throws what the file system throws.
 */
export function createDeadLetterFile(path: string): DeadLetterSink {
  const file = openOwnersFile(path);
  let buffered = '';
  let open = true;
  const flush = (): void => {
    const bytes = Buffer.from(buffered);
    buffered = '';
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  };
  process.once('exit', flush);
  return {
    write(letter) {
      buffered += letterLine(letter);
      if (buffered.length >= BUFFER_LENGTH) flush();
    },
    async close() {
      await Promise.resolve();
      if (!open) return;
      open = false;
      process.removeListener('exit', flush);
      flush();
      if (fstatSync(file).isFile()) fsyncSync(file);
      closeSync(file);
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
    if (fstatSync(file).isFile()) fchmodSync(file, 0o600);
    return file;
  } catch (cause) {
    throw new SourceError(`cannot write dead letters to ${path}: ${messageOf(cause)}`, { cause });
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
