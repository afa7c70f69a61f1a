import { HIDDEN } from './secret.ts';

/** The longest user and password of a URL that are looked for, in UTF-16 units. */
export const MAX_CREDENTIALS = 1024;
const CREDENTIALS = new RegExp(`//[^/@\\s]{1,${MAX_CREDENTIALS}}@`, 'g');

/**
 * Characters that a reader does not see but that change what they see: C1 controls, line and paragraph
 * separators, the marks and overrides of bidirectional text, zero-width ones.
 * @see https://www.unicode.org/reports/tr36/ (bidirectional text spoofing)
 */
const HIDDEN_CHARACTERS =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** The text with hidden characters as `\uXXXX`. Of JSON it is the same value, as they stand in strings only. */
export function escapeHidden(text: string): string {
  return text.replaceAll(
    HIDDEN_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** At most so many UTF-16 units of a text, with a mark where the rest was. */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  // Half of a surrogate pair is no character.
  const isSplit = (text.charCodeAt(max - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, isSplit ? max - 1 : max)}… (cut)`;
}

/** The text with `***` for the user and password of each URL in it. */
export function hideCredentials(text: string): string {
  return text.replaceAll(CREDENTIALS, `//${HIDDEN}@`);
}
