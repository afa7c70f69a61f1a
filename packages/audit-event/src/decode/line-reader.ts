import type { BadReason, DecodeSink } from '../types.ts';
import { DEAD_LETTER_HEAD_BYTES, OPEN_BRACE, skipBlank, skipByteOrderMark } from './bytes.ts';
import { ContainerLines } from './container-lines.ts';
import { JsonPrefix, PREFIX } from './json-prefix.ts';
import { LineWindow } from './line-window.ts';
import type { LineRange } from './line-window.ts';
import type { RecordDecoder } from './record-decoder.ts';
import { mayEndAt, skipSeparators } from './separators.ts';
import { skipValue } from './skip.ts';
import { YamlDocuments } from './yaml-documents.ts';

/** How often one line is read again after records that began before it were given up. */
const MAX_REREADS = 16;

/** In place of the index of a record that is open at the end of a line. */
const NONE = -1;

const DETAILS: Partial<Record<BadReason, string>> = {
  'invalid-json': 'not valid JSON',
  truncated: 'the input ends inside of the record',
  'too-large': 'a record over several lines is too large',
};

/**
 * Cuts lines into records. A line is, in this order: a part of a YAML document; one or more JSON
 * objects, perhaps between the commas and brackets of an array; or text with a record behind a known prefix.
 *
 * A record stretches over further lines only while what was seen of it is a valid beginning of JSON,
 * cut between two tokens. On anything else its first line alone is bad, together with the lines that
 * are indented deeper than it, and reading goes on at the next line: one corrupt line never costs
 * its neighbours. Lines inside of a broken record, which are those indented deeper than where it
 * began, are never read as records, for a body is written by clients.
 *
 * **Bound on work**: every line is looked at a fixed number of times, plus at most `MAX_REREADS`
 * times for records that began before it and were given up. After that a line must be a record by itself.
 */
export class LineReader {
  readonly #sink: DecodeSink;
  readonly #decoder: RecordDecoder;
  readonly #maxRecordBytes: number;
  readonly #prefix = new JsonPrefix();
  readonly #window = new LineWindow();
  readonly #yaml: YamlDocuments;
  readonly #container: ContainerLines;
  /** How many lines from the head on the prefix was fed with; 0 while the head was not begun. */
  #fed = 0;
  #arrays = 0;
  #isFirst = true;
  #headColumn = 0;
  /** The indentation of the head's line, where the head begins behind a record that ended in it. */
  #trimmedColumn: number | undefined;
  /** The indentation at which records begin; `undefined` until one did. */
  #recordColumn: number | undefined;
  /** Lines indented deeper than this belong to a record that was broken; `undefined` if there is none. */
  #brokenColumn: number | undefined;

  constructor(sink: DecodeSink, decoder: RecordDecoder, maxRecordBytes: number) {
    this.#sink = sink;
    this.#decoder = decoder;
    this.#maxRecordBytes = maxRecordBytes;
    this.#yaml = new YamlDocuments(sink, decoder);
    this.#container = new ContainerLines(sink, decoder, maxRecordBytes);
  }

  /** Reads the next line. */
  line(range: LineRange): void {
    if (this.#window.count > 0) {
      this.#window.add(range, range.start);
      this.#drain(undefined);
      return;
    }
    const open = this.#begin(range);
    if (open === NONE) return;
    this.#window.add(range, open);
    this.#fed = 1;
  }

  /**
   * Gives up what is open: nothing that comes can complete it.
   *
   * @param reason - `truncated` at the end of the origin
   */
  giveUpOpen(reason: BadReason): void {
    this.#drain(reason);
    this.#yaml.flush();
  }

  /** Ends the origin, and is ready for another. `line` is the number of its last line. */
  end(line: number): void {
    const isOpen = this.#window.count > 0;
    this.giveUpOpen('truncated');
    this.#container.end();
    if (this.#arrays > 0 && !isOpen) {
      this.#sink.bad('truncated', line, 'an array is not closed', new Uint8Array(0));
    }
    this.#arrays = 0;
    this.#isFirst = true;
    this.#recordColumn = undefined;
    this.#brokenColumn = undefined;
  }

