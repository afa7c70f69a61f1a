import { GrowingBytes, NEWLINE } from './bytes.ts';

/** How many lines one record may stretch over, so that their places take little memory beside their bytes. */
const MAX_LINES = 4 * 1024 * 1024;

const LINE_BREAK = Uint8Array.of(NEWLINE);

/** A range of bytes that is a line, without its newline. A newline does stand at `end`. */
export interface LineRange {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Its number in the origin, from 1. */
  readonly line: number;
  /** True for the end of an origin that does not end with a newline. */
  readonly isCut: boolean;
}

/**
 * Consecutive lines that are kept while a record among them is not complete: the head is the line
 * where that record begins. Lines are added at the end and dropped at the head.
 */
export class LineWindow {
  readonly #bytes = new GrowingBytes();
  #starts: number[] = [];
  /** For each line, how many heads had been given up when it came. */
  #ages: number[] = [];
  #head = 0;
  #givenUp = 0;
  #firstLine = 0;
  #isCut = false;

  /** Lines from the head on. */
  get count(): number {
    return this.#starts.length - this.#head;
  }

  /** Bytes from the head on. */
  get size(): number {
    return this.#bytes.length - (this.#starts[this.#head] ?? 0);
  }

  get isFull(): boolean {
    return this.count >= MAX_LINES;
  }

  /** How many heads were given up while the present head waited behind them: how often its line was read in vain. */
  get waited(): number {
    return this.#givenUp - (this.#ages[this.#head] ?? 0);
  }

  add(range: LineRange, start: number): void {
    if (this.#head > 1024 && this.#head * 2 > this.#starts.length) this.#compact();
    if (this.count === 0) this.#firstLine = range.line;
    this.#starts.push(this.#bytes.length);
    this.#ages.push(this.#givenUp);
    this.#bytes.append(range.bytes, start, range.end);
    this.#bytes.append(LINE_BREAK, 0, 1);
    this.#isCut = range.isCut;
  }

  /** The line `index` places behind the head. Its bytes are valid until a line is added. */
  at(index: number): LineRange {
    const place = this.#head + index;
    const next = this.#starts[place + 1];
    return {
      bytes: this.#bytes.bytes,
      start: this.#starts[place] ?? 0,
      end: (next ?? this.#bytes.length) - 1,
      line: this.#firstLine + place,
      isCut: next === undefined && this.#isCut,
    };
  }

  /** Moves the beginning of the head forward, behind records that ended inside of the line. */
  trimHead(start: number): void {
    this.#starts[this.#head] = start;
  }

  /** Notes that the record of the head was read in vain. */
  giveUp(): void {
    this.#givenUp++;
  }

  /** Drops `count` lines at the head. */
  drop(count: number): void {
    this.#head += count;
    if (this.#head < this.#starts.length) return;
    this.#bytes.clear();
    this.#starts = [];
    this.#ages = [];
    this.#head = 0;
    this.#givenUp = 0;
  }

  #compact(): void {
    const dropped = this.#starts[this.#head] ?? 0;
    this.#bytes.dropFront(dropped);
    this.#starts = this.#starts.slice(this.#head).map((start) => start - dropped);
    this.#ages = this.#ages.slice(this.#head);
    this.#firstLine += this.#head;
    this.#head = 0;
  }
}
