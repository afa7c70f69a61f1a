import { describe, expect, it } from 'vitest';

import { CYCLE_OUTCOMES } from './outcome.ts';
import { nextWaitMs } from './pacing.ts';
import { Pulse } from './pulse.ts';
import { CycleProgress } from './progress.ts';

const PACING = { everyMs: 900_000, jitterMs: 60_000, leaseMs: 30_000 };
const MOST = 1 - Number.EPSILON;

function wait(result: (typeof CYCLE_OUTCOMES)[number], random: number, more = {}): number {
  return nextWaitMs(PACING, { result, outages: 1, ...more }, random);
}

describe('the time until the next cycle', () => {
  it('is the interval, and a part of the jitter', () => {
    expect(wait('done', 0)).toBe(900_000);
    expect(wait('done', 0.5)).toBe(930_000);
    for (const result of ['incomplete', 'unauthorized', 'refused', 'promise-broken', 'team-file'] as const) {
      expect(wait(result, 0)).toBe(900_000);
    }
  });

  it('doubles from outage to outage, up to the interval', () => {
    const waits = [1, 2, 3, 20, 2000].map((outages) => wait('outage', MOST, { outages }));
    expect(waits.map(Math.round)).toEqual([10_000, 20_000, 40_000, 960_000, 960_000]);
    expect(wait('outage', 0)).toBe(5000);
  });

  it('is never before the forge allows it, and never longer than an hour for that', () => {
    expect(wait('outage', 0, { retryAfterMs: 45_000 })).toBe(45_000);
    expect(wait('outage', 0, { retryAfterMs: 1_800_000 })).toBe(1_800_000);
    expect(wait('outage', 0, { retryAfterMs: 1e12 })).toBe(3_600_000);
    expect(wait('outage', 0, { retryAfterMs: 1 })).toBe(5000);
  });

  it('is no longer than a lease lives where another one has it', () => {
    for (const result of ['standby', 'lease-lost'] as const) {
      expect(wait(result, 0)).toBe(15_000);
      expect(wait(result, MOST)).toBeCloseTo(30_000);
      expect(nextWaitMs({ ...PACING, everyMs: 1000, jitterMs: 0 }, { result, outages: 0 }, 0)).toBe(1000);
    }
  });

  it('is some time for every way to end', () => {
    for (const result of CYCLE_OUTCOMES) expect(wait(result, 0)).toBeGreaterThanOrEqual(5000);
  });
});

describe('the pulse', () => {
  it('beats until nothing has moved for as long as the limit, and while one waits', () => {
    let now = 0;
    const pulse = new Pulse(() => now, 100);
    const beatsAt = (at: number): boolean => {
      now = at;
      return pulse.isBeating();
    };
    expect([beatsAt(99), beatsAt(100)]).toEqual([true, false]);
    pulse.move();
    expect([beatsAt(199), beatsAt(200)]).toEqual([true, false]);
    pulse.move(1000);
    expect([beatsAt(1299), beatsAt(1300)]).toEqual([true, false]);
  });
});

describe('the progress of a cycle', () => {
  function follow() {
    const clock = { now: 0, moves: 0 };
    const said: unknown[] = [];
    const log = { info: (message: string, fields = {}) => said.push([message, fields]) };
    const progress = new CycleProgress({ log, now: () => clock.now, onMove: () => (clock.moves += 1) });
    return { clock, said, progress };
  }

  it('is said every ten seconds at most, and never when a phase is through', () => {
    const { clock, said, progress } = follow();
    for (let done = 0; done <= 100; done++) {
      progress.note('infer', done, 100);
      clock.now += 400;
    }
    expect(said).toEqual([25, 50, 75].map((done) => ['working', { what: 'infer', done, total: 100 }]));
    expect(clock.moves).toBe(101);
  });

  it('sums up each phase, however often it comes, and nothing of what lies between', () => {
    const { clock, progress } = follow();
    const phase = (what: 'infer' | 'verify', ms: number): void => {
      progress.note(what, 0, 2);
      clock.now += ms;
      progress.note(what, 1, 2);
      clock.now += ms;
      progress.note(what, 2, 2);
      clock.now += 60_000;
    };
    phase('infer', 250);
    phase('verify', 1000);
    phase('infer', 250);
    expect(Object.fromEntries(progress.seconds)).toEqual({ infer: 1, verify: 2 });
  });

  it('has no time for a phase of nobody', () => {
    const { progress } = follow();
    progress.note('verify', 0, 0);
    expect([...progress.seconds]).toEqual([]);
  });
});
