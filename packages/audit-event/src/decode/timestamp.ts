/** Times are kept where a number of microseconds is exact: from 1970 to the end of 2254. */
const LAST_YEAR = 2254;

const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(Z|([+-])([01]\d|2[0-3]):([0-5]\d))?$/;

/**
 * Microseconds since the epoch of an RFC 3339 time, finer digits cut off; `undefined` where it is
 * none or lies outside 1970 to 2254. A blank for the `T` (RFC 3339 §5.6) and a missing zone,
 * which is read as UTC, are taken too: data lakes rewrite the API server's UTC times like that.
 */
export function parseTimestamp(text: string): number | undefined {
  const found = TIMESTAMP.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', , sign, offsetHours, offsetMinutes] = found;
  const whole = epochSeconds(
    [Number(year), Number(month), Number(day)],
    [Number(hour), Number(minute), Number(second)],
  );
  if (whole === undefined) return undefined;
  const offset = sign
    ? (sign === '-' ? -1 : 1) * (Number(offsetHours) * 3600 + Number(offsetMinutes) * 60)
    : 0;
  const us = (whole - offset) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
  return us >= 0 ? us : undefined;
}

/**
 * The same as `parseTimestamp` for the one form that the API server writes, straight from the bytes:
 * `2026-11-21T01:41:21.605336Z`, with up to nine fractional digits or none. -1 for anything else,
 * which may still be a time.
 */
export function readTimestamp(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 20 || length > 30 || bytes[end - 1] !== 0x5a) return -1;
  const separators =
    bytes[start + 4] === 0x2d &&
    bytes[start + 7] === 0x2d &&
    bytes[start + 10] === 0x54 &&
    bytes[start + 13] === 0x3a &&
    bytes[start + 16] === 0x3a;
  if (!separators) return -1;
  const whole = epochSeconds(
    [digits(bytes, start, 4), digits(bytes, start + 5, 2), digits(bytes, start + 8, 2)],
    [digits(bytes, start + 11, 2), digits(bytes, start + 14, 2), digits(bytes, start + 17, 2)],
  );
  if (whole === undefined) return -1;
  if (length === 20) return whole * 1_000_000;
  const count = length - 21;
  if (bytes[start + 19] !== 0x2e || count < 1) return -1;
  const fraction = digits(bytes, start + 20, count);
  if (fraction < 0) return -1;
  return (
    whole * 1_000_000 + (count > 6 ? Math.floor(fraction / 10 ** (count - 6)) : fraction * 10 ** (6 - count))
  );
}

/** The number written by `count` digits, or -1 where one of them is none. */
function digits(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** `undefined` where a part is out of its range. Leap seconds are out, as they are for Go. */
function epochSeconds(
  [year, month, day]: readonly [number, number, number],
  [hour, minute, second]: readonly [number, number, number],
): number | undefined {
  if (year < 1970 || year > LAST_YEAR || month < 1 || month > 12) return undefined;
  if (day < 1 || day > daysIn(year, month)) return undefined;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return undefined;
  return daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

/** Days of the proleptic Gregorian calendar, counted in years that begin in March so that a leap day ends one. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
