import type { DecodeSink } from '../types.ts';
import { DEAD_LETTER_HEAD_BYTES, GrowingBytes } from './bytes.ts';
import type { LineRange } from './line-window.ts';
import type { RecordDecoder } from './record-decoder.ts';
import { classifyLine } from './text-line.ts';

interface OpenLine {
  readonly text: GrowingBytes;
  /** Where its first part stands. */
  readonly line: number;
  tooLarge: boolean;
}

/** The lines of a container's log (CRI), of which a runtime writes a long one in parts of 16 KiB. */
export class ContainerLines {
  readonly #sink: DecodeSink;
  readonly #decoder: RecordDecoder;
  readonly #maxBytes: number;
  /** By stream; there are two. */
  readonly #open = new Map<string, OpenLine>();

  constructor(sink: DecodeSink, decoder: RecordDecoder, maxBytes: number) {
    this.#sink = sink;
    this.#decoder = decoder;
    this.#maxBytes = maxBytes;
  }

  /** Takes the line if it is one of a container's log. */
  take(range: LineRange): boolean {
    const line = classifyLine(range.bytes, range.start, range.end);
    if (line.kind !== 'cri') return false;
    const start = range.start + line.offset;
    const open = this.#open.get(line.stream);
    if (open === undefined && !line.partial) {
      this.#decoder.message({ ...range, start });
    } else {
      this.#join(open ?? { text: new GrowingBytes(), line: range.line, tooLarge: false }, line, range);
    }
    return true;
  }

  /** Ends the origin: parts that wait for more were cut off. */
  end(): void {
    if (this.#open.size === 0) return;
    for (const open of this.#open.values()) {
      this.#tell(open, 'truncated', 'the input ends inside of a line in parts');
    }
    this.#open.clear();
  }

  #join(open: OpenLine, line: { stream: string; partial: boolean; offset: number }, range: LineRange): void {
    const start = range.start + line.offset;
    open.tooLarge ||= open.text.length + (range.end - start) > this.#maxBytes;
    const room = open.tooLarge ? Math.max(0, DEAD_LETTER_HEAD_BYTES - open.text.length) : Infinity;
    open.text.append(range.bytes, start, Math.min(range.end, start + room));
    if (line.partial) {
      this.#open.set(line.stream, open);
      return;
    }
    this.#open.delete(line.stream);
    if (open.tooLarge) this.#tell(open, 'too-large', `a line in parts over ${String(this.#maxBytes)} bytes`);
    else {
      const { bytes, length } = open.text;
      this.#decoder.message({ bytes, start: 0, end: length, line: open.line, isCut: range.isCut });
    }
  }

  #tell(open: OpenLine, reason: 'truncated' | 'too-large', detail: string): void {
    const length =
      reason === 'too-large' ? Math.min(open.text.length, DEAD_LETTER_HEAD_BYTES) : open.text.length;
    this.#sink.bad(reason, open.line, detail, open.text.bytes.subarray(0, length));
  }
}
