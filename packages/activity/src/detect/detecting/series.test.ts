import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Sample } from './evidence.ts';
import { parseSeriesKey, Series, seriesKeyText } from './series.ts';
import { DAY_US, HOUR_US, MINUTE_US, MONDAY_US } from './testing/weeks.ts';

const WINDOW = MONDAY_US / (5 * MINUTE_US);

function seriesOf(samples: readonly Sample[]): Series {
  const series = new Series();
  for (const sample of samples) series.add(sample);
  return series;
}

function sampleAt(us: number, number: number): Sample {
  return { us: MONDAY_US + us, auditID: `id-${number}` };
}

describe('a series', () => {
  const samples = fc.array(
    fc.tuple(fc.nat({ max: 2 * HOUR_US }), fc.nat({ max: 99 })).map(([us, number]) => sampleAt(us, number)),
    { maxLength: 60 },
  );

  test('has the same counts and samples in any order', () => {
    fc.assert(
      fc.property(samples, (all) => {
        const [one, other] = [seriesOf(all), seriesOf(all.toReversed())];
        expect([...one.counts.windows()]).toEqual([...other.counts.windows()]);
        expect(one.samplesIn(WINDOW, WINDOW + 24)).toEqual(other.samplesIn(WINDOW, WINDOW + 24));
      }),
    );
  });

  test('has samples of a burst, in time, though the day had much else', () => {
    const day = Array.from({ length: 60 }, (_, index) => sampleAt(index * 20 * MINUTE_US, index));
    const burst = Array.from({ length: 60 }, (_, index) =>
      sampleAt(3 * HOUR_US + index * 1_000_000, 100 + index),
    );
    const found = seriesOf([...day, ...burst]).samplesIn(WINDOW + 36, WINDOW + 37);
    expect(found).toHaveLength(3);
    expect(found).toEqual(found.toSorted((a, b) => a.us - b.us));
    for (const { us } of found) expect(us - MONDAY_US - 3 * HOUR_US).toBeLessThan(5 * MINUTE_US);
  });

  test('forgets the days before one', () => {
    const series = seriesOf([sampleAt(0, 1), sampleAt(DAY_US, 2), sampleAt(2 * DAY_US, 3)]);
    series.forgetBefore(Math.floor(MONDAY_US / DAY_US) + 1);
    expect([...series.counts.windows()].map(([window]) => window - WINDOW)).toEqual([288, 576]);
    expect(series.samplesIn(WINDOW, WINDOW + 288)).toEqual([]);
    expect(series.counts.highest()).toBe(1);
  });
});

describe('the key of a series', () => {
  test('is read as it was written, whatever the name is', () => {
    const permission = {
      verb: 'get',
      apiGroup: '',
      resource: 'secrets',
      namespace: 'ns',
      name: 'n',
      path: '',
    };
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (subject) => {
        const key = parseSeriesKey(seriesKeyText(subject, permission));
        expect(key).toEqual({ subject, verb: 'read', resource: 'secrets' });
      }),
    );
  });
});
