import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  advanceWatermark,
  isLate,
  isWindowClosed,
  type Watermarks,
  WINDOW_KINDS,
  windowKey,
  windowOf,
  windowStartUs,
  windowsToKeep,
} from './windows.ts';

const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;
const times = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -40, max: 6_000_000 }).map((window) => window * 5 * MINUTE),
  fc.integer({ min: -40, max: 6_000_000 }).map((window) => window * HOUR - 1),
);
const kinds = fc.constantFrom(...WINDOW_KINDS);

describe('windows', () => {
  test.each([
    ['5m', 0, 0],
    ['5m', 5 * MINUTE - 1, 0],
    ['5m', 5 * MINUTE, 1],
    ['5m', -1, -1],
    ['5m', -5 * MINUTE, -1],
    ['5m', -5 * MINUTE - 1, -2],
    ['1h', HOUR - 1, 0],
    ['1h', HOUR, 1],
    ['1h', -1, -1],
  ] as const)('the %s window of %i is number %i', (kind, us, number) => {
    expect(windowOf(kind, us)).toBe(number);
  });

  test('windows are of UTC: on the day that Berlin has 23 hours, they are as long as ever', () => {
    const midnight = Date.UTC(2026, 2, 29) * 1000;
    const starts = Array.from({ length: 24 }, (_, hour) =>
      windowStartUs('1h', windowOf('1h', midnight + hour * HOUR + 30 * MINUTE)),
    );
    expect(starts).toEqual(Array.from({ length: 24 }, (_, hour) => midnight + hour * HOUR));
  });

  test('a time is in its window and in no other, to the microsecond', () => {
    fc.assert(
      fc.property(kinds, times, (kind, us) => {
        const number = windowOf(kind, us);
        expect(windowStartUs(kind, number)).toBeLessThanOrEqual(us);
        expect(us).toBeLessThan(windowStartUs(kind, number + 1));
      }),
      { numRuns: 1000 },
    );
  });

  test('twelve windows of five minutes are an hour', () => {
    fc.assert(
      fc.property(times, (us) => {
        expect(Math.floor(windowOf('5m', us) / 12)).toBe(windowOf('1h', us));
      }),
    );
  });

  test('keys are different for each window, however many are remembered', () => {
    const keys = new Set<string>();
    for (const kind of WINDOW_KINDS) {
      for (let number = -3000; number < 3000; number += 1) keys.add(windowKey(kind, number));
    }
    expect(keys.size).toBe(12_000);
    expect([windowKey('5m', -3000), windowKey('1h', 42)]).toEqual(['5m/-3000', '1h/42']);
  });
});

describe('retention', () => {
  test('the newest windows are kept, as many as the retention is long', () => {
    const retention = { '5m': HOUR, '1h': 36 * HOUR };
    expect(windowsToKeep('5m', HOUR, retention)).toEqual({ first: 1, last: 12 });
    expect(windowsToKeep('5m', HOUR - 1, retention)).toEqual({ first: 0, last: 11 });
    expect(windowsToKeep('1h', 0, retention)).toEqual({ first: -35, last: 0 });
  });

  test('a retention that is no whole number of windows is rounded up', () => {
    expect(windowsToKeep('1h', 0, { '5m': 0, '1h': HOUR + 1 })).toEqual({ first: -1, last: 0 });
    expect(windowsToKeep('1h', 0, { '5m': 0, '1h': 1 })).toEqual({ first: 0, last: 0 });
  });

  test('a retention of nothing keeps no window', () => {
    expect(windowsToKeep('5m', HOUR, { '5m': 0, '1h': 0 })).toEqual({ first: 13, last: 12 });
  });
});

describe('lateness', () => {
  test('nothing is late, and no window closed, before the first event', () => {
    expect(isLate(undefined, -1e15, 0)).toBe(false);
    expect(isWindowClosed('5m', -1_000_000, undefined, 0)).toBe(false);
  });

  test('what is behind by exactly the grace is not late', () => {
    expect([isLate(1000, 900, 100), isLate(1000, 899, 100), isLate(1000, 1001, 0)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('a window closes when the watermark is past its end by the grace', () => {
    const end = windowStartUs('5m', 8);
    expect(isWindowClosed('5m', 7, end + 99, 100)).toBe(false);
    expect(isWindowClosed('5m', 7, end + 100, 100)).toBe(true);
    expect(isWindowClosed('5m', 8, end + 100, 100)).toBe(false);
  });

  test('what is not late falls into a window that is open', () => {
    const nearby = fc.integer({ min: -2 * HOUR, max: 2 * HOUR });
    fc.assert(
      fc.property(kinds, nearby, nearby, fc.integer({ min: 0, max: HOUR }), (kind, mark, us, grace) => {
        const isClosed = isWindowClosed(kind, windowOf(kind, us), mark, grace);
        expect(isClosed && !isLate(mark, us, grace)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  test('a watermark never moves back, and each cluster has its own', () => {
    const watermarks: Watermarks = new Map();
    for (const us of [-5, 10, 7]) advanceWatermark(watermarks, 'a', us);
    advanceWatermark(watermarks, '__proto__', -7);
    expect([...watermarks]).toEqual([
      ['a', 10],
      ['__proto__', -7],
    ]);
  });
});
