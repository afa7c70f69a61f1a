import { describe, expect, test } from 'vitest';

import { type Calendar, createCalendar, neighboursOf } from './calendar.ts';

function calendar(timeZone: string, weekend?: readonly string[]): Calendar {
  const made = createCalendar(timeZone, weekend);
  if (made === undefined) throw new Error(`no ${timeZone}`);
  return made;
}

const hourAt = (iso: string): number => Date.parse(iso) / 3_600_000;

describe('a calendar', () => {
  test('tells the hours of working days from those of the weekend', () => {
    const utc = calendar('UTC');
    expect(utc.bucketOf(hourAt('2026-01-09T23:00:00Z'))).toBe(23);
    expect(utc.bucketOf(hourAt('2026-01-10T00:00:00Z'))).toBe(24);
    expect(utc.bucketOf(hourAt('2026-01-11T23:00:00Z'))).toBe(47);
    expect(utc.bucketOf(hourAt('2026-01-12T00:00:00Z'))).toBe(0);
  });

  test('the zone decides when the weekend begins, and the hour stays that of UTC', () => {
    expect(calendar('Asia/Tokyo').bucketOf(hourAt('2026-01-09T15:00:00Z'))).toBe(24 + 15);
    expect(calendar('America/New_York').bucketOf(hourAt('2026-01-10T04:00:00Z'))).toBe(4);
  });

  test('no change of the clock moves an hour', () => {
    const berlin = calendar('Europe/Berlin');
    expect(berlin.bucketOf(hourAt('2026-03-27T09:00:00Z'))).toBe(9);
    expect(berlin.bucketOf(hourAt('2026-03-30T09:00:00Z'))).toBe(9);
    expect(berlin.labelOf(hourAt('2026-03-27T09:00:00Z'))).toBe('Fri 10:00');
    expect(berlin.labelOf(hourAt('2026-03-30T09:00:00Z'))).toBe('Mon 11:00');
  });

  test('names hours as people there read them', () => {
    expect(calendar('UTC').labelOf(hourAt('2026-01-06T03:00:00Z'))).toBe('Tue 03:00');
    expect(calendar('UTC').labelOf(hourAt('2026-01-06T00:00:00Z'))).toBe('Tue 00:00');
    expect(calendar('Asia/Kolkata').labelOf(hourAt('2026-01-05T21:00:00Z'))).toBe('Tue 02:30');
  });

  test('takes the weekend that it is given, and times before the epoch', () => {
    const cairo = calendar('Africa/Cairo', ['Fri', 'Sat']);
    expect(cairo.bucketOf(hourAt('2026-01-09T12:00:00Z'))).toBe(36);
    expect(cairo.bucketOf(hourAt('2026-01-11T12:00:00Z'))).toBe(12);
    expect(calendar('UTC').bucketOf(-1)).toBe(23);
  });

  test('remembers no more than it can, and says the same again', () => {
    const utc = calendar('UTC');
    const week = (from: number): number[] => Array.from({ length: 9000 }, (_, i) => utc.bucketOf(from + i));
    expect(week(0)).toEqual(week(0));
  });

  test('there is none for a zone that does not exist', () => {
    expect(createCalendar('Europe/Atlantis')).toBeUndefined();
  });
});

test('the hours beside an hour are those around the clock, among days of the same kind', () => {
  expect(neighboursOf(0)).toEqual([23, 1]);
  expect(neighboursOf(23)).toEqual([22, 0]);
  expect(neighboursOf(24)).toEqual([47, 25]);
  expect(neighboursOf(47)).toEqual([46, 24]);
});
