import { setTimeout as sleep } from 'node:timers/promises';

/** What {@link orAborted} resolves to when the signal was first. */
export const ABORTED = Symbol('aborted');

/**
 * The result of `work`, or {@link ABORTED} as soon as `signal` aborts, even where `work` never settles.
 * A rejection that comes after the abort is dropped.
 *
 * `Promise.race` with one promise for the whole stream would keep a reaction for every chunk; this removes
 * its listener each time.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | typeof ABORTED> {
  if (signal.aborted) {
    work.catch(() => undefined);
    return ABORTED;
  }
  let onAbort = (): void => undefined;
  const aborted = new Promise<typeof ABORTED>((resolve) => {
    onAbort = () => {
      resolve(ABORTED);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits `milliseconds`, or less where `signal` aborts. Never rejects. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
