import type { DecodeSink } from '../types.ts';
import { asBuffer, DEAD_LETTER_HEAD_BYTES, GrowingBytes, NEWLINE, OPEN_BRACE } from './bytes.ts';
import { LineReader } from './line-reader.ts';
import { RecordDecoder } from './record-decoder.ts';
import { ShapeScanner } from './shape-scanner.ts';

const DEFAULT_MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** How an origin is read. */
export interface RecordReaderOptions {
  /** The top-level key of outermost JSON records whose string value names the cluster. */
  readonly clusterField?: string;
  /** The largest record that is read, in bytes. Default: 64 MiB. It bounds the memory. */
  readonly maxRecordBytes?: number;
}

/**
 * Turns the bytes of one origin (a file, a stream, the value of a Kafka record) into audit events.
 * Push chunks of any size, cut anywhere, then call `end`; the sink hears the same whatever the
 * chunks were. After `end` the reader is ready for another origin, and knows the values that repeat
 * already, so that one reader serves many small origins well.
 *
 * Records are told apart one by one, so an origin may mix wire forms. Every record ends in exactly
 * one event, skip or bad, lists in one for each element. Nothing is thrown for any bytes; what a
 * sink throws is passed on. Bodies are neither kept nor quoted.
 */
export class RecordReader {
  readonly #sink: DecodeSink;
  readonly #lines: LineReader;
  readonly #maxRecordBytes: number;
  /** The beginning of a line whose end has not come yet. */
  readonly #carry = new GrowingBytes();
  #line = 1;
  /** How many bytes came, up to two, and the first of them. */
  #seen = 0;
  #firstByte = 0;
  /** The rest of a line is passed over, for it is too long. */
  #skipsLine = false;
  /** The rest of the origin is passed over, for it cannot be read. */
  #skipsAll = false;

  constructor(sink: DecodeSink, options: RecordReaderOptions = {}) {
    const { clusterField, maxRecordBytes = DEFAULT_MAX_RECORD_BYTES } = options;
    this.#sink = sink;
    this.#maxRecordBytes = maxRecordBytes;
    const decoder = new RecordDecoder(sink, clusterField, new ShapeScanner(clusterField));
    this.#lines = new LineReader(sink, decoder, maxRecordBytes);
  }

  /**
   * Reads an origin that is there at once, after `end` or first of all: the same as `push` and `end`, without a copy of a
   * last line that has no newline.
   */
  readWhole(bytes: Uint8Array): void {
    const chunk = asBuffer(bytes);
    const isOneLine = chunk.length > 0 && chunk.length <= this.#maxRecordBytes && !chunk.includes(NEWLINE);
    // What such a line may begin with besides JSON is for `push` to see.
    if (isOneLine && chunk[0] === OPEN_BRACE) {
      this.#lines.line({ bytes: chunk, start: 0, end: chunk.length, line: 1, isCut: true });
    } else {
      this.push(chunk);
    }
    this.end();
  }

  /** Reads the next bytes of the origin. They are not kept after the call, except a line that they leave open. */
  push(bytes: Uint8Array): void {
    const chunk = asBuffer(bytes);
    if (this.#seen < 2) this.#lookForUtf16(chunk);
    if (this.#skipsAll) return;
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#endLine(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.#carryOn(chunk, start);
  }

  /** Ends the origin: reads a last line without a newline, and tells of what was cut off. */
  end(): void {
    if (this.#carry.length > 0) {
      const { bytes, length } = this.#carry;
      this.#lines.line({ bytes, start: 0, end: length, line: this.#line, isCut: true });
      this.#carry.clear();
    }
    this.#lines.end(this.#line);
    this.#line = 1;
    this.#seen = 0;
    this.#skipsLine = false;
    this.#skipsAll = false;
  }

  #endLine(chunk: Buffer, from: number, end: number): void {
    if (!this.#skipsLine) {
      const start = this.#begin(chunk, from, end);
      if (this.#carry.length === 0 && end - start <= this.#maxRecordBytes) {
        this.#lines.line({ bytes: chunk, start, end, line: this.#line, isCut: false });
      } else {
        if (this.#append(chunk, start, end)) {
          const { bytes, length } = this.#carry;
          this.#lines.line({ bytes, start: 0, end: length, line: this.#line, isCut: false });
        }
        this.#carry.clear();
      }
    }
    this.#skipsLine = false;
    this.#line++;
  }

  #carryOn(chunk: Buffer, from: number): void {
    const start = this.#begin(chunk, from, chunk.length);
    if (start < chunk.length && !this.#skipsLine) this.#append(chunk, start, chunk.length);
  }

  /** Where a line begins: a file that was truncated while it was written to has a hole before, which reads as NUL bytes. */
  #begin(chunk: Buffer, from: number, end: number): number {
    let start = from;
    if (this.#carry.length === 0) while (start < end && chunk[start] === 0) start++;
    return start;
  }

  /** Keeps the bytes of an open line. In one that becomes too long, the records at its beginning are read at once. Returns false where the rest is given up. */
  #append(chunk: Buffer, start: number, end: number): boolean {
    this.#carry.append(chunk, start, end);
    if (this.#carry.length <= this.#maxRecordBytes) return true;
    const { bytes, length } = this.#carry;
    const read = this.#lines.readAhead({ bytes, start: 0, end: length, line: this.#line, isCut: false });
    this.#carry.dropFront(read);
    if (this.#carry.length <= this.#maxRecordBytes) return true;
    const detail = `a record over ${String(this.#maxRecordBytes)} bytes`;
    const head = this.#carry.bytes.subarray(0, Math.min(this.#maxRecordBytes, DEAD_LETTER_HEAD_BYTES));
    this.#sink.bad('too-large', this.#line, detail, head);
    this.#carry.clear();
    this.#skipsLine = true;
    return false;
  }

  /** Looks for the byte order mark of UTF-16: of such an origin no line can be read, so it is told once. */
  #lookForUtf16(chunk: Buffer): void {
    const isFirst = this.#seen === 0;
    const first = isFirst ? chunk[0] : this.#firstByte;
    const second = isFirst ? chunk[1] : chunk[0];
    if (isFirst) this.#firstByte = first ?? 0;
    this.#seen = Math.min(2, this.#seen + chunk.length);
    if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
      this.#skipsAll = true;
      this.#carry.clear();
      this.#sink.bad('wrong-encoding', 1, 'UTF-16', chunk.subarray(0, DEAD_LETTER_HEAD_BYTES));
    }
  }
}
