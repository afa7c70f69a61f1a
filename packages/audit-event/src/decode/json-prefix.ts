import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './bytes.ts';

/** What came of feeding text: the document is complete up to an index (0 or more), or one of these. */
export const PREFIX = {
  /** A valid beginning, cut between two tokens: more lines may complete it. */
  open: -1,
  /** A valid beginning, cut inside a string, a number or a word. */
  cut: -2,
  /** No JSON document begins like this. */
  broken: -3,
  /** Nested deeper than is followed. */
  tooDeep: -4,
} as const;

/** How deep a document may nest that stretches over several lines. One line may nest deeper. */
const MAX_DEPTH = 512;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'null']);

type Expected = 'value' | 'first-value' | 'after-value' | 'key' | 'first-key' | 'colon';

/**
 * Checks, line by line, whether text is a prefix of a JSON document (RFC 8259), strictly, so that
 * a record over many lines ends at the first byte that cannot belong to it. Every byte is looked
 * at once, and the memory is the stack of open brackets.
 */
export class JsonPrefix {
  readonly #stack = new Uint8Array(MAX_DEPTH);
  #depth = 0;
  #expected: Expected = 'value';

  /** Makes it ready for another document. */
  reset(): void {
    this.#depth = 0;
    this.#expected = 'value';
  }

  /** Feeds a range that ends where a line ends. Returns the index after the document, or one of `PREFIX`. */
  feed(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) {
        at++;
        continue;
      }
      at = this.#token(bytes, at, end, byte);
      if (at < 0) return at;
      if (this.#depth === 0 && this.#expected === 'after-value') return at;
    }
    return PREFIX.open;
  }

  #token(bytes: Buffer, at: number, end: number, byte: number): number {
    switch (byte) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        return this.#wantsValue() ? this.#enter(byte, at) : PREFIX.broken;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        return this.#leave(byte, at);
      case COMMA:
        if (this.#expected !== 'after-value') return PREFIX.broken;
        this.#expected = this.#stack[this.#depth - 1] === OPEN_BRACE ? 'key' : 'value';
        return at + 1;
      case COLON:
        if (this.#expected !== 'colon') return PREFIX.broken;
        this.#expected = 'value';
        return at + 1;
      case QUOTE:
        if (this.#wantsValue()) this.#expected = 'after-value';
        else if (this.#wantsKey()) this.#expected = 'colon';
        else return PREFIX.broken;
        return endOfString(bytes, at + 1, end);
      default:
        if (!this.#wantsValue()) return PREFIX.broken;
        this.#expected = 'after-value';
        return endOfToken(bytes, at, end);
    }
  }

  #wantsValue(): boolean {
    return this.#expected === 'value' || this.#expected === 'first-value';
  }

  #wantsKey(): boolean {
    return this.#expected === 'key' || this.#expected === 'first-key';
  }

  #enter(bracket: number, at: number): number {
    if (this.#depth === MAX_DEPTH) return PREFIX.tooDeep;
    this.#stack[this.#depth++] = bracket;
    this.#expected = bracket === OPEN_BRACE ? 'first-key' : 'first-value';
    return at + 1;
  }

  #leave(bracket: number, at: number): number {
    const inObject = bracket === CLOSE_BRACE;
    const fits = this.#depth > 0 && this.#stack[this.#depth - 1] === (inObject ? OPEN_BRACE : OPEN_BRACKET);
    const atEnd =
      this.#expected === 'after-value' || this.#expected === (inObject ? 'first-key' : 'first-value');
    if (!fits || !atEnd) return PREFIX.broken;
    this.#depth--;
    this.#expected = 'after-value';
    return at + 1;
  }
}

/** `start` is the byte after the opening quote. */
function endOfString(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return PREFIX.broken;
    if (byte !== BACKSLASH) {
      at++;
      continue;
    }
    const escape = bytes[at + 1] ?? 0;
    if (at + 1 >= end) return PREFIX.cut;
    if (escape === 0x75) {
      if (at + 6 > end) return PREFIX.cut;
      if (!/^[0-9A-Fa-f]{4}$/.test(bytes.toString('latin1', at + 2, at + 6))) return PREFIX.broken;
      at += 6;
    } else {
      if (!'"\\/bfnrt'.includes(String.fromCharCode(escape))) return PREFIX.broken;
      at += 2;
    }
  }
  return PREFIX.cut;
}

function endOfToken(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isTokenByte(bytes[at] ?? 0)) at++;
  if (at === start) return PREFIX.broken;
  const token = bytes.toString('latin1', start, at);
  if (NUMBER.test(token) || WORDS.has(token)) return at;
  return at === end ? PREFIX.cut : PREFIX.broken;
}

function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
