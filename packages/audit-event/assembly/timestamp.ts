// Times in the one form that the API server writes, as the plain scanner's `timestamp.ts` reads them from bytes.

const LAST_YEAR: i32 = 2254;
/** In place of a time or of a part of one: it is none. */
const NONE: i32 = -1;

/** Microseconds since the epoch of `2026-11-21T01:41:21.605336Z`, with up to nine fractional digits or none; -1 for anything else. */
export function timeOf(start: usize, end: usize): f64 {
  const length = <i32>(end - start);
  if (length < 20 || length > 30 || load<u8>(end - 1) != 0x5a) return NONE;
  if (load<u8>(start, 4) != 0x2d || load<u8>(start, 7) != 0x2d || load<u8>(start, 10) != 0x54) return NONE;
  if (load<u8>(start, 13) != 0x3a || load<u8>(start, 16) != 0x3a) return NONE;
  const days = dayOf(number(start, 4), number(start + 5, 2), number(start + 8, 2));
  const hour = number(start + 11, 2);
  const minute = number(start + 14, 2);
  const second = number(start + 17, 2);
  if (days < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return NONE;
  const whole = (<i64>days * 86_400 + <i64>(hour * 3600 + minute * 60 + second)) * 1_000_000;
  if (length == 20) return <f64>whole;
  const count = length - 21;
  if (load<u8>(start, 19) != 0x2e || count < 1) return NONE;
  let fraction = number(start + 20, count);
  if (fraction < 0) return NONE;
  for (let i = count; i < 6; i++) fraction *= 10;
  for (let i = count; i > 6; i--) fraction /= 10;
  return <f64>(whole + <i64>fraction);
}

/** The number written by up to nine digits, or -1 where one of them is none. */
function number(start: usize, count: i32): i32 {
  let value: i32 = 0;
  for (let at = start; at < start + <usize>count; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) return NONE;
    value = value * 10 + <i32>digit;
  }
  return value;
}

/** Days since the epoch, counted in years that begin in March so that a leap day ends one; -1 where there is no such day. */
function dayOf(year: i32, month: i32, day: i32): i32 {
  if (year < 1970 || year > LAST_YEAR || month < 1 || month > 12) return NONE;
  if (day < 1 || day > daysIn(year, month)) return NONE;
  const y = month > 2 ? year : year - 1;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 719_468;
}

function daysIn(year: i32, month: i32): i32 {
  if (month != 2) return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
}
