import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type ActivityState, addTo, emptyActivity, tallyFor, windowFor } from '../state.ts';
import { windowOf } from '../windows.ts';
import { type ClosedWindow, OpenWindows, type SourceLook } from './open-windows.ts';

const OPTIONS = { graceMs: 10_000, silentAfterMs: 30_000, quietMs: 20_000 };
const WINDOW_MS = 300_000;
/** The start of a window. */
const START_MS = 5_900_000 * WINDOW_MS;
const FIRST = 5_900_000;

function activityAt(...secondsAfter: readonly number[]): ReadonlyMap<string, ActivityState> {
  const state = emptyActivity('prod');
  for (const seconds of secondsAfter) {
    const us = (START_MS + seconds * 1000) * 1000;
    addTo(tallyFor(windowFor(state, '5m', windowOf('5m', us)), 'user:alice', 1), {
      count: 1,
      firstUs: us,
      lastUs: us,
    });
  }
  return new Map([['prod', state]]);
}

function look(source: string, newestSeconds: number, more: Partial<SourceLook> = {}): SourceLook {
  return {
    source,
    watermarks: new Map([['prod', (START_MS + newestSeconds * 1000) * 1000]]),
    hasMoved: true,
    isWhole: false,
    activity: new Map(),
    ...more,
  };
}

const at = (seconds: number): { wallMs: number; steadyMs: number } => ({
  wallMs: START_MS + seconds * 1000,
  steadyMs: seconds * 1000,
});

function countsOf(closed: readonly ClosedWindow[]): [number, number][] {
  return closed.map(([number, window]) => {
    const tallies = [...(window?.subjects.values() ?? [])].flatMap((each) => [...each.values()]);
    return [number - FIRST, tallies.reduce((sum, { count }) => sum + count, 0)];
  });
}

/** Where everything before is closed. */
function beginning(): OpenWindows {
  const windows = new OpenWindows(OPTIONS);
  windows.closedBefore('prod', FIRST - 1);
  return windows;
}

