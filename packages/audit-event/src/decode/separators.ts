import { CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, skipBlank } from './bytes.ts';

/** Where the walk over what stands between two records has come to. */
export interface Between {
  readonly at: number;
  /** How many arrays are open around the records. */
  readonly arrays: number;
}

/**
 * Walks over what may stand between two records: blanks, commas, and the brackets of arrays, which
 * are read as a stream of their elements and never kept.
 */
export function skipSeparators(bytes: Uint8Array, start: number, end: number, arrays: number): Between {
  let at = skipBlank(bytes, start, end);
  let open = arrays;
  while (at < end) {
    const byte = bytes[at];
    if (byte === OPEN_BRACKET) open++;
    else if (byte === CLOSE_BRACKET && open > 0) open--;
    else if (byte !== COMMA) break;
    at = skipBlank(bytes, at + 1, end);
  }
  return { at, arrays: open };
}

/**
 * True where a record may end: nothing but separators follows, or another record. A record that
 * seems to end elsewhere has lost or gained a bracket, so that nothing of its line can be trusted.
 */
export function mayEndAt(bytes: Uint8Array, start: number, end: number, arrays: number): boolean {
  if (start === end) return true;
  const { at } = skipSeparators(bytes, start, end, arrays);
  return at === end || bytes[at] === OPEN_BRACE;
}
