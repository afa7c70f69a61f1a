/**
 * A character class, to be used with the flags `gu`: characters that show nothing, or change how others are shown.
 * Controls, line and paragraph separators, halves of surrogate pairs, bidirectional overrides and marks, zero-width
 * and filler characters, variation selectors, tags, byte order marks and noncharacters. Spelled out, because the
 * properties of Unicode (`Cf`) grow and the same text must give the same bytes on every Node.
 * @see https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
 */
export const INVISIBLE_CLASS =
  '[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f' +
  '\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff' +
  '\\u{13430}-\\u{1343f}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]';

// eslint-disable-next-line no-misleading-character-class -- combining characters are meant one by one
const INVISIBLE = new RegExp(INVISIBLE_CLASS, 'gu');

/** Shows one character by its number: `\u{1b}`. */
export function showCodePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Replaces each invisible character by its number; the result is one line of text that reads as it is stored. */
export function escapeInvisible(text: string): string {
  return text.replace(INVISIBLE, showCodePoint);
}
