import { BACKSLASH, NEWLINE, QUOTE } from './bytes.ts';

const STRING = 1;
const OPEN = 2;
const CLOSE = 3;
const INVALID = 4;

/**
 * Which bytes end a run of plain bytes inside a JSON string: the quote, the backslash and control
 * characters. The newline among them is what stops a walk at the end of its text.
 */
export const ENDS_STRING_RUN = byteClass((byte) => byte === QUOTE || byte === BACKSLASH || byte < 0x20);

/** Which bytes a number, `true`, `false` or `null` can consist of. */
const TOKEN = byteClass((byte) => '0123456789+-.Eaeflnrstu'.includes(String.fromCharCode(byte)));

/** What a byte means outside of strings; 0 where it is a part of a number, `true`, `false`, `null`, or between values. */
const OUTSIDE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  if (char === '"') return STRING;
  if (char === '{' || char === '[') return OPEN;
  if (char === '}' || char === ']') return CLOSE;
  return TOKEN[byte] === 1 || ',: \t\r'.includes(char) ? 0 : INVALID;
});

function byteClass(member: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (member(byte) ? 1 : 0));
}

/**
 * Skips a JSON string of which `start` is the byte after the opening quote.
 *
 * @returns the index after the closing quote, or -1 where the text ends or a control character stands before it
 */
export function skipString(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    let byte = bytes[at] ?? NEWLINE;
    while (ENDS_STRING_RUN[byte] === 0) byte = bytes[++at] ?? NEWLINE;
    if (byte === QUOTE) return at + 1;
    // The byte after a backslash is skipped unseen, unless it is the end of the text.
    if (byte !== BACKSLASH || (bytes[at + 1] ?? NEWLINE) < 0x20) return -1;
    at += 2;
  }
}

/**
 * Skips the JSON value at `start`. Looked at are its strings and brackets, and that only JSON's own
 * tokens stand between them, so that a line that lost a quote is not taken for a sound one; not
 * looked at is whether these tokens are in an order that makes sense, nor whether `{` is closed by
 * `}` or by `]`. The text must end with a newline.
 *
 * @returns the index after the value, or -1 where there is none or it does not end within the text
 */
export function skipValue(bytes: Uint8Array, start: number): number {
  const byte = bytes[start] ?? NEWLINE;
  if (byte === QUOTE) return skipString(bytes, start + 1);
  if (OUTSIDE[byte] === OPEN) return skipNested(bytes, start + 1);
  let at = start;
  while (TOKEN[bytes[at] ?? NEWLINE] === 1) at++;
  return at > start ? at : -1;
}

/** `start` is the byte after the opening bracket. Strings are skipped in place, as `skipString` does: most are short. */
// eslint-disable-next-line complexity -- the hot loop over bodies: a call for each string would be felt
function skipNested(bytes: Uint8Array, start: number): number {
  let depth = 1;
  let at = start;
  for (;;) {
    let meaning = OUTSIDE[bytes[at++] ?? NEWLINE];
    while (meaning === 0) meaning = OUTSIDE[bytes[at++] ?? NEWLINE];
    if (meaning === STRING) {
      for (;;) {
        let byte = bytes[at++] ?? NEWLINE;
        while (ENDS_STRING_RUN[byte] === 0) byte = bytes[at++] ?? NEWLINE;
        if (byte === QUOTE) break;
        if (byte !== BACKSLASH || (bytes[at++] ?? NEWLINE) < 0x20) return -1;
      }
    } else if (meaning === OPEN) {
      depth++;
    } else if (meaning === CLOSE) {
      if (--depth === 0) return at;
    } else {
      return -1;
    }
  }
}