  /**
   * Reads the records at the beginning of a line that is too long to be kept, and of which the end
   * may not be there yet: those that are followed by another one.
   *
   * @returns the index where reading stopped
   */
  readAhead(range: LineRange): number {
    this.giveUpOpen('too-large');
    if (!this.#mayBegin(columnOf(range))) return range.start;
    let from = range.start;
    let { at, arrays } = skipSeparators(range.bytes, from, range.end, this.#arrays);
    // What stands between two records counts as the first one's, so that it is bounded too.
    while (at < range.end && range.bytes[at] === OPEN_BRACE && at - from <= this.#maxRecordBytes) {
      this.#arrays = arrays;
      from = at;
      const end = skipValue(range.bytes, at);
      if (end < 0) break;
      const next = skipSeparators(range.bytes, end, range.end, arrays);
      const isFollowed = next.at < range.end && range.bytes[next.at] === OPEN_BRACE;
      if (!isFollowed || next.at - from > this.#maxRecordBytes) break;
      this.#decoder.object(range, at, arrays);
      ({ at, arrays } = next);
      this.#isFirst = false;
    }
    return from;
  }

  /** Reads a line that nothing before it is waiting for. Returns where a record begins that it leaves open, or NONE. */
  #begin(range: LineRange): number {
    const isFirst = this.#isFirst;
    if (this.#yaml.take(range, isFirst)) {
      this.#isFirst = false;
      return NONE;
    }
    if (skipBlank(range.bytes, range.start, range.end) === range.end) {
      this.#sink.skipped('blank', range.line);
      return NONE;
    }
    this.#isFirst = false;
    const column = this.#trimmedColumn ?? columnOf(range);
    this.#trimmedColumn = undefined;
    if (!this.#mayBegin(column)) {
      this.#bad('invalid-json', range, 'inside of a broken record');
      return NONE;
    }
    this.#brokenColumn = undefined;
    return this.#records(range, column);
  }

  #mayBegin(column: number): boolean {
    return this.#brokenColumn === undefined || column <= this.#brokenColumn;
  }

  #records(range: LineRange, column: number): number {
    const { bytes, end } = range;
    let { at, arrays } = skipSeparators(bytes, range.start, end, this.#arrays);
    if (at < end && bytes[at] !== OPEN_BRACE) {
      this.#text(range, column);
      return NONE;
    }
    if (at < end) this.#recordColumn = column;
    else if (arrays > this.#arrays) this.#recordColumn = undefined;
    while (at < end) {
      const next = this.#decoder.object(range, at, arrays);
      if (next < 0) {
        this.#arrays = arrays;
        return this.#unfinished(range, at, column);
      }
      ({ at, arrays } = skipSeparators(bytes, next, end, arrays));
    }
    this.#arrays = arrays;
    return NONE;
  }

  /** A JSON object that does not end in its line, or not where it may. */
  #unfinished(range: LineRange, at: number, column: number): number {
    this.#prefix.reset();
    const state = this.#prefix.feed(range.bytes, at, range.end);
    if (state === PREFIX.open) {
      this.#headColumn = column;
      return at;
    }
    const isCut = range.isCut && state === PREFIX.cut;
    this.#bad(
      isCut ? 'truncated' : 'invalid-json',
      { ...range, start: at },
      DETAILS[isCut ? 'truncated' : 'invalid-json'],
    );
    this.#brokenColumn = column;
    return NONE;
  }

  #text(range: LineRange, column: number): void {
    if (this.#container.take(range) || this.#decoder.text(range)) return;
    this.#brokenColumn = this.#recordColumn ?? (this.#arrays > 0 ? column : 0);
  }

  /** Reads the kept lines as far as they go. With a reason, nothing is kept open. */
  #drain(reason: BadReason | undefined): void {
    const window = this.#window;
    while (window.count > 0) {
      if (this.#fed === 0) {
        this.#beginHead();
      } else if (this.#fed < window.count) {
        this.#feed();
      } else if (window.size > this.#maxRecordBytes || window.isFull) {
        this.#giveUpHead('too-large');
      } else if (reason !== undefined) {
        this.#giveUpHead(reason);
      } else {
        return;
      }
    }
  }

  #beginHead(): void {
    const waited = this.#window.waited;
    const open = this.#begin(this.#window.at(0));
    if (open === NONE) {
      this.#window.drop(1);
      return;
    }
    this.#window.trimHead(open);
    this.#fed = 1;
    if (waited >= MAX_REREADS) this.#giveUpHead('invalid-json');
  }

  #feed(): void {
    const range = this.#window.at(this.#fed++);
    const end = this.#prefix.feed(range.bytes, range.start, range.end);
    if (end === PREFIX.open) return;
    if (end < 0 || !mayEndAt(range.bytes, end, range.end, this.#arrays)) {
      this.#giveUpHead(range.isCut && end === PREFIX.cut ? 'truncated' : 'invalid-json');
      return;
    }
    const head = this.#window.at(0);
    this.#decoder.json({ ...head, end }, head.start);
    const { at, arrays } = skipSeparators(range.bytes, end, range.end, this.#arrays);
    this.#arrays = arrays;
    this.#window.drop(this.#fed - 1);
    this.#fed = 0;
    if (at === range.end) {
      this.#window.drop(1);
    } else {
      this.#trimmedColumn = columnOf(range);
      this.#window.trimHead(at);
    }
  }

  /** Tells of the head, and of the lines inside of it, as one bad record. */
  #giveUpHead(reason: BadReason): void {
    const head = this.#window.at(0);
    let count = 1;
    let last = head;
    while (count < this.#window.count) {
      const range = this.#window.at(count);
      const isBlank = skipBlank(range.bytes, range.start, range.end) === range.end;
      if (!isBlank && columnOf(range) <= this.#headColumn) break;
      last = range;
      count++;
    }
    this.#bad(reason, { ...head, end: last.end }, DETAILS[reason]);
    this.#brokenColumn = this.#headColumn;
    this.#window.giveUp();
    this.#window.drop(count);
    this.#fed = 0;
  }

  #bad(reason: BadReason, range: LineRange, detail: string | undefined): void {
    const end =
      reason === 'too-large' ? Math.min(range.end, range.start + DEAD_LETTER_HEAD_BYTES) : range.end;
    this.#sink.bad(reason, range.line, detail ?? reason, range.bytes.subarray(range.start, end));
  }
}

/** How far a line is indented, padding left aside. */
function columnOf(range: LineRange): number {
  let start = range.start;
  while (start < range.end && range.bytes[start] === 0) start++;
  start = skipByteOrderMark(range.bytes, start);
  let at = start;
  while (at < range.end && (range.bytes[at] === 0x20 || range.bytes[at] === 0x09)) at++;
  return at - start;
}
