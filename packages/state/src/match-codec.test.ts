import {
  type ActivityState,
  dayFor,
  DETECTION_SEVERITIES,
  emptyActivity,
  forgetMatches,
  MAX_MATCHED_KEYS,
  MAX_MATCHED_SUBJECTS,
  MAX_WINDOW_MATCHES,
  mergeActivity,
  windowFor,
} from '@leastwise/activity';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { plainDays } from './conformance/days.ts';
import { matchesOf, plainTold, type SampleMatch } from './conformance/matches.ts';
import { Fields, Malformed } from './fields.ts';
import { encodeMatches, encodeMatchKeys, encodeTold, readMatches, readTold } from './match-codec.ts';

const DAY = 20_000;
const START_US = DAY * 86_400_000_000;
const text = fc.string({ unit: 'binary', maxLength: 8 });

const match: fc.Arbitrary<SampleMatch> = fc
  .record({
    n: fc.nat(9),
    us: fc.oneof(fc.nat(3), fc.nat(2 * 86_400_000_000)),
    subject: fc.oneof(
      fc.constant(''),
      text.map((name) => `user:${name}`),
    ),
    id: fc.constantFrom('D07', 'D09', 'D14', 'D42'),
    severity: fc.constantFrom(...DETECTION_SEVERITIES),
    says: text,
    as: text,
    auditID: text,
    key: fc.option(text, { nil: undefined }),
    known: fc.constantFrom(undefined, 'LOW' as const),
  })
  .map(({ us, key, known, ...each }) => ({
    ...{ ...each, us: START_US + us },
    ...(key === undefined ? {} : { firstSeenKey: key }),
    ...(known === undefined ? {} : { severityIfKnown: known }),
  }));

function plain(states: Iterable<ActivityState>): unknown {
  const all = [...states];
  return [plainDays(all), plainTold(all)];
}

function sumOf(parts: readonly (readonly SampleMatch[])[]): unknown {
  const sum = emptyActivity('main');
  for (const part of parts) for (const state of matchesOf(part).values()) mergeActivity(sum, state);
  return plain([sum]);
}

/** One cluster's state. */
function stateOf(samples: readonly SampleMatch[]): ActivityState {
  return matchesOf(samples).get('main') ?? emptyActivity('main');
}

/** What is read of all that was written of a state. */
function readBack(state: ActivityState): ActivityState {
  const read = emptyActivity('main');
  for (const { day, matches } of state.days.values()) {
    const into = dayFor(read.days, day);
    for (const [subject, each] of matches.entries()) {
      const fields = Fields.parse(JSON.stringify(encodeMatches(day, each)));
      readMatches(into, subject, fields);
      fields.end();
    }
  }
  for (const window of state.windows.values()) {
    const told = encodeTold(window);
    if (told) readTold(windowFor(read, window.kind, window.number), Fields.parse(JSON.stringify(told)));
  }
  return read;
}

