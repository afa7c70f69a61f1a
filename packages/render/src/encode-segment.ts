import { createHash } from 'node:crypto';

import { InvariantError } from './invariant-error.ts';

/** Starts the hash suffix. Never part of an encoded text, so that no text can be made to look like another's suffix. */
const SUFFIX_MARK = '~';
const SUFFIX_CHARACTERS = 10;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Names that Windows reserves in every folder, whatever their extension. */
const RESERVED_BY_WINDOWS = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Makes any text one path segment, different texts different segments, also where letter case does not count.
 * Everything but `[A-Za-z0-9._-]` is percent-encoded byte by byte, as are a dot at either end and the first
 * letter of a name that Windows reserves; upper-case letters are then folded. Iff that folds something, or the
 * result has to be cut, `~` and ten base32 characters of a SHA-256 follow. Empty text gives `%`.
 * @param maxBytes - of the result, suffix included; at least 12.
 * @see https://learn.microsoft.com/windows/win32/fileio/naming-a-file
 */
export function encodeSegment(text: string, maxBytes = 100): string {
  return foldSegment(encodeLossless(text), maxBytes);
}

/**
 * Percent-encodes each byte of the text but `[A-Za-z0-9._-]`, with lower-case digits; different texts give
 * different results. Half a surrogate pair is encoded as if it were a character (WTF-8), so that it keeps its identity.
 */
export function percentEncode(text: string): string {
  let encoded = '';
  for (const character of text) {
    encoded += /^[A-Za-z0-9._-]$/.test(character)
      ? character
      : encodeCodePoint(character.codePointAt(0) ?? 0);
  }
  return encoded;
}

/** Folds and cuts what {@link percentEncode} gave, and marks by a hash of it what that lost. */
export function foldSegment(lossless: string, maxBytes: number): string {
  const cutAt = maxBytes - SUFFIX_CHARACTERS - SUFFIX_MARK.length;
  if (cutAt < 1) throw new InvariantError(`a path segment of ${maxBytes} bytes has no room for a hash`);
  const folded = lossless.toLowerCase();
  if (folded === lossless && folded.length <= maxBytes) return folded;
  const head = folded.length > cutAt ? folded.slice(0, cutAt).replace(/%.?$/, '') : folded;
  return head + SUFFIX_MARK + hashOf(lossless);
}

function encodeLossless(text: string): string {
  if (text === '') return '%';
  const encoded = percentEncode(text).replace(/^\.|\.$/g, '%2e');
  if (!RESERVED_BY_WINDOWS.test(encoded)) return encoded;
  return `%${encoded.charCodeAt(0).toString(16)}${encoded.slice(1)}`;
}

function encodeCodePoint(codePoint: number): string {
  return utf8Of(codePoint)
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');
}

/** UTF-8 without its ban on surrogates. @see https://www.rfc-editor.org/rfc/rfc3629#section-3 */
function utf8Of(codePoint: number): number[] {
  if (codePoint < 0x80) return [codePoint];
  const tail = (shift: number): number => 0x80 | ((codePoint >> shift) & 0x3f);
  if (codePoint < 0x800) return [0xc0 | (codePoint >> 6), tail(0)];
  if (codePoint < 0x10000) return [0xe0 | (codePoint >> 12), tail(6), tail(0)];
  return [0xf0 | (codePoint >> 18), tail(12), tail(6), tail(0)];
}

/** Five bits a character, from the front of the hash. */
function hashOf(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let bits = BigInt(`0x${digest.toString('hex', 0, 8)}`) >> BigInt(64 - SUFFIX_CHARACTERS * 5);
  let encoded = '';
  for (let at = 0; at < SUFFIX_CHARACTERS; at++) {
    encoded = (BASE32[Number(bits & 31n)] ?? '') + encoded;
    bits >>= 5n;
  }
  return encoded;
}
