// The walk over values that are not read, but stand where the plain scanner parses: only what JSON.parse surely takes is
// passed, and the rest is undecided, as are values beyond ASCII, which may hold bytes that are not UTF-8.

import {
  BACKSLASH,
  BLANK,
  CLOSE_BRACE,
  COLON,
  COMMA,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  UNDECIDED,
  undecided,
} from './layout';
import { isAscii, runEnd, space } from './skip';

const MAX_DEPTH: i32 = 8;

const TRUE: u32 = 0x65757274;
const NULL: u32 = 0x6c6c756e;
/** The last four letters of `false`. */
const ALSE: u32 = 0x65736c61;

/** The place after the value at `start`, which lies inside of `depth` others. */
export function strictValue(start: usize, depth: i32): usize {
  const byte: u32 = load<u8>(start);
  if (byte == QUOTE) return strictString(start + 1);
  if (byte == OPEN_BRACE || byte == OPEN_BRACKET) return strictNested(start, depth + 1);
  const word = load<u32>(start);
  if (word == TRUE || word == NULL) return start + 4;
  if (byte == 0x66 && load<u32>(start, 1) == ALSE) return start + 5;
  return strictNumber(start);
}

function strictNested(start: usize, depth: i32): usize {
  if (depth > MAX_DEPTH) return undecided(start);
  const open: u32 = load<u8>(start);
  // Of both kinds of brackets, the closing one comes two after the opening one.
  const close = open + 2;
  let at = space(start + 1);
  if (load<u8>(at) == close) return at + 1;
  while (true) {
    if (open == OPEN_BRACE) {
      if (load<u8>(at) != QUOTE) return undecided(at);
      at = strictString(at + 1);
      if (at == UNDECIDED) return UNDECIDED;
      at = space(at);
      if (load<u8>(at) != COLON) return undecided(at);
      at = space(at + 1);
    }
    at = strictValue(at, depth);
    if (at == UNDECIDED) return UNDECIDED;
    at = space(at);
    const byte: u32 = load<u8>(at);
    if (byte == close) return at + 1;
    if (byte != COMMA) return undecided(at);
    at = space(at + 1);
  }
}

/** `start` is the byte after the opening quote. */
function strictString(start: usize): usize {
  let at = start;
  while (true) {
    at = runEnd(at);
    const byte: u32 = load<u8>(at);
    if (byte == QUOTE) return isAscii(start, at) ? at + 1 : undecided(start);
    if (byte != BACKSLASH) return undecided(at);
    const escaped: u32 = load<u8>(at, 1);
    if (escaped == 0x75) {
      for (let i: usize = 2; i < 6; i++) if (!isHex(load<u8>(at + i))) return undecided(at + i);
      at += 6;
    } else {
      if (!isEscape(escaped)) return undecided(at + 1);
      at += 2;
    }
  }
}

/** True for `"\/bfnrt`. */
function isEscape(byte: u32): bool {
  return (
    byte == QUOTE ||
    byte == BACKSLASH ||
    byte == 0x2f ||
    byte == 0x62 ||
    byte == 0x66 ||
    byte == 0x6e ||
    byte == 0x72 ||
    byte == 0x74
  );
}

function isHex(byte: u32): bool {
  return isDigit(byte) || (byte | BLANK) - 0x61 < 6;
}

function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

function strictNumber(start: usize): usize {
  let at = start + <usize>(load<u8>(start) == MINUS);
  const whole = digits(at);
  if (whole == at || (load<u8>(at) == 0x30 && whole > at + 1)) return undecided(whole);
  at = whole;
  if (load<u8>(at) == 0x2e) {
    at = digits(whole + 1);
    if (at == whole + 1) return undecided(at);
  }
  if ((load<u8>(at) | BLANK) == 0x65) {
    const sign: u32 = load<u8>(at, 1);
    const from = at + 1 + <usize>(sign == MINUS || sign == 0x2b);
    at = digits(from);
    if (at == from) return undecided(at);
  }
  return at;
}

function digits(start: usize): usize {
  let at = start;
  while (isDigit(load<u8>(at))) at++;
  return at;
}
