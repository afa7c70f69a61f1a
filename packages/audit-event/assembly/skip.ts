// The walk over values that are not looked into, byte for byte as lenient as the plain scanner's `skip.ts`.

import {
  BACKSLASH,
  BLANK,
  CLOSE_BRACE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUESTION_MARK,
  QUOTE,
  RETURN,
  SLASH,
  TAB,
  UNDECIDED,
  undecided,
} from './layout';

/** JSON's whitespace but the newline, which ends the text. */
export function space(start: usize): usize {
  let at = start;
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte != BLANK && byte != TAB && byte != RETURN) return at;
    at++;
  }
}

/** The place of the first quote, backslash or control character. There always is one: a newline ends the text. */
export function runEnd(start: usize): usize {
  let at = start;
  while (true) {
    const block = v128.load(at);
    const ends = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(block, i8x16.splat(QUOTE)), i8x16.eq(block, i8x16.splat(BACKSLASH))),
        i8x16.lt_u(block, i8x16.splat(BLANK)),
      ),
    );
    if (ends != 0) return at + ctz(ends);
    at += 16;
  }
}

/** True where no byte of the range is beyond ASCII. */
export function isAscii(start: usize, end: usize): bool {
  let at = start;
  for (; at + 16 <= end; at += 16) if (i8x16.bitmask(v128.load(at)) != 0) return false;
  const rest = <u32>(end - at);
  return (i8x16.bitmask(v128.load(at)) & ((1 << rest) - 1)) == 0;
}

/**
 * Whether the bytes are letters, digits and what names have between them, and no more: neither JSON nor a URI has
 * another way to write them.
 */
export function isName(start: usize, length: usize): bool {
  if (length == 0 || !isAlphanumeric(load<u8>(start))) return false;
  for (let i: usize = 1; i < length; i++) {
    const byte: u32 = load<u8>(start + i);
    if (!isAlphanumeric(byte) && byte != 0x2d && byte != 0x2e && byte != 0x3a && byte != 0x5f) return false;
  }
  return true;
}

function isAlphanumeric(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10;
}

/** Whether two runs of bytes of one length are the same. */
export function isSame(a: usize, b: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** The place of the slash, question mark or quote that ends a segment of a path; undecided where it is not plain ASCII. */
export function endOfSegment(start: usize): usize {
  let at = start;
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte == SLASH || byte == QUESTION_MARK || byte == QUOTE) return at;
    if (byte == BACKSLASH || byte < <u32>BLANK || byte > 0x7e) return UNDECIDED;
    at++;
  }
}

/** `start` is the byte after the opening quote. Returns the place after the closing one. */
export function skipString(start: usize): usize {
  let at = start;
  while (true) {
    at = runEnd(at);
    const byte: u32 = load<u8>(at);
    if (byte == QUOTE) return at + 1;
    // The byte after a backslash is skipped unseen, unless it is the end of the text.
    if (byte != BACKSLASH || load<u8>(at, 1) < <u8>BLANK) return undecided(at + <usize>(byte == BACKSLASH));
    at += 2;
  }
}

/** The place after the value at `start`. */
export function skipValue(start: usize): usize {
  const byte: u32 = load<u8>(start);
  if (byte == QUOTE) return skipString(start + 1);
  if (byte == OPEN_BRACE || byte == OPEN_BRACKET) return skipNested(start + 1);
  let at = start;
  while (isToken(load<u8>(at))) at++;
  return at > start ? at : undecided(at);
}

/** True for the bytes that a number, `true`, `false` or `null` can consist of. */
function isToken(byte: u32): bool {
  // Bits of "+-.0123456789", and of "Eaeflnrstu" less 64.
  if (byte < 64) return ((0x03ff_6800_0000_0000 >> (<u64>byte)) & 1) != 0;
  return byte < 128 && ((0x003c_5062_0000_0020 >> (<u64>(byte - 64))) & 1) != 0;
}

/**
 * The place after the bracket that closes the one before `start`, 64 bytes at a time: which bytes lie inside of strings
 * follows from the quotes that are not escaped, and outside of strings brackets are counted.
 */