describe('finds of detections', () => {
  it('are read as they were written, whatever names are in them', () => {
    fc.assert(
      fc.property(fc.array(match, { maxLength: 30 }), (samples) => {
        const state = stateOf(samples);
        expect(plain([readBack(state)])).toEqual(plain([state]));
      }),
    );
  });

  it('add up to the same in any order and in any parts', () => {
    const parted = fc.array(match, { maxLength: 40 }).chain((samples) =>
      fc.record({
        samples: fc.constant(samples),
        shuffled: fc.shuffledSubarray(samples, { minLength: samples.length }),
        size: fc.integer({ min: 1, max: 40 }),
      }),
    );
    fc.assert(
      fc.property(parted, ({ samples, shuffled, size }) => {
        const parts = shuffled.flatMap((_, n) => (n % size === 0 ? [shuffled.slice(n, n + size)] : []));
        expect(sumOf(parts)).toEqual(sumOf([samples]));
        expect(sumOf(parts.toReversed())).toEqual(sumOf([samples]));
      }),
    );
  });

  it('beyond the caps are the same in any order, and all of them are counted', () => {
    const flood = Array.from({ length: 2 * MAX_MATCHED_SUBJECTS }, (_, n): SampleMatch => ({
      ...{
        n,
        us: START_US + n,
        subject: `user:u${n % 700}`,
        id: n % 3 === 0 ? 'D09' : 'D07',
        severity: 'HIGH',
      },
      ...(n % 3 === 0 ? { firstSeenKey: `by ${n}` } : {}),
    }));
    const keys = Array.from({ length: 3 * MAX_MATCHED_KEYS }, (_, n): SampleMatch => ({
      ...{ n, us: START_US + n, subject: 'user:u1', id: 'D09', firstSeenKey: `curl ${n}` },
    }));
    const all = [...flood, ...keys];
    expect(sumOf(all.map((each) => [each]).toReversed())).toEqual(sumOf([all]));
    const state = stateOf(all);
    const [day] = state.days.values();
    const counted = [...(day?.matches.values() ?? [])].flatMap(({ plain: own, keyed }) => [
      ...[...own.values()].map(({ count }) => count),
      ...[...keyed.values()].flatMap((each) => [...each.values(), each.other].map((one) => one.all.count)),
    ]);
    const beyond = [...(day?.matches.other.beyond.values() ?? [])];
    expect(day?.matches.entries()).toHaveLength(MAX_MATCHED_SUBJECTS);
    expect([...counted, ...beyond].reduce((a, b) => a + b)).toBe(all.length);
    const [window] = state.windows.values();
    const told = [...(window?.found?.values() ?? [])].map(({ count }) => count);
    expect(told).toHaveLength(MAX_WINDOW_MATCHES);
    const grave = all.filter(
      ({ severity, firstSeenKey }) => severity === 'HIGH' && firstSeenKey === undefined,
    );
    expect([...told, window?.found?.other.count ?? 0].reduce((a, b) => a + b)).toBe(grave.length);
  });

  it('that are given up leave their keys, and nothing of what was said', () => {
    const state = stateOf([
      { n: 1, us: START_US, says: 'secret' },
      {
        n: 2,
        us: START_US,
        says: 'secret',
        as: 'secret',
        auditID: 'secret',
        id: 'D09',
        firstSeenKey: 'by curl',
      },
    ]);
    const [day] = state.days.values();
    const found = day?.matches.get('user:alice');
    if (day === undefined || found === undefined) throw new Error('nothing was found');
    const keys = encodeMatchKeys(DAY, found);
    expect(keys).toEqual([[], ['D09', 0, ['by curl', null, null]]]);
    forgetMatches(day.matches);
    expect(encodeMatches(DAY, found)).toEqual(keys);
    expect(encodeMatchKeys(DAY, { ...found, keyed: new Map() })).toBeUndefined();
  });

  it.each([
    ['no evidence', '[["D14"],[]]'],
    ['half a sample', '[["D14",[1,0,0,"LOW","","",0,"",[1]]],[]]'],
    ['a count of none', '[["D14",[0,0,0,"LOW","","",0,"",[]]],[]]'],
    ['a time beyond the day', '[["D14",[1,0,86400000000,"LOW","","",0,"",[]]],[]]'],
    ['an unknown severity', '[["D14",[1,0,0,"WORSE","","",0,"",[]]],[]]'],
    ['a detection that is none', '[["D1",[1,0,0,"LOW","","",0,"",[]]],[]]'],
    ['a key without evidence', '[[],["D09",0,["by curl"]]]'],
    ['a value too many', '[["D14",[1,0,0,"LOW","","",0,"",[],1]],[]]'],
  ])('with %s are refused', (_, written) => {
    expect(() => {
      readMatches(dayFor(new Map(), DAY), '', Fields.parse(written));
    }).toThrow(Malformed);
  });
});
