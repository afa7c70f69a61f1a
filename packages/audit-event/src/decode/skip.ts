import { BACKSLASH, CLOSE_BRACE, NEWLINE, OPEN_BRACE, QUOTE } from './bytes.ts';

/**
 * Which bytes end a run of plain bytes inside a JSON string: the quote, the backslash and control
 * characters. The newline among them is what stops a walk at the end of its text.
 */
export const ENDS_STRING_RUN = byteClass((byte) => byte === QUOTE || byte === BACKSLASH || byte < 0x20);

/** Which bytes a number, `true`, `false` or `null` can consist of. */
const TOKEN = byteClass((byte) => /[0-9A-Za-z+.-]/.test(String.fromCharCode(byte)));

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
 * Skips the JSON value at `start`, by its brackets and strings: what is inside is not checked
 * further, and `{` may be closed by `]`. The text must end with a newline.
 *
 * @returns the index after the value, or -1 where there is none or it does not end within the text
 */
export function skipValue(bytes: Uint8Array, start: number): number {
  const byte = bytes[start] ?? NEWLINE;
  if (byte === QUOTE) return skipString(bytes, start + 1);
  if (isOpening(byte)) return skipNested(bytes, start + 1);
  let at = start;
  while (TOKEN[bytes[at] ?? NEWLINE] === 1) at++;
  return at > start ? at : -1;
}

/** `start` is the byte after the opening bracket. Strings are skipped in place, as `skipString` does: most are short. */
function skipNested(bytes: Uint8Array, start: number): number {
  let depth = 1;
  let at = start;
  for (;;) {
    let byte = bytes[at++] ?? NEWLINE;
    if (byte === QUOTE) {
      for (;;) {
        byte = bytes[at++] ?? NEWLINE;
        while (ENDS_STRING_RUN[byte] === 0) byte = bytes[at++] ?? NEWLINE;
        if (byte === QUOTE) break;
        if (byte !== BACKSLASH || (bytes[at++] ?? NEWLINE) < 0x20) return -1;
      }
    } else if ((byte | 0x20) === OPEN_BRACE) {
      depth++;
    } else if ((byte | 0x20) === CLOSE_BRACE) {
      if (--depth === 0) return at;
    } else if (byte === NEWLINE) {
      return -1;
    }
  }
}

/** `{` and `[`, as `}` and `]`, differ in one bit only. */
function isOpening(byte: number): boolean {
  return (byte | 0x20) === OPEN_BRACE;
}

/** True for the two closing brackets. */
export function isClosing(byte: number): boolean {
  return (byte | 0x20) === CLOSE_BRACE;
}
