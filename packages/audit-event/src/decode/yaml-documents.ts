import { isUtf8 } from 'node:buffer';
import { parseDocument } from 'yaml';

import type { DecodeSink } from '../types.ts';
import {
  DEAD_LETTER_HEAD_BYTES,
  GrowingBytes,
  OPEN_BRACE,
  OPEN_BRACKET,
  skipByteOrderMark,
} from './bytes.ts';
import { isObject } from './json.ts';
import type { LineRange } from './line-window.ts';
import type { RecordDecoder } from './record-decoder.ts';

/** The parser takes up to a thousand times the memory of a crafted text, and six seconds for one of this size. */
const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** Enough for anchors written by hand; expansions that multiply are refused. */
const MAX_ALIASES = 100;

const MARKER = /^---(?:\s|$)/;

/** A comment, a directive, a list item or a key. */
const FIRST_LINE = /^(?:#|%YAML |- |-\r?$|["']?[A-Za-z@_][^\s:"']{0,100}["']?:(?:\s|$))/;

/** A line without content of its own. */
const EMPTY_LINE = /^\s*(?:#|$)|^(?:%|---\s*$|\.\.\.\s*$)/;

const NO_BYTES = Buffer.alloc(0);

/**
 * Cuts an origin into YAML documents. A document begins at a `---` line, or at the beginning of the
 * origin, and ends at the next `---` or where a line begins with JSON: a text line that only looks
 * like YAML among JSON lines is no document, and a corrupt document costs itself alone.
 */
export class YamlDocuments {
  readonly #sink: DecodeSink;
  readonly #decoder: RecordDecoder;
  readonly #text = new GrowingBytes();
  #isOpen = false;
  #tooLarge = false;
  /** Where the content of the document begins; 0 while there is none. */
  #line = 0;

  constructor(sink: DecodeSink, decoder: RecordDecoder) {
    this.#sink = sink;
    this.#decoder = decoder;
  }

  /** Takes the line if it is one of a YAML document. `isFirst`: nothing but blank lines came before. */
  take(range: LineRange, isFirst: boolean): boolean {
    const start = skipByteOrderMark(range.bytes, range.start);
    const byte = range.bytes[start];
    if (!this.#isOpen && !mayOpen(byte, isFirst)) return false;
    const head = range.bytes.toString('latin1', start, Math.min(range.end, start + 256));
    const isMarker = MARKER.test(head);
    if (!this.#isOpen && !isMarker && !(isFirst && FIRST_LINE.test(head))) return false;
    if (isMarker) this.flush();
    if (this.#isOpen && (byte === OPEN_BRACE || byte === OPEN_BRACKET)) {
      this.flush();
      return false;
    }
    this.#isOpen = true;
    if (this.#line === 0 && !EMPTY_LINE.test(head)) this.#line = range.line;
    this.#append({ ...range, start });
    return true;
  }

  /** Ends the document, if one is open. */
  flush(): void {
    const { length } = this.#text;
    const line = this.#line;
    const raw = line === 0 ? NO_BYTES : Buffer.from(this.#text.bytes.subarray(0, length));
    const tooLarge = this.#tooLarge;
    this.#text.clear();
    this.#isOpen = false;
    this.#tooLarge = false;
    this.#line = 0;
    if (line === 0) return;
    if (tooLarge) {
      const detail = `a YAML document over ${String(MAX_DOCUMENT_BYTES)} bytes`;
      this.#sink.bad('too-large', line, detail, raw.subarray(0, DEAD_LETTER_HEAD_BYTES));
      return;
    }
    const value = parseYaml(raw.toString('utf8'));
    if (value === null) this.#sink.skipped('blank', line);
    else if (isObject(value) || Array.isArray(value)) {
      this.#decoder.yaml({ value, wellFormed: isUtf8(raw) }, line, raw);
    } else this.#sink.bad('invalid-yaml', line, 'not a YAML mapping or list', raw);
  }

  /** What lies beyond the bound is dropped, up to the next marker. */
  #append(range: LineRange): void {
    this.#tooLarge ||= this.#text.length + (range.end - range.start) > MAX_DOCUMENT_BYTES;
    if (this.#tooLarge) {
      const room = Math.max(0, DEAD_LETTER_HEAD_BYTES - this.#text.length);
      this.#text.append(range.bytes, range.start, Math.min(range.end, range.start + room));
    } else {
      this.#text.append(range.bytes, range.start, range.end + 1);
    }
  }
}

/** `undefined` where it is no YAML. Keys that come twice are the last one's, as in JSON. */
function parseYaml(text: string): unknown {
  try {
    const document = parseDocument(text, {
      schema: 'core',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    if (document.errors.length > 0) return undefined;
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch {
    // Aliases that multiply, or nesting deeper than the parser's recursion.
    return undefined;
  }
}

/** Whether a document may begin with a byte: most records begin with JSON, and need no closer look. */
function mayOpen(byte: number | undefined, isFirst: boolean): boolean {
  return byte === 0x2d || (isFirst && byte !== OPEN_BRACE && byte !== OPEN_BRACKET);
}
