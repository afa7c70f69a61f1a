import { INVISIBLE_CLASS } from './escape-invisible.ts';

/**
 * Text that every YAML reader takes for a string without quotes. Starting with a letter or a slash, it can be no
 * number, date, null (`~`), merge key (`<<`) or indicator in any version; the words below are what is left.
 */
const PLAIN = /^[A-Za-z/](?:[\w./*@%~+-]|:(?=[\w./*@%~+-]))*$/;

/** Longer text is quoted: a pattern over megabytes overflows the stack, and no valid name is this long. */
const MAX_PLAIN_CHARACTERS = 1024;

/**
 * Booleans and null of YAML 1.1, in any letter case, and `e0`, which some readers take for a number.
 * @see https://yaml.org/type/bool.html and https://yaml.org/type/float.html
 */
const WORD = /^(?:y|yes|n|no|true|false|on|off|null|e[-+]?\d[\d_]*)$/i;

/** What a double-quoted string must not hold raw, or what a reader of the file could be misled by. */
const ESCAPED = new RegExp(`["\\\\]|${INVISIBLE_CLASS}`, 'gu');

/**
 * Spells a string as a YAML scalar on one line that YAML 1.1 (kubectl, kustomize) and YAML 1.2 read as this very
 * string. Plain where nobody could take it for anything else, else double-quoted with everything invisible escaped.
 * @see https://yaml.org/spec/1.2.2/#57-escaped-characters
 */
export function quoteYaml(text: string): string {
  if (text.length <= MAX_PLAIN_CHARACTERS && PLAIN.test(text) && !WORD.test(text)) return text;
  return `"${text.replace(ESCAPED, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '"':
    case '\\':
      return `\\${character}`;
    case '\n':
      return '\\n';
    case '\t':
      return '\\t';
    default: {
      const codePoint = character.codePointAt(0) ?? 0;
      if (codePoint > 0xffff) return `\\U${codePoint.toString(16).padStart(8, '0')}`;
      return `\\u${codePoint.toString(16).padStart(4, '0')}`;
    }
  }
}