function skipNested(start: usize): usize {
  let at = start;
  let depth: i32 = 1;
  /** All ones where the block before ended inside of a string, and 1 where it ended with a backslash that escapes. */
  let inside: u64 = 0;
  let escapes: u64 = 0;
  while (true) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const backslash = i8x16.splat(BACKSLASH);
    const backslashes = bits(
      i8x16.eq(a, backslash),
      i8x16.eq(b, backslash),
      i8x16.eq(c, backslash),
      i8x16.eq(d, backslash),
    );
    const quote = i8x16.splat(QUOTE);
    let quotes = bits(i8x16.eq(a, quote), i8x16.eq(b, quote), i8x16.eq(c, quote), i8x16.eq(d, quote));
    if ((backslashes | escapes) != 0) {
      const escaped = escapedBy(backslashes, escapes);
      escapes = (backslashes & ~escaped) >> 63;
      quotes &= ~escaped;
    }
    const strings = parity(quotes) ^ inside;
    inside = <u64>((<i64>strings) >> 63);

    const blank = i8x16.splat(BLANK);
    const controls = bits(
      i8x16.lt_u(a, blank),
      i8x16.lt_u(b, blank),
      i8x16.lt_u(c, blank),
      i8x16.lt_u(d, blank),
    );
    const faults = (controls & strings) | (foreign(a, b, c, d) & ~strings);
    const closers = brackets(a, b, c, d, CLOSE_BRACE) & ~strings;
    const openers = brackets(a, b, c, d, OPEN_BRACE) & ~strings;
    const closes = <i32>popcnt(closers);
    if (closes >= depth) {
      const end = closing(openers, closers, depth);
      // What stands behind the end is not of the value.
      if (end != 0)
        return (faults & (end - 1)) == 0 ? at + <usize>ctz(end) + 1 : undecided(at + <usize>ctz(faults));
    }
    if (faults != 0) return undecided(at + <usize>ctz(faults));
    depth += <i32>popcnt(openers) - closes;
    at += 64;
  }
}

/** The bit of the bracket that closes the last of `depth` open ones; 0 where none does. */
function closing(openers: u64, closers: u64, depth: i32): u64 {
  let rest = closers;
  for (let closed = 1; rest != 0; closed++) {
    const bit = rest & -rest;
    if (depth + <i32>popcnt(openers & (bit - 1)) == closed) return bit;
    rest ^= bit;
  }
  return 0;
}

/** Which bytes stand behind a backslash that is not escaped itself. */
function escapedBy(backslashes: u64, first: u64): u64 {
  let escaped = first;
  let rest = backslashes & ~first;
  while (rest != 0) {
    const next = (rest & -rest) << 1;
    escaped |= next;
    rest = rest & (rest - 1) & ~next;
  }
  return escaped;
}

/** For each bit whether the number of bits up to it is odd. */
function parity(bits: u64): u64 {
  let odd = bits;
  odd ^= odd << 1;
  odd ^= odd << 2;
  odd ^= odd << 4;
  odd ^= odd << 8;
  odd ^= odd << 16;
  return odd ^ (odd << 32);
}

function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    (<u64>i8x16.bitmask(a)) |
    ((<u64>i8x16.bitmask(b)) << 16) |
    ((<u64>i8x16.bitmask(c)) << 32) |
    ((<u64>i8x16.bitmask(d)) << 48)
  );
}

/** The brackets of both kinds: they differ in one bit. */
function brackets(a: v128, b: v128, c: v128, d: v128, brace: i8): u64 {
  const kind = i8x16.splat(OPEN_BRACE ^ OPEN_BRACKET);
  const wanted = i8x16.splat(brace);
  return bits(
    i8x16.eq(v128.or(a, kind), wanted),
    i8x16.eq(v128.or(b, kind), wanted),
    i8x16.eq(v128.or(c, kind), wanted),
    i8x16.eq(v128.or(d, kind), wanted),
  );
}

/** The bytes that no JSON has outside of strings. */
function foreign(a: v128, b: v128, c: v128, d: v128): u64 {
  return bits(isForeign(a), isForeign(b), isForeign(c), isForeign(d));
}

/**
 * Each upper half of a byte has a bit, and the table of the lower halves says with which upper ones each makes one of
 * `\t \r`, ` "+,-.`, `0` to `9` and `:`, `E`, `[]`, `aefln`, `rstu{}`.
 */
function isForeign(block: v128): v128 {
  const byUpper = i8x16(0x01, 0, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0, 0, 0, 0, 0, 0, 0, 0);
  const byLower = i8x16(
    0x06,
    0x24,
    0x46,
    0x44,
    0x44,
    0x6c,
    0x24,
    0x04,
    0x04,
    0x05,
    0x04,
    0x52,
    0x22,
    0x53,
    0x22,
    0x00,
  );
  const upper = i8x16.swizzle(byUpper, i8x16.shr_u(block, 4));
  const lower = i8x16.swizzle(byLower, v128.and(block, i8x16.splat(0x0f)));
  return i8x16.eq(v128.and(upper, lower), i8x16.splat(0));
}
