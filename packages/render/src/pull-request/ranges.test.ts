import { describe, expect, test } from 'vitest';

import { countRange, countRank, daysRange, lastSeen, monthOf } from './ranges.ts';

const DAY_US = 86_400_000_000;
const NEWEST_US = Date.UTC(2026, 2, 16, 12) * 1000;

describe('ranges of numbers that grow by themselves', () => {
  test.each([
    [0, '0'],
    [1, '1'],
    [2, '2–9'],
    [9, '2–9'],
    [10, '10–99'],
    [99, '10–99'],
    [100, '100–999'],
    [999, '100–999'],
    [1000, '1000+'],
    [Number.MAX_SAFE_INTEGER, '1000+'],
  ])('%i requests are %s', (count, range) => {
    expect(countRange(count)).toBe(range);
  });

  test.each([
    [0, '0'],
    [1, '1'],
    [6, '2–6'],
    [7, '7–13'],
    [29, '14–29'],
    [30, '30–59'],
    [364, '180–364'],
    [365, '365+'],
  ])('%i days are %s', (days, range) => {
    expect(daysRange(days)).toBe(range);
  });

  test('ranges have ranks', () => {
    expect([0, 1, 2, 9, 10, 5000].map(countRank)).toEqual([0, 1, 2, 2, 3, 5]);
  });
});

describe('days', () => {
  test('what was seen in the last 7 days is just that', () => {
    expect(lastSeen(NEWEST_US, NEWEST_US)).toBe('last 7 days');
    expect(lastSeen(NEWEST_US - 7 * DAY_US + 1, NEWEST_US)).toBe('last 7 days');
    expect(lastSeen(NEWEST_US - 7 * DAY_US, NEWEST_US)).toBe('2026-03-09');
  });

  test('months are of UTC', () => {
    expect(monthOf(Date.UTC(2026, 0, 31, 23, 59, 59) * 1000)).toBe('2026-01');
    expect(monthOf(Date.UTC(2026, 1, 1) * 1000)).toBe('2026-02');
  });
});