describe('open windows', () => {
  test('close when every source has gone past their end, by the grace', () => {
    const windows = beginning();
    windows.take(look('a', 320, { activity: activityAt(10, 310) }), at(330));
    windows.take(look('b', 305, { activity: activityAt(20) }), at(330));
    expect(windows.close('prod', at(330))).toEqual([]);
    windows.take(look('b', 311), at(331));
    expect(countsOf(windows.close('prod', at(331)))).toEqual([[0, 2]]);
    expect(windows.close('prod', at(332))).toEqual([]);
  });

  test('close by the clock where a source is silent', () => {
    const windows = beginning();
    windows.take(look('a', 290, { activity: activityAt(10, 290) }), at(300));
    expect(windows.close('prod', at(315))).toEqual([]);
    // Silent by then, but the window has been over for less than half a minute.
    expect(windows.close('prod', at(329))).toEqual([]);
    expect(countsOf(windows.close('prod', at(330)))).toEqual([[0, 2]]);
    // Nothing was delivered since.
    windows.take(look('a', 290, { hasMoved: false }), at(640));
    expect(countsOf(windows.close('prod', at(640)))).toEqual([[1, 0]]);
  });

  test('wait for a source that is behind and goes on, however old its requests are', () => {
    const windows = new OpenWindows(OPTIONS);
    for (let seconds = 0; seconds < 600; seconds += 10) {
      windows.take(look('a', -50_000 + seconds, { activity: activityAt(-50_000 + seconds) }), at(seconds));
      for (const [number] of windows.close('prod', at(seconds)))
        expect((number + 1) * WINDOW_MS).toBeLessThan(START_MS - 49_400_000);
    }
  });

  test('close nothing that is not over, whatever a source says of the time', () => {
    const windows = new OpenWindows(OPTIONS);
    windows.take(look('a', 80_000, { activity: activityAt(10, 80_000) }), at(200));
    expect(countsOf(windows.close('prod', at(200)))).toEqual([[-1, 0]]);
    expect(countsOf(windows.close('prod', at(310)))).toEqual([[0, 1]]);
  });

  test('tell what comes late apart, once', () => {
    const windows = new OpenWindows(OPTIONS);
    windows.take(look('a', 320, { activity: activityAt(10) }), at(320));
    windows.close('prod', at(320));
    windows.take(look('a', 330, { activity: activityAt(15, 325) }), at(330));
    expect(countsOf(windows.takeLate('prod').map((window) => [window.number, window]))).toEqual([[0, 1]]);
    expect(windows.takeLate('prod')).toEqual([]);
    windows.take(look('a', 620), at(620));
    expect(countsOf(windows.close('prod', at(620)))).toEqual([[1, 1]]);
  });

  test('begin behind what was closed by somebody else', () => {
    const windows = new OpenWindows(OPTIONS);
    windows.closedBefore('prod', FIRST);
    windows.take(look('a', 620, { isWhole: true, activity: activityAt(10, 310) }), at(620));
    expect(windows.takeLate('prod')).toEqual([]);
    expect(countsOf(windows.close('prod', at(620)))).toEqual([[1, 1]]);
  });

  test('wait no more for a source that is gone, and keep what it delivered', () => {
    const windows = beginning();
    windows.take(look('a', 320), at(320));
    windows.take(look('b', 100, { activity: activityAt(50) }), at(320));
    expect(windows.close('prod', at(321))).toEqual([]);
    windows.keepOnly(new Set(['a']));
    expect(countsOf(windows.close('prod', at(322)))).toEqual([[0, 1]]);
    expect(windows.clusters()).toEqual(['prod']);
  });

  test('wait a moment for a source that has just come, and may be about to deliver', () => {
    const windows = beginning();
    windows.take(look('a', 320, { activity: activityAt(10) }), at(320));
    windows.take(look('b', 0, { watermarks: new Map(), hasMoved: false }), at(320));
    expect(windows.close('prod', at(339))).toEqual([]);
    windows.take(look('b', 320, { activity: activityAt(20) }), at(339));
    expect(countsOf(windows.close('prod', at(339)))).toEqual([[0, 2]]);
    // One that has other clusters only.
    windows.take(look('c', 0, { watermarks: new Map() }), at(600));
    for (const source of ['a', 'b']) windows.take(look(source, 625), at(625));
    windows.take(look('c', 0, { watermarks: new Map() }), at(625));
    expect(countsOf(windows.close('prod', at(625)))).toEqual([[1, 0]]);
  });

  test('close where their cluster fell silent, though its source goes on with another one', () => {
    const windows = beginning();
    const both = (seconds: number, other: number): Partial<SourceLook> => ({
      watermarks: new Map([
        ['prod', (START_MS + seconds * 1000) * 1000],
        ['other', (START_MS + other * 1000) * 1000],
      ]),
    });
    windows.take(look('a', 200, { activity: activityAt(10, 200), ...both(200, 200) }), at(200));
    for (let seconds = 210; seconds <= 340; seconds += 10) {
      windows.take(look('a', 200, both(200, seconds)), at(seconds));
      if (seconds < 330) expect(windows.close('prod', at(seconds))).toEqual([]);
    }
    expect(countsOf(windows.close('prod', at(340)))).toEqual([[0, 2]]);
  });

  test('wait for their cluster while its source is behind with all of them', () => {
    const windows = beginning();
    const at200 = (START_MS + 200_000) * 1000;
    for (let seconds = 3000; seconds <= 3300; seconds += 10) {
      const other = (START_MS + (seconds - 2500) * 1000) * 1000;
      const watermarks = new Map([
        ['prod', at200],
        ['other', other],
      ]);
      windows.take(
        look('a', 200, { activity: seconds === 3000 ? activityAt(10) : new Map(), watermarks }),
        at(seconds),
      );
      expect(windows.close('prod', at(seconds))).toEqual([]);
    }
  });

  test('hold each request once, however often everything was read anew', () => {
    const seconds = fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(seconds, fc.array(fc.boolean()), (all, wholes) => {
        const windows = new OpenWindows(OPTIONS);
        const inOrder = [...all].sort((a, b) => a - b);
        for (const [index, newest] of inOrder.entries()) {
          const isWhole = wholes[index] ?? false;
          const activity = activityAt(...inOrder.slice(isWhole ? 0 : index, index + 1));
          windows.take(look('a', newest, { isWhole, activity }), at(2000));
        }
        const closed = windows.close('prod', at(2100));
        const sum = countsOf(closed).reduce((so, [, count]) => so + count, 0);
        expect(sum).toBe(all.length);
      }),
    );
  });
});
