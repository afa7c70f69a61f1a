import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseTimestamp, readTimestamp } from './timestamp.ts';

function readText(text: string): number {
  const bytes = Buffer.from(`"${text}"`);
  return readTimestamp(bytes, 1, bytes.length - 1);
}

test.each([
  ['2026-11-21T01:41:21.605336Z', Date.UTC(2026, 10, 21, 1, 41, 21, 605) * 1000 + 336],
  ['2026-11-21T01:41:21Z', Date.UTC(2026, 10, 21, 1, 41, 21) * 1000],
  ['2023-10-18T17:32:47.415928452Z', Date.UTC(2023, 9, 18, 17, 32, 47, 415) * 1000 + 928],
  ['2024-02-29T00:00:00.1Z', Date.UTC(2024, 1, 29, 0, 0, 0, 100) * 1000],
  ['1970-01-01T00:00:00Z', 0],
])('%s is read by both ways', (text, us) => {
  expect(parseTimestamp(text)).toBe(us);
  expect(readText(text)).toBe(us);
});

test.each([
  ['2023-05-20T05:26:57.511000+02:00', Date.UTC(2023, 4, 20, 3, 26, 57, 511) * 1000],
  ['2024-11-13 23:50:32.672347000', Date.UTC(2024, 10, 13, 23, 50, 32, 672) * 1000 + 347],
])('%s is left to the plain way', (text, us) => {
  expect(parseTimestamp(text)).toBe(us);
  expect(readText(text)).toBe(-1);
});

test.each([
  '',
  '2023-02-29T00:00:00Z',
  '2023-13-01T00:00:00Z',
  '2023-01-01T24:00:00Z',
  '0001-01-01T00:00:00Z',
  '2023-01-01T00:00:60Z',
  '1969-12-31T23:59:59Z',
  '2300-01-01T00:00:00Z',
  '2023-01-01',
  '1684310400',
  '2023-01-01T00:00:00.Z',
])('%j is no time', (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
  expect(readText(text)).toBe(-1);
});

test('both ways agree with Date on every instant', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('2254-12-31T23:59:59Z'), noInvalidDate: true }),
      fc.nat(999),
      (date, us) => {
        const text = date.toISOString().replace('Z', `${String(us).padStart(3, '0')}Z`);
        expect(parseTimestamp(text)).toBe(date.getTime() * 1000 + us);
        expect(readText(text)).toBe(date.getTime() * 1000 + us);
      },
    ),
  );
});

test('where the quick way reads anything, the plain way reads the same', () => {
  const almost = fc
    .tuple(fc.constant('2026-11-21T01:41:21.605336Z'), fc.nat(26), fc.constantFrom(...'0123456789-:.TZ+ '))
    .map(([text, at, byte]) => text.slice(0, at) + byte + text.slice(at + 1));
  fc.assert(
    fc.property(almost, (text) => {
      const quick = readText(text);
      if (quick >= 0) expect(parseTimestamp(text)).toBe(quick);
    }),
  );
});
