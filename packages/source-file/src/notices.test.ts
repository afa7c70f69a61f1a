import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Notices } from './notices.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('tells a thing at once, then once a minute, with how often it was in between; other things apart', () => {
  const told: string[] = [];
  const notices = new Notices((text) => told.push(text));
  for (let i = 0; i < 1000; i += 1) notices.say('a', `a ${String(i)}`);
  notices.say('b', 'b');
  expect(told).toEqual(['a 0', 'b']);
  vi.advanceTimersByTime(59_999);
  notices.say('a', 'a again');
  expect(told).toHaveLength(2);
  vi.advanceTimersByTime(1);
  notices.say('a', 'a later');
  expect(told.at(-1)).toBe('a later (and 1000 times more since the last warning)');
  vi.advanceTimersByTime(60_000);
  notices.say('a', 'a last');
  expect(told.at(-1)).toBe('a last');
});
