import { describe, expect, test } from 'vitest';

import { runChecks } from './run-checks.ts';
import { type Area, type Check, ok } from './verdict.ts';

const NEVER = new AbortController().signal;

function check(area: Area, what: string, look: Check['look']): Check {
  return { area, what, look };
}

function fine(area: Area, what: string): Check {
  return check(area, what, async () => [ok(what, 'fine')]);
}

describe('checks', () => {
  test('are told in the order of the areas, whichever ended first', async () => {
    let release: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = check('machine', 'slow', async () => {
      await waiting;
      return [ok('slow', 'fine')];
    });
    // It releases the slow one: so they run side by side.
    const fast = check('log', 'fast', async () => {
      release();
      return [ok('fast', 'fine')];
    });
    const found = await runChecks([fast, slow, fine('kafka', 'b'), fine('kafka', 'a')], {
      timeoutMs: 10_000,
      signal: NEVER,
    });
    expect(found.map(({ area, what }) => [area, what])).toEqual([
      ['machine', 'slow'],
      ['kafka', 'b'],
      ['kafka', 'a'],
      ['log', 'fast'],
    ]);
  });

  test('that throw have failed, and cost nothing but themselves', async () => {
    const broken = check('redis', 'broken', () => Promise.reject(new Error('no such thing')));
    const found = await runChecks([broken, fine('log', 'other')], { timeoutMs: 10_000, signal: NEVER });
    expect(found).toMatchObject([
      { area: 'redis', what: 'broken', outcome: 'failed', says: 'no such thing' },
      { what: 'other', outcome: 'ok' },
    ]);
  });

  test('that do not end in time have failed, and are told to stop', async () => {
    const stopped: boolean[] = [];
    const hanging = check('kafka', 'hanging', (signal) => {
      signal.addEventListener('abort', () => stopped.push(true));
      return new Promise(() => undefined);
    });
    const found = await runChecks([hanging], { timeoutMs: 5, signal: NEVER });
    expect(found).toMatchObject([{ outcome: 'failed', says: 'no answer within 0.005 s' }]);
    expect(stopped).toEqual([true]);
  });

  test('that end after their time is up are not heard', async () => {
    const late = check('kafka', 'late', async (signal) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      throw new Error('too late');
    });
    const found = await runChecks([late], { timeoutMs: 5, signal: NEVER });
    expect(found).toMatchObject([{ says: 'no answer within 0.005 s' }]);
  });
});
