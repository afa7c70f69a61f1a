import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { RetriesExhaustedError, retry } from './index.ts';
import type { Retry, RetryOptions } from './index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const outage = new Error('outage');

function options(more: Partial<RetryOptions> = {}): RetryOptions {
  const isRetriable = (error: unknown) => error === outage;
  return { baseMs: 100, maxMs: 1000, totalMs: 10_000, isRetriable, random: () => 1, ...more };
}

/** Fails so often, then succeeds. */
function failing(times: number) {
  let calls = 0;
  return vi.fn(async () => {
    if (calls++ < times) throw outage;
    return calls;
  });
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T> | undefined> {
  const [result] = await Promise.all([Promise.allSettled([promise]), vi.runAllTimersAsync()]);
  return result[0];
}

test('what succeeds is not tried again', async () => {
  const operation = failing(0);
  await expect(retry(operation, options())).resolves.toBe(1);
  expect(operation).toHaveBeenCalledTimes(1);
});

test('waits double up to the longest one, each times a random part', async () => {
  const waits: Retry[] = [];
  const onRetry = (wait: Retry) => void waits.push(wait);
  const parts = [1, 1, 0.5, 1, 1, 0];
  const random = () => parts.shift() ?? 0;
  expect(await settled(retry(failing(6), options({ onRetry, random })))).toMatchObject({ value: 7 });
  expect(waits.map((wait) => wait.delayMs)).toEqual([100, 200, 200, 800, 1000, 0]);
  expect(waits[2]).toEqual({ error: outage, attempt: 3, delayMs: 200 });
});

test('what is not retriable is thrown as it is, at once', async () => {
  const bug = new Error('bug');
  const operation = vi.fn(() => Promise.reject(bug));
  await expect(retry(operation, options())).rejects.toBe(bug);
  expect(operation).toHaveBeenCalledTimes(1);
});

test('after the total time the last error is the cause; the last attempt is at its very end', async () => {
  const onRetry = vi.fn();
  const operation = failing(1000);
  const start = performance.now();
  const result = await settled(retry(operation, options({ totalMs: 1000, onRetry })));
  expect(result).toMatchObject({
    status: 'rejected',
    reason: { code: 'LW_RETRIES_EXHAUSTED', cause: outage },
  });
  expect(result?.status === 'rejected' && result.reason).toBeInstanceOf(RetriesExhaustedError);
  expect(performance.now() - start).toBe(1000);
  expect(onRetry.mock.calls.map(([wait]) => (wait as Retry).delayMs)).toEqual([100, 200, 400, 300]);
  expect(operation).toHaveBeenCalledTimes(5);
});

test('no number overflows however often it fails', async () => {
  const waits: number[] = [];
  const onRetry = (wait: Retry) => void waits.push(wait.delayMs);
  const total = options({ totalMs: Number.POSITIVE_INFINITY, onRetry });
  expect(await settled(retry(failing(1500), total))).toMatchObject({ value: 1501 });
  expect(waits.at(-1)).toBe(1000);
});

test('an aborted signal ends the wait at once, and begins no attempt', async () => {
  const stop = new AbortController();
  const reason = new Error('told to stop');
  const operation = failing(1000);
  const result = expect(retry(operation, options({ signal: stop.signal }))).rejects.toBe(reason);
  await vi.advanceTimersByTimeAsync(50);
  stop.abort(reason);
  await result;
  expect(operation).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
  await expect(retry(operation, options({ signal: stop.signal }))).rejects.toBe(reason);
  expect(operation).toHaveBeenCalledTimes(1);
});
