import fc from 'fast-check';
import { expect, test } from 'vitest';

import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['90d', 7_776_000_000],
  ['1.1s', 1100],
  ['0s', 0],
])('the duration %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['4MiB', 4_194_304],
  ['512KiB', 524_288],
  ['10MB', 10_000_000],
  ['1.5GiB', 1_610_612_736],
  ['0B', 0],
])('the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', '5', '-5s', '5 s', '5S', '0.5ms', '5sB', '9999999999999999d', '1s1', 's', '5mins', '.5s'])(
  'no duration: %j',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each(['', '5', '-5B', '5 MB', '4M', '4Mi', '4mb', '0.5B', '9999999999999999GiB', '1KiB1B'])(
  'no size: %j',
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

test('what is printed reads back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(parseDuration(formatDuration(value))).toBe(value);
      expect(parseSize(formatSize(value))).toBe(value);
    }),
  );
});
